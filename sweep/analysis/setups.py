"""Trials to setups: repeats of the same params, averaged at equal epochs.

A setup is one choice of params; its repeats differ in the seed only. Its point at epoch k is the policy
"train until epoch k, or until early stopping if that comes first":

    quality(k)  = mean over repeats of the best validation quality in epochs 1..k
    energy_j(k) = mean over repeats of the joules from the start of the trial to the end of epoch k

A repeat that ended before k enters with its final values; the joules of a whole trial are its ``energy_j``.
Epochs are counted over the whole trial (index in the trajectory), so a pretraining's epochs come first. Of a run that
was done again only the current record counts (``sweep.analysis.current``).

Limits: an epoch where a repeat has no quality yet or unknown joules has no point. Only COMPLETE trials are averaged;
a setup of which a repeat diverged is excluded as a whole: whoever trains it may diverge too. Where setups learn
different heads, those with the most stand on the front, and the others beside it: their qualities do not compare.
"""

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress, repeat
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.current import is_disturbed, setup_key, superseded
from sweep.records import State, StopReason, StudyData, TrialRecord, total_j

_is_run = attrgetter("is_run")

SETUPS_AT_ONCE = 200
"""Setups whose epochs are in memory together."""


class SetupPoint(NamedTuple):
    """A setup trained to one epoch.

    Attributes:
        epoch: counted from 1 over the whole trial.
        quality: mean best validation quality so far.
        quality_sd: standard deviation over repeats; ``None`` with one repeat.
        energy_j: mean cumulative joules.
        energy_sd_j: standard deviation over repeats; ``None`` with one repeat.
        n: number of repeats averaged.
        is_run: whether stopping here equals a run of this length; only such points can be recommended.
    """

    epoch: int
    quality: float
    quality_sd: float | None
    energy_j: float
    energy_sd_j: float | None
    n: int
    is_run: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """All trials with the same params.

    Attributes:
        trials: current COMPLETE trials, by number; the repeats.
        failed: numbers of the FAIL trials.
        points: by rising epoch; empty if nothing can be averaged. After one that is a run all are.
        excluded: why the setup is off the front; ``None`` if it is not.
        contaminated: numbers of the trials that other programs disturbed.
        superseded: numbers of the COMPLETE trials that were done again and count no more.
    """

    params: dict[str, Any]
    trials: tuple[TrialRecord, ...]
    failed: tuple[int, ...]
    points: tuple[SetupPoint, ...]
    excluded: str | None
    contaminated: tuple[int, ...]
    superseded: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the COMPLETE trials."""
        return tuple(trial.number for trial in self.trials)

    @property
    def heads(self) -> frozenset[str]:
        """Names of the heads of which its quality is the mean; empty for a model with one task."""
        return frozenset(name for trial in self.trials for name in trial.qualities)

    @property
    def final(self) -> SetupPoint | None:
        """The setup as it was trained, to its end."""
        return self.points[-1] if self.points else None

    @property
    def dynamic_j(self) -> float | None:
        """Mean joules above idle of the whole trainings; ``None`` if those of one are not known."""
        total = total_j(trial.energy_dynamic_j for trial in self.trials)
        return None if total is None else total / len(self.trials)

    @property
    def candidates(self) -> tuple[SetupPoint, ...]:
        """The points that may stand on the front; they are the last ones, if any."""
        if self.excluded:
            return ()
        return self.points[bisect.bisect_left(self.points, True, key=_is_run) :]  # noqa: FBT003


def setups(data: StudyData) -> tuple[Setup, ...]:
    """The setups of a study, in the order of their first trial."""
    groups: dict[bytes, list[TrialRecord]] = {}
    for trial in sorted(data.trials, key=lambda trial: trial.number):
        groups.setdefault(setup_key(trial), []).append(trial)
    replaced = superseded(data)
    complete = [
        tuple(trial for trial in group if trial.state is State.COMPLETE and trial.number not in replaced)
        for group in groups.values()
    ]
    points = _all_points(complete)
    found = tuple(map(partial(_setup, replaced), groups.values(), complete, points))
    widest = max((setup.heads for setup in found if setup.trials), key=len, default=frozenset())
    return tuple(
        replace(setup, excluded=_other_task(setup)) if setup.excluded is None and setup.heads != widest else setup
        for setup in found
    )


def _other_task(setup: Setup) -> str:
    return f"its quality is that of {' and '.join(sorted(setup.heads)) or 'one task'} alone, which is another task"


def phase_epoch(setup: Setup, epoch: int) -> int:
    """The epoch within its phase (what ``trainer.max_epochs`` limits) of an epoch of the whole trial."""
    longest = max(setup.trials, key=lambda trial: len(trial.trajectory))
    return longest.trajectory[epoch - 1].epoch


def _setup(
    replaced: Mapping[int, int],
    group: Sequence[TrialRecord],
    complete: tuple[TrialRecord, ...],
    points: tuple[SetupPoint, ...],
) -> Setup:
    return Setup(
        params=dict(group[0].params),
        trials=complete,
        failed=tuple(trial.number for trial in group if trial.state is State.FAIL),
        points=points,
        excluded=_exclusion(group, complete, points),
        contaminated=tuple(trial.number for trial in complete if is_disturbed(trial)),
        superseded=tuple(trial.number for trial in group if trial.number in replaced),
    )


def _exclusion(
    group: Sequence[TrialRecord], complete: Sequence[TrialRecord], points: Sequence[SetupPoint]
) -> str | None:
    diverged = [str(trial.number) for trial in group if trial.stop_reason is StopReason.DIVERGED]
    if diverged:
        return f"diverged in trial {', '.join(diverged)}"
    if not complete:
        return "no trial of it was completed"
    if not points:
        return "quality or joules are not known"
    return None


def _all_points(groups: Sequence[Sequence[TrialRecord]]) -> list[tuple[SetupPoint, ...]]:
    """The points of each setup, from its repeats; ``SETUPS_AT_ONCE`` of one shape are worked out together."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for place, trials in enumerate(groups):
        lengths = [len(trial.trajectory) for trial in trials]
        if all(lengths) and lengths:
            shapes.setdefault((len(trials), max(lengths)), []).append(place)
    found: list[tuple[SetupPoint, ...]] = [() for _ in groups]
    for (_, longest), places in shapes.items():
        for start in range(0, len(places), SETUPS_AT_ONCE):
            part = places[start : start + SETUPS_AT_ONCE]
            for place, points in zip(part, _points([groups[place] for place in part], longest), strict=True):
                found[place] = points
    return found


def _points(groups: Sequence[Sequence[TrialRecord]], longest: int) -> Iterator[tuple[SetupPoint, ...]]:
    """The points of setups with equally many repeats."""
    n = len(groups[0])
    qualities = np.fmax.accumulate(np.array([[_qualities(t, longest) for t in own] for own in groups], float), axis=2)
    joules = np.array([[_cumulative_j(trial, longest) for trial in own] for own in groups], dtype=float)
    known = np.logical_and.reduce(np.isfinite(qualities + joules), axis=1).tolist()
    columns: list[list[Any]] = [*_mean_sd(qualities), *_mean_sd(joules), known]
    for trials, quality, quality_sd, energy_j, energy_sd_j, is_known in zip(groups, *columns, strict=True):
        is_run_from = max((len(trial.trajectory) for trial in trials if not trial.prefix_is_run), default=1)
        epochs = range(1, longest + 1)
        is_run = (epoch >= is_run_from for epoch in epochs)
        points = zip(epochs, quality, quality_sd, energy_j, energy_sd_j, repeat(n), is_run, strict=False)
        yield tuple(map(SetupPoint._make, compress(points, is_known)))


def _qualities(trial: TrialRecord, length: int) -> list[float | None]:
    """Quality at each of ``length`` epochs; unknown after the end."""
    found = [point.quality for point in trial.trajectory]
    return found + [None] * (length - len(found))


def _cumulative_j(trial: TrialRecord, length: int) -> list[float | None]:
    """Joules to the end of each of ``length`` epochs, those of the whole trial from its last on."""
    found = [point.energy_j for point in trial.trajectory[:-1]]
    return found + [trial.energy_j] * (length - len(found))


def _mean_sd(values: NDArray[np.float64]) -> tuple[list[list[float]], list[list[float]] | list[list[None]]]:
    """Mean and standard deviation over repeats, whatever their order; from shape ``(n_setups, n_repeats, n_epochs)``.

    The standard deviation is taken around the least number, so that equal ones scatter by 0.
    """
    n, values = values.shape[1], np.sort(values, axis=1)
    means = (values.sum(axis=1) / n).tolist()
    if n == 1:
        return means, [[None] * values.shape[2]] * len(values)
    moved = values - values[:, :1]
    squares = (moved**2).sum(axis=1) - moved.sum(axis=1) ** 2 / n
    return means, np.sqrt(np.maximum(squares, 0.0) / (n - 1)).tolist()
