"""One trial, whole."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from sweep.records.base import SCHEMA_VERSION, Record
from sweep.records.energy import ActivityEnergy, Conditions, DomainEnergy, Sensors
from sweep.records.layers import LayerTable
from sweep.records.operators import OperatorTable
from sweep.records.scores import SampleScores


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


class Milestone(Record, frozen=True, kw_only=True):
    """How far a trial was after one epoch: what a choice among setups and epochs rests on.

    Attributes:
        epoch: counted from 1 within the phase.
        quality: validation quality of this epoch; ``None`` in phases that have none.
        energy_j: joules from the start of the trial to the end of this epoch, validation included.
        duration_s: seconds from the start of the trial.
        energy_dynamic_j: of ``energy_j``, what is above idle; ``None`` where the idle power is not known.
        qualities: of each head in this epoch, by name; empty for a model with one head.
    """

    phase: str
    epoch: int
    quality: float | None
    energy_j: float | None
    duration_s: float
    energy_dynamic_j: float | None = None
    qualities: dict[str, float] = msgspec.field(default_factory=dict)


class TrajectoryPoint(Milestone, frozen=True, kw_only=True):
    """State of a trial after one epoch.

    Attributes:
        loss: mean training loss of the epoch; ``None`` if not finite.
        val_loss: mean validation loss; ``None`` if not finite or not known.
        steps: training steps of this epoch alone.
        train_j: joules of these steps alone, validation not included.
        conditions: of the hardware at the end of the epoch.
    """

    loss: float | None
    val_loss: float | None
    steps: int | None = None
    train_j: float | None = None
    conditions: Conditions | None = None


class LoadCheck(Record, frozen=True, kw_only=True):
    """How much other programs disturbed a trial.

    Attributes:
        wait_share: seconds that the training spent runnable but not running, over its wall time; ``None`` if the
            platform does not tell.
        contaminated: whether one of ``reasons`` is given.
        other_cpu_share: CPU time of other programs, over what the machine's cores could have given.
        domains: measured domains that hold joules of other programs.
        reasons: what was found, in words.
    """

    wait_share: float | None
    contaminated: bool
    other_cpu_share: float | None = None
    domains: list[str] = msgspec.field(default_factory=list)
    reasons: list[str] = msgspec.field(default_factory=list)


class Steadiness(Record, frozen=True, kw_only=True):
    """Whether the power of a trial was steady: its first and last third compared.

    Attributes:
        drift_rel: mean power of the last third over that of the first, minus 1.
        u_rel: standard uncertainty of that.
        steady: whether ``drift_rel`` is at most 5 % or within two ``u_rel``.
    """

    drift_rel: float
    u_rel: float
    steady: bool


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


class Pretraining(Record, frozen=True, kw_only=True):
    """The shared first part of a trial: trained once, used by every trial that needs the same one.

    Attributes:
        key: hash of everything that determines it.
        number: of the trial that trained it, and spent its joules.
        reused: whether that was another trial.
        energy_j: of the additive domains, all of it, wherever it was spent.
        energy_u_random_j: standard uncertainty of that.
        epochs: that it took.
        duration_s: seconds that it took.
    """

    key: str
    number: int
    reused: bool
    energy_j: float | None
    energy_u_random_j: float | None
    epochs: int
    duration_s: float


class SharedPhase(Record, frozen=True, kw_only=True):
    """A pretraining that can be used again.

    Attributes:
        number: of the trial that trained it.
        points: its epochs; joules and seconds from its beginning.
        energy_j: of the additive domains; ``None`` if not known.
    """

    schema_version: int = SCHEMA_VERSION
    key: str
    number: int
    points: list[TrajectoryPoint]
    energy_j: float | None
    energy_u_scale_j: float | None
    energy_u_random_j: float | None
    energy_dynamic_j: float | None
    duration_s: float


class TrialRecord(Record, frozen=True, kw_only=True):
    """One trial, whole: enough to rebuild every analysis and every chart.

    Attributes:
        number: Optuna's trial number in this study.
        params: the value of each dimension by its name.
        repeat: 0 for the first run of a setup, counted up for its repeats.
        quality: best validation quality so far at the end; ``None`` if no epoch was validated.
        energy_j: what the trial is charged with (the objective value), summed over additive domains: its training, and
            of a pretraining one part in ``pretraining_shares``; not what else the paradigm does and measures.
        energy_spent_j: what was spent in it (sums to the ledger, and so do ``domains``): all of its pretraining, or
            nothing of it if that was reused.
        energy_dynamic_j: above idle, summed over additive domains; ``None`` if the idle power of one is not known.
        best_epoch: epoch of ``quality`` within the last phase, counted from 1.
        prefix_is_run: whether stopping this trial at epoch k equals a run planned for k epochs; false under
            a learning-rate schedule that depends on the planned length.
        pretraining: the shared first part; ``None`` without one. Its epochs stand first in ``trajectory``.
        pretraining_shares: trainings among which the joules of the pretraining are divided (``study.energy``).
        qualities: of each head at ``best_epoch``, by name; empty for a model with one head.
        scores: of each validation sample at ``best_epoch``; ``None`` if the metric offers none.
        results: further numbers that the paradigm measured, by name with unit, e.g. ``compression_ratio``.
        operators: of sampled training steps of each phase, profiled outside of the trial; empty if not asked for.
        config_digest: hash of the config that determines the result, with the params applied.
        sensors: what the sensors of each domain told over the trial.
        steadiness: of its power; ``None`` if it was too short to tell.
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
    energy_dynamic_j: float | None = None
    domains: dict[str, DomainEnergy]
    activities: list[ActivityEnergy]
    trajectory: list[TrajectoryPoint]
    layers: Sequence[LayerTable] = msgspec.field(default_factory=list)
    prefix_is_run: bool
    pretraining: Pretraining | None = None
    pretraining_shares: float = 1.0
    qualities: dict[str, float] = msgspec.field(default_factory=dict)
    scores: SampleScores | None = None
    results: dict[str, float | None] = msgspec.field(default_factory=dict)
    operators: list[OperatorTable] = msgspec.field(default_factory=list)
    load: LoadCheck | None
    machine: Machine
    started_at: str
    duration_s: float
    config_digest: str
    sensors: dict[str, Sensors] = msgspec.field(default_factory=dict)
    steadiness: Steadiness | None = None
    imported_from: str | None = None


def bare(trial: TrialRecord) -> TrialRecord:
    """The trial without its epochs, layers and scores, which take most of its memory."""
    return msgspec.structs.replace(trial, trajectory=[], layers=[], scores=None)
