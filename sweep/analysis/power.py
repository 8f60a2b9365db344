"""Mean power over the course of a training: of each epoch, and of what is done within the epochs.

    power(epoch)    = (energy(end of epoch) - energy(end of the one before)) / seconds between the two
    power(activity) = joules / seconds of all its intervals, over all trials; for each domain apart

of the trials of the recommended setup. The epochs of a shared pretraining stand first; a trial is charged with a part
of their joules, which is scaled back to what was drawn.

Limits: an epoch's mean, validation included; what happens within it is told by the activities only. The first epoch
holds the time before it, in which data and model are made ready. Joules of activities that are too short for a counter
are means over its ticks.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from sweep.analysis.current import current
from sweep.analysis.setups import Setup
from sweep.records import State, StudyData, TrajectoryPoint, TrialRecord, total_j

MAX_EPOCHS = 150


class EpochPower(NamedTuple):
    """Mean power from one time of the training to another, which is the end of ``epoch`` of ``phase``."""

    start_s: float
    end_s: float
    phase: str
    epoch: int
    power_w: float


class RunPower(NamedTuple):
    """One trial; ``epochs`` in their order, at most ``MAX_EPOCHS`` (longer runs: means over several)."""

    number: int
    epochs: tuple[EpochPower, ...]


class ActivityPower(NamedTuple):
    """One activity of one phase.

    Attributes:
        power_w: of each additive domain; ``None`` where its joules are not known.
        duration_s: seconds in one trial, mean.
    """

    phase: str
    activity: str
    power_w: dict[str, float | None]
    duration_s: float


class SetupPower(NamedTuple):
    """Power of one setup.

    Attributes:
        numbers: of the trials.
        activities: in the order of the records.
        idle_w: of all additive domains together; ``None`` if one is not known, or if the powers are above idle.
    """

    params: dict[str, Any]
    numbers: tuple[int, ...]
    is_recommended: bool
    runs: tuple[RunPower, ...]
    activities: tuple[ActivityPower, ...]
    idle_w: float | None


def setup_power(data: StudyData, recommended: Setup | None) -> SetupPower | None:
    """Power of the recommended setup, else of the first completed trial; ``None`` if no epoch's power is known."""
    complete = [trial for trial in current(data) if trial.state is State.COMPLETE]
    trials = recommended.trials if recommended else sorted(complete, key=lambda trial: trial.number)[:1]
    runs = tuple(RunPower(trial.number, epochs) for trial in trials if (epochs := _epochs(trial)))
    if not runs:
        return None
    domains = [domain for domain in data.study.domains if domain.additive]
    return SetupPower(
        params=dict(trials[0].params),
        numbers=tuple(run.number for run in runs),
        is_recommended=recommended is not None,
        runs=runs,
        activities=_activities(trials, [domain.name for domain in domains]),
        idle_w=None if any(domain.above_idle for domain in domains) else total_j(d.idle_power_w for d in domains),
    )


def _epochs(trial: TrialRecord) -> tuple[EpochPower, ...]:
    shared = trial.pretraining.epochs if trial.pretraining else 0
    shares = [trial.pretraining_shares if index < shared else 1.0 for index in range(len(trial.trajectory))]
    step = math.ceil(len(trial.trajectory) / MAX_EPOCHS) or 1
    kept = [*zip(trial.trajectory, shares, strict=True)][::-step][::-1]
    before = [None, *(point for point, _ in kept)]
    found = (_power(start, end, share) for start, (end, share) in zip(before, kept, strict=False))
    return tuple(item for item in found if item is not None)


def _power(start: TrajectoryPoint | None, end: TrajectoryPoint, shares: float) -> EpochPower | None:
    """``None`` if the joules or the seconds between the two are not known."""
    start_s, start_j = (0.0, 0.0) if start is None else (start.duration_s, start.energy_j)
    if start_j is None or end.energy_j is None or not end.duration_s > start_s:
        return None
    power_w = shares * (end.energy_j - start_j) / (end.duration_s - start_s)
    return EpochPower(start_s, end.duration_s, end.phase, end.epoch, power_w)


def _activities(trials: Sequence[TrialRecord], domains: Sequence[str]) -> tuple[ActivityPower, ...]:
    rows = [row for trial in trials for row in trial.activities if row.duration_s > 0.0]
    found = []
    for phase, activity in dict.fromkeys((row.phase, row.activity) for row in rows):
        own = [row for row in rows if (row.phase, row.activity) == (phase, activity)]
        seconds = math.fsum(row.duration_s for row in own)
        joules = {name: total_j(row.energy_j.get(name) for row in own) for name in domains}
        power_w = {name: None if item is None else item / seconds for name, item in joules.items()}
        found.append(ActivityPower(phase, activity, power_w, seconds / len(own)))
    return tuple(found)
