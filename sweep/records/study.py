"""A study: what it is, what its sessions spent, and its trials."""

from typing import Any

import msgspec

from sweep.records.base import SCHEMA_VERSION, Joules, Record
from sweep.records.energy import Domain, IdlePower
from sweep.records.scores import SampleGroups
from sweep.records.trial import Machine, TrialRecord


class DataInfo(Record, frozen=True, kw_only=True):
    """Which data were used.

    Attributes:
        source: ``local``, ``synthetic``, or an objective's own word.
        digest: hash of the tensors that were trained, validated and tested on.
        split: how the parts were chosen, as a sentence.
        notice: something every reader of the report must know, e.g. that the data are synthetic.
        mend: the command that removes the reason of ``notice``.
        val_digest: hash of the tensors of the validation split alone; ``None`` in older records.
        val_groups: which of its samples belong together; ``None`` if the task does not say.
    """

    source: str
    description: str
    digest: str
    split: str
    n_train: int
    n_val: int
    n_test: int
    notice: str | None = None
    mend: str | None = None
    val_digest: str | None = None
    val_groups: SampleGroups | None = None


class Dimension(Record, frozen=True, kw_only=True):
    """One dimension of the search space.

    Attributes:
        name: as in ``search.space``, e.g. ``lr`` or ``trainer.weight_decay``.
        key: the config key it sets, e.g. ``trainer.lr``; ``paradigm`` for the paradigm.
        values: the list of values, or ``None`` for a range.
    """

    name: str
    key: str
    values: list[Any] | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None


class StudyRecord(Record, frozen=True, kw_only=True):
    """What a study is, apart from its trials.

    Attributes:
        config: the whole resolved config.
        fingerprint: what must not change when the study is resumed, by topic.
        command: the command that started it.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
    created_at: str
    command: str
    quality_name: str
    dimensions: list[Dimension]
    repeats: int
    n_trials_planned: int | None
    config: dict[str, Any]
    fingerprint: dict[str, Any]
    data: DataInfo
    domains: list[Domain]
    machine: Machine


class SessionRecord(Record, frozen=True, kw_only=True):
    """One run of the command on a study: what its process spent, trials and all the rest.

    ``energy_j`` covers the whole session; trials and test evaluation are parts of it, and what remains is the
    search's own overhead (loading data, choosing, storing, reporting, idle).

    Attributes:
        idle_before: idle power of the measured domains before the first trial of the session; empty if not measured.
        idle_after: after its last one.
    """

    started_at: str
    command: str
    duration_s: float
    energy_j: Joules
    trials_j: Joules
    test_j: Joules
    trials: list[int]
    idle_before: list[IdlePower] = msgspec.field(default_factory=list)
    idle_after: list[IdlePower] = msgspec.field(default_factory=list)


class TestResult(Record, frozen=True, kw_only=True):
    """Quality on the test split of one trial, with the best weights up to ``epoch``."""

    __test__ = False  # not a pytest class

    number: int
    epoch: int
    weights_epoch: int
    quality: float
    qualities: dict[str, float] = msgspec.field(default_factory=dict)


class StudyData(Record, frozen=True, kw_only=True, weakref=True, gc=True):
    """Everything a report needs."""

    study: StudyRecord
    trials: list[TrialRecord]
    sessions: list[SessionRecord]
    tests: list[TestResult]
