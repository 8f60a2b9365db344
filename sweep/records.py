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
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sweep.errors import RecordError

SCHEMA_VERSION = 2
READABLE = frozenset({1, SCHEMA_VERSION})
"""Versions that this one reads; what a version 1 record lacks (layers, steps) is not known."""

Joules = dict[str, float | None]
"""Joules for each domain; ``None`` where a gap in the readings leaves the domain unknown."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records: immutable, keyword-only, strict."""


class Provenance(StrEnum):
    """Where a joule comes from."""

    MEASURED = "measured"
    MODELLED = "modelled"
    REPLAYED = "replayed"


class State(StrEnum):
    """Optuna's word for how a trial ended."""

    COMPLETE = "COMPLETE"
    FAIL = "FAIL"


class StopReason(StrEnum):
    """Why a trial ended. The first two are results, the others are failures whose joules still count."""

    EARLY_STOPPING = "early_stopping"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"
    CRASHED = "crashed"
    INTERRUPTED = "interrupted"
    KILLED = "killed"


RESULTS = frozenset({StopReason.EARLY_STOPPING, StopReason.MAX_EPOCHS})
"""Stop reasons of a COMPLETE trial."""
SETTLED = RESULTS | {StopReason.DIVERGED}
"""Stop reasons after which the same seed is not run again."""


class Reading(Record, frozen=True, kw_only=True):
    """One reading of a meter: cumulative joules of each domain at one time of the injected clock."""

    time_s: float
    energy_j: Joules


class Domain(Record, frozen=True, kw_only=True):
    """A part of the machine whose energy a meter reports, e.g. ``gpu:0``, ``package:0``, ``cpu:process``.

    Attributes:
        scale_u_rel: relative standard uncertainty of the scale; the same factor for every interval, so it
            cancels when two setups on one machine are compared.
        random_u_rel: relative standard uncertainty from one repetition of the same work to the next.
        tick_s: seconds between two updates of the counter; ``None`` if it may be read at any time.
        additive: whether the domain is disjoint from the others and so enters the total.
        idle_power_w: power while nothing computes, in watts; ``None`` if not known.
        source: where the constants and the counter come from.
    """

    name: str
    provenance: Provenance
    scale_u_rel: float
    random_u_rel: float
    tick_s: float | None = None
    additive: bool = True
    idle_power_w: float | None = None
    source: str = ""


class DomainEnergy(Record, frozen=True, kw_only=True):
    """Energy of one domain over one interval, with standard uncertainties in joules."""

    energy_j: float | None
    provenance: Provenance
    u_scale_j: float | None
    u_random_j: float | None
    additive: bool = True


class ActivityEnergy(Record, frozen=True, kw_only=True):
    """Energy of all intervals of one activity within one phase of a trial.

    Attributes:
        phase: the paradigm's phase, e.g. ``supervised`` or ``pretraining``.
        activity: ``data`` (model and data made ready for the phase), ``train``, ``validation``, ``checkpoint``, or
            ``other`` for what lies between.
        duration_s: summed wall time.
    """

    phase: str
    activity: str
    duration_s: float
    energy_j: Joules


class Pass(StrEnum):
    """Direction of a pass through a layer."""

    FORWARD = "forward"
    BACKWARD = "backward"


class Row(StrEnum):
    """Rows of a layer table that are no layers.

    Attributes:
        DATA: fetching batches.
        PREPROCESS: what is done to data before the model sees them; in a study, making model and data ready.
        LOSS: the loss and its own backward.
        OPTIMIZER: zeroing gradients and stepping.
        VALIDATION: everything of an evaluation.
        REST: what nothing else owns, such as checkpoints.
    """

    DATA = "data"
    PREPROCESS = "preprocess"
    LOSS = "loss"
    OPTIMIZER = "optimizer"
    VALIDATION = "validation"
    REST = "rest"


class LayerMethod(StrEnum):
    """How joules were divided among layers, in rising order of trust."""

    TIME = "time"
    REPLAY = "replay"
    REGRESSION = "regression"
    DOPED = "doped"


class LayerShape(Record, frozen=True, kw_only=True):
    """What one layer does in one training step, counted on fake tensors, without running anything.

    A layer's own work only: what its submodules do is theirs. MACs are multiply-accumulates of matrix products,
    convolutions and attention; FLOPs are 2 for each MAC and 1 for each element that another operation writes.

    Attributes:
        layer: qualified name, as in ``named_modules``; ``""`` is the model itself.
        type: class name.
        parameters: own parameters, frozen ones included; one shared with an earlier layer counts there.
        calls: calls in one step.
        macs: of one step's forward pass; ``None`` where an operation cannot be counted.
        flops: likewise.
        flops_backward: of one step's backward pass.
        bytes_in: of all inputs, in bytes.
        bytes_out: of all outputs.
        bytes_weights: of own parameters and buffers.
        inputs: shapes of the tensors of the first call.
        outputs: likewise.
    """

    layer: str
    type: str
    parameters: int
    calls: int
    macs: int | None
    flops: int | None
    flops_backward: int | None
    bytes_in: int
    bytes_out: int
    bytes_weights: int
    inputs: list[list[int]]
    outputs: list[list[int]]


class LayerEnergy(Record, frozen=True, kw_only=True):
    """One row of a layer table: a layer in one pass, or one of ``Row``.

    Attributes:
        layer: qualified name of the layer, ``""`` for the model's own operations; the ``Row`` for others.
        type: class name of the layer; empty for a ``Row``.
        pass_: ``None`` for a ``Row``. Written as ``pass``.
        duration_s: seconds of the row, estimated where layers were not marked.
        energy_j: joules of each domain; rows of a table add up to the table's interval.
        energy_u_random_j: standard uncertainty of the sum over additive domains: composition seen on marked
            steps only, unknown power of the layer, and readings. The scale's comes on top.
        dynamic_j: joules above idle, where the idle power of a domain is known.
        flops: of all steps; ``None`` if not counted.
        steps_j: joules of single marked steps, summed over additive domains; a sample for distributions.
    """

    layer: str
    type: str
    pass_: Pass | None = msgspec.field(name="pass", default=None)
    duration_s: float
    energy_j: Joules
    energy_u_random_j: float | None
    dynamic_j: Joules
    flops: int | None = None
    steps_j: list[float] = []


class LayerTable(Record, frozen=True, kw_only=True):
    """How the joules of one phase of a trial divide among layers.

    Attributes:
        phase: the paradigm's phase.
        method: how joules were divided.
        steps: training steps of the phase.
        marked_steps: those on which layers were marked.
        marking_s: seconds that marking added to them; within noise it may be negative, ``None`` if not known.
        rows: per domain they sum to the phase's activities.
        shapes: of the layers, for the phase's batch size; empty if they could not be counted.
        notes: what a reader must know, e.g. why layers are missing.
    """

    phase: str
    method: LayerMethod
    steps: int
    marked_steps: int
    marking_s: float | None = None
    rows: list[LayerEnergy]
    shapes: list[LayerShape] = []
    notes: list[str] = []


class Conditions(Record, frozen=True, kw_only=True):
    """State of the hardware at one moment; ``None`` where no sensor tells."""

    temperature_c: float | None = None
    clock_mhz: float | None = None


class TrajectoryPoint(Record, frozen=True, kw_only=True):
    """State of a trial after one epoch.

    Attributes:
        epoch: counted from 1 within the phase.
        loss: mean training loss of the epoch; ``None`` if not finite.
        val_loss: mean validation loss; ``None`` if not finite or not known.
        quality: validation quality of this epoch; ``None`` in phases that have none.
        energy_j: joules from the start of the trial to the end of this epoch, validation included.
        duration_s: seconds from the start of the trial.
        steps: training steps of this epoch alone.
        train_j: joules of these steps alone, validation not included.
        conditions: of the hardware at the end of the epoch.
    """

    phase: str
    epoch: int
    loss: float | None
    val_loss: float | None
    quality: float | None
    energy_j: float | None
    duration_s: float
    steps: int | None = None
    train_j: float | None = None
    conditions: Conditions | None = None


class LoadCheck(Record, frozen=True, kw_only=True):
    """How much other programs disturbed a trial.

    Attributes:
        wait_share: seconds that the training spent runnable but not running, over its wall time.
        contaminated: whether ``wait_share`` is above the threshold.
    """

    wait_share: float
    contaminated: bool


class Machine(Record, frozen=True, kw_only=True):
    """On what a trial ran.

    Attributes:
        compute: the device that trained, e.g. ``cpu`` or ``cuda:0``, with its model name in ``model``.
        software: versions by distribution name, and ``python``.
    """

    host: str
    system: str
    compute: str
    model: str
    cores: int
    threads: int
    wait_policy: str
    software: dict[str, str]


class DataInfo(Record, frozen=True, kw_only=True):
    """Which data were used.

    Attributes:
        source: ``local``, ``synthetic``, or an objective's own word.
        digest: hash of the tensors that were trained, validated and tested on.
        split: how the parts were chosen, as a sentence.
        notice: something every reader of the report must know, e.g. that the data are synthetic.
        mend: the command that removes the reason of ``notice``.
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


class TrialRecord(Record, frozen=True, kw_only=True):
    """One trial, whole: enough to rebuild every analysis and every chart.

    Attributes:
        number: Optuna's trial number in this study.
        params: the value of each dimension by its name.
        repeat: 0 for the first run of a setup, counted up for its repeats.
        quality: best validation quality so far at the end; ``None`` if no epoch was validated.
        energy_j: what the trial is charged with (the objective value), summed over additive domains.
        energy_spent_j: what was spent in it (sums to the ledger); smaller if a shared part was reused.
        best_epoch: epoch of ``quality`` within the last phase, counted from 1.
        prefix_is_run: whether stopping this trial at epoch k equals a run planned for k epochs; false under
            a learning-rate schedule that depends on the planned length.
        config_digest: hash of the config that determines the result, with the params applied.
        imported_from: the study folder whose trial this was, for an imported record.
    """

    schema_version: int = SCHEMA_VERSION
    number: int
    params: dict[str, Any]
    seed: int
    repeat: int
    paradigm: str
    state: State
    stop_reason: StopReason
    message: str | None
    quality: float | None
    best_epoch: int | None
    energy_to_best_j: float | None
    epochs: int
    effective_batch_size: int | None
    energy_j: float | None
    energy_spent_j: float | None
    energy_u_scale_j: float | None
    energy_u_random_j: float | None
    domains: dict[str, DomainEnergy]
    activities: list[ActivityEnergy]
    trajectory: list[TrajectoryPoint]
    layers: list[LayerTable] = []
    prefix_is_run: bool
    load: LoadCheck | None
    machine: Machine
    started_at: str
    duration_s: float
    config_digest: str
    imported_from: str | None = None


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
    """

    started_at: str
    command: str
    duration_s: float
    energy_j: Joules
    trials_j: Joules
    test_j: Joules
    trials: list[int]


class TestResult(Record, frozen=True, kw_only=True):
    """Quality on the test split of one trial, with the best weights up to ``epoch``."""

    __test__ = False  # not a pytest class

    number: int
    epoch: int
    weights_epoch: int
    quality: float


class StudyData(Record, frozen=True, kw_only=True):
    """Everything a report needs."""

    study: StudyRecord
    trials: list[TrialRecord]
    sessions: list[SessionRecord]
    tests: list[TestResult]


R = TypeVar("R", bound=Record)


def dumps(record: Record) -> bytes:
    """JSON text of a record, indented for a human reader."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def loads(data: bytes, kind: type[R], where: str | Path = "record") -> R:
    """Read a record back.

    Raises:
        RecordError: if it is not JSON, of another schema version, or does not fit the type.
    """
    try:
        version = msgspec.json.decode(data, type=_Versioned).schema_version
        if version not in READABLE:
            raise RecordError(
                f"{where} has schema version {version}, this sweep reads versions {sorted(READABLE)}",
                "read it with the sweep that wrote it",
            )
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as err:
        raise RecordError(
            f"{where} is not a readable {kind.__name__} ({err})", "restore it from a copy of the study"
        ) from err


class _Versioned(msgspec.Struct):
    schema_version: int = SCHEMA_VERSION


def finite(value: float) -> float | None:
    """The value, or ``None`` if it is NaN or infinite."""
    return value if math.isfinite(value) else None


def total_j(values: Iterable[float | None]) -> float | None:
    """Sum of joules; ``None`` if there is none, or if one of them is unknown."""
    items = list(values)
    if not items or any(item is None for item in items):
        return None
    return math.fsum(item for item in items if item is not None)
