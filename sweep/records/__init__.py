"""What a study leaves behind: plain, versioned data, readable without torch, optuna or hydra.

Records are the truth (CSV files, attributes, notes and reports derive from them). Units stand in the names:
joules, watts, seconds; ``None`` means "not known" and never zero. JSON through msgspec, which refuses unknown
fields and wrong types; NaN does not exist in JSON, so a non-finite loss is stored as ``None``.

    StudyData = StudyRecord + [TrialRecord] + [SessionRecord] + [TestResult]

    TrialRecord
      domains     {name: DomainEnergy}      energy of the whole trial, with provenance and uncertainty
      activities  [ActivityEnergy]          (phase, activity) rows; per domain they sum to ``domains``
      layers      [LayerTable]              one for each phase; per domain all their rows sum to ``domains``
      trajectory  [TrajectoryPoint]         one for each epoch; joules are cumulative in the trial
      scores      SampleScores              one for each validation sample; their mean is ``quality``
"""

from sweep.records.base import READABLE, SCHEMA_VERSION, Joules, Record, dumps, finite, load, loads, total_j
from sweep.records.energy import (
    ActivityEnergy,
    Conditions,
    Domain,
    DomainEnergy,
    Gap,
    IdlePower,
    Provenance,
    Reading,
    Scope,
    Sensors,
)
from sweep.records.layers import LayerEnergy, LayerMethod, LayerShape, LayerTable, Pass, Row
from sweep.records.operators import OperatorKind, OperatorTable, OperatorTime
from sweep.records.scores import SampleGroups, SampleScores
from sweep.records.study import DataInfo, Dimension, SessionRecord, StudyData, StudyRecord, TestResult
from sweep.records.trial import (
    RESULTS,
    SETTLED,
    LoadCheck,
    Machine,
    Milestone,
    Pretraining,
    SharedPhase,
    State,
    Steadiness,
    StopReason,
    TrajectoryPoint,
    TrialRecord,
    bare,
)

__all__ = [
    "READABLE",
    "RESULTS",
    "SCHEMA_VERSION",
    "SETTLED",
    "ActivityEnergy",
    "Conditions",
    "DataInfo",
    "Dimension",
    "Domain",
    "DomainEnergy",
    "Gap",
    "IdlePower",
    "Joules",
    "LayerEnergy",
    "LayerMethod",
    "LayerShape",
    "LayerTable",
    "LoadCheck",
    "Machine",
    "Milestone",
    "OperatorKind",
    "OperatorTable",
    "OperatorTime",
    "Pass",
    "Pretraining",
    "Provenance",
    "Reading",
    "Record",
    "Row",
    "SampleGroups",
    "SampleScores",
    "Scope",
    "Sensors",
    "SessionRecord",
    "SharedPhase",
    "State",
    "Steadiness",
    "StopReason",
    "StudyData",
    "StudyRecord",
    "TestResult",
    "TrajectoryPoint",
    "TrialRecord",
    "bare",
    "dumps",
    "finite",
    "load",
    "loads",
    "total_j",
]
