"""Does a training step cost the same from the first epoch to the last?

    e_k    = train_j / steps of epoch k                           joules of a step, validation not included
    excess = ln(e_k / median(e_{k+1} ...))                        of epoch k over what comes after it
    trend  = Theil-Sen slope of ln e_k over k, Kendall's tau      of the epochs after the warm-up

Each trial gives one excess and one tau (means over its phases), and Wilcoxon's signed-rank test over the trials asks
whether they lean to one side. The warm-up is as long as epoch 1, then 2, then 3 are each significantly dearer than
what follows; a fixed sequence of tests that stops at the first failure needs no correction (Maurer et al. 1995).
Testing over trials and not over epochs matters: the epochs of one trial depend on each other, and Kendall's own
p-value would call any slow wander a trend.

Sources: Wilcoxon 1945; Kendall 1938; Sen 1968, J. Am. Stat. Assoc. 63, 1379. The question is GATorch's, whose energy
per step fell over a training for no stated reason.

Limits: completed trials that nothing disturbed, with ``1 + MIN_LATER`` epochs; at most ``MAX_POINTS`` epochs of each
at equal distances. Trials that ran one after the other share the room's warmth, so they are not quite independent.
Modelled joules follow CPU time, so their drift is one of time and not of leakage or voltage.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.analysis.current import current, is_disturbed
from sweep.records import Conditions, State, StudyData, TrajectoryPoint, TrialRecord

MIN_TRIALS = 6
"""With five, Wilcoxon's smallest two-sided p is 0.06."""
MIN_LATER = 3
MAX_WARM_UP = 3
MAX_POINTS = 60
RUNS_AT_ONCE = 500
"""Runs whose pairs of epochs are in memory together: 7 MB."""


class Run(NamedTuple):
    """Joules of a step over the epochs of one phase of one trial.

    Attributes:
        number: of the trial.
        epochs: within the phase, rising from 1; those without joules are left out.
        step_j: mean joules of a step in each of them.
        conditions: of the hardware at the end of each.
    """

    number: int
    phase: str
    epochs: tuple[int, ...]
    step_j: tuple[float, ...]
    conditions: tuple[Conditions | None, ...]

    @property
    def relative(self) -> tuple[float, ...]:
        """Joules of a step over their median after the first epoch."""
        later = statistics.median(self.step_j[1:])
        return tuple(item / later for item in self.step_j)


class Effect(NamedTuple):
    """A relative change, median over trials, and the p-value that it is none; ``None`` with too few trials."""

    size_rel: float
    p: float | None
    n: int


class Companion(NamedTuple):
    """What a sensor showed beside: medians over trials at the first and the last epoch.

    Attributes:
        correlation: Spearman's, with the joules of a step, within trials; ``None`` if one of both never changes.
    """

    first: float
    last: float
    correlation: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """Energy per step over the epochs of a study.

    Attributes:
        runs: what it rests on.
        disturbed: numbers of the trials left out because other programs disturbed them.
        first: of the first epoch over the later median; ``None`` if no trial is long enough.
        warm_up_epochs: epochs that were each significantly dearer than what followed, at most ``MAX_WARM_UP``.
        trend: change an epoch after the warm-up; ``None`` if no trial is long enough.
        temperature: in degrees Celsius; ``None`` without a sensor.
        clock: in megahertz; ``None`` without a sensor.
        confidence: two-sided level of the tests.
    """

    runs: tuple[Run, ...]
    disturbed: tuple[int, ...]
    first: Effect | None
    warm_up_epochs: int
    trend: Effect | None
    temperature: Companion | None
    clock: Companion | None
    confidence: float


def drift(data: StudyData, confidence: float = 0.95) -> Drift | None:
    """The warm-up test of a study; ``None`` if no trial recorded the joules of its steps."""
    complete = [trial for trial in current(data.trials) if trial.state is State.COMPLETE]
    known = [trial for trial in complete if any(_step_j(point) is not None for point in trial.trajectory)]
    if not known:
        return None
    runs = tuple(run for trial in known if not is_disturbed(trial) for run in _runs(trial))
    warm_up = _warm_up(runs, 1.0 - confidence)
    logs = [[math.log(item) for item in run.step_j] for run in runs]
    return Drift(
        runs=runs,
        disturbed=tuple(sorted(trial.number for trial in known if is_disturbed(trial))),
        first=_effect(runs, lambda run: _excess(run, 0)),
        warm_up_epochs=warm_up,
        trend=_trend(runs, warm_up),
        temperature=_companion(runs, logs, attrgetter("temperature_c")),
        clock=_companion(runs, logs, attrgetter("clock_mhz")),
        confidence=confidence,
    )


def _runs(trial: TrialRecord) -> Iterator[Run]:
    """The phases of a trial that are long enough and whose first epoch is known."""
    for phase, group in groupby(trial.trajectory, key=lambda point: point.phase):
        known = [(point, step_j) for point in group if (step_j := _step_j(point)) is not None]
        if len(known) <= MIN_LATER or known[0][0].epoch != 1:
            continue
        early, late = known[:MAX_WARM_UP], known[MAX_WARM_UP:]
        points = early + late[:: -math.ceil(len(late) / (MAX_POINTS - MAX_WARM_UP))][::-1]
        yield Run(
            trial.number,
            phase,
            tuple(point.epoch for point, _ in points),
            tuple(step_j for _, step_j in points),
            tuple(point.conditions for point, _ in points),
        )


def _step_j(point: TrajectoryPoint) -> float | None:
    return point.train_j / point.steps if point.steps and point.train_j and point.train_j > 0 else None


def _warm_up(runs: Sequence[Run], alpha: float) -> int:
    for index in range(MAX_WARM_UP):
        found = _effect(runs, lambda run, index=index: _excess(run, index))  # type: ignore[misc]
        if found is None or found.p is None or found.p >= alpha or found.size_rel <= 0.0:
            return index
    return MAX_WARM_UP


def _excess(run: Run, index: int) -> float | None:
    later = run.step_j[index + 1 :]
    return math.log(run.step_j[index] / statistics.median(later)) if len(later) >= MIN_LATER else None


def _effect(runs: Sequence[Run], measure: Callable[[Run], float | None]) -> Effect | None:
    """Median of a logarithmic change over trials, tested."""
    logs = _by_trial(runs, map(measure, runs))
    return Effect(math.expm1(statistics.median(logs)), _wilcoxon_p(logs), len(logs)) if logs else None


def _trend(runs: Sequence[Run], warm_up: int) -> Effect | None:
    """Median slope over trials, tested by their taus."""
    found = _slopes_and_taus(runs, warm_up)
    slopes = _by_trial(runs, (item and item[0] for item in found))
    taus = _by_trial(runs, (item and item[1] for item in found))
    return Effect(math.expm1(statistics.median(slopes)), _wilcoxon_p(taus), len(slopes)) if slopes else None


def _slopes_and_taus(runs: Sequence[Run], warm_up: int) -> list[tuple[float, float] | None]:
    """Theil and Sen's slope and Kendall's tau-b of each run, those of one length together; ``None`` for a short one."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, run in enumerate(runs):
        if len(run.epochs) - warm_up > MIN_LATER:
            places.setdefault(run.epochs[warm_up:], []).append(place)
    found: list[tuple[float, float] | None] = [None] * len(runs)
    for epochs, equal in places.items():
        for start in range(0, len(equal), RUNS_AT_ONCE):
            part = equal[start : start + RUNS_AT_ONCE]
            step_j = np.array([runs[place].step_j[warm_up:] for place in part])
            for place, slope, tau in zip(part, *_of_pairs(np.array(epochs), step_j), strict=True):
                found[place] = slope, tau
    return found


def _of_pairs(epochs: NDArray[np.int_], step_j: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Median slope of the logarithms, and tau-b, over all pairs of epochs.

    Args:
        epochs: shape ``(n_epochs,)``, rising.
        step_j: shape ``(n_runs, n_epochs)``, joules.
    """
    early, late = np.triu_indices(len(epochs), k=1)
    logs = np.log(step_j)
    slopes = np.median((logs[:, late] - logs[:, early]) / (epochs[late] - epochs[early]), axis=1)
    signs = np.sign(step_j[:, late] - step_j[:, early])
    moved = np.count_nonzero(signs, axis=1)
    taus = signs.sum(axis=1) / np.sqrt(len(early)) / np.sqrt(np.maximum(moved, 1))
    return slopes.tolist(), taus.tolist()


def _by_trial(runs: Sequence[Run], numbers: Iterable[float | None]) -> list[float]:
    """One number for each trial: the mean over its phases."""
    trials: dict[int, list[float]] = {}
    for run, item in zip(runs, numbers, strict=True):
        if item is not None:
            trials.setdefault(run.number, []).append(item)
    return [math.fsum(items) / len(items) for items in trials.values()]


def _wilcoxon_p(items: Sequence[float]) -> float | None:
    """Two-sided; ties with zero are dropped, as Wilcoxon did."""
    moved = [item for item in items if item != 0.0]
    if len(items) < MIN_TRIALS:
        return None
    return float(stats.wilcoxon(moved).pvalue) if moved else 1.0


def _companion(
    runs: Sequence[Run], step_logs: Sequence[Sequence[float]], sensor: Callable[[Conditions], float | None]
) -> Companion | None:
    """What a sensor showed; ``step_logs`` are the logarithms of the joules of a step, as those of ``runs``."""
    first, last, values, logs = [], [], [], []
    for run, run_logs in zip(runs, step_logs, strict=True):
        seen = [None if item is None else sensor(item) for item in run.conditions]
        own = [value for value in seen if value is not None]
        if len(own) > MIN_LATER:
            own_logs = list(compress(run_logs, (value is not None for value in seen)))
            first.append(own[0])
            last.append(own[-1])
            middle, middle_log = statistics.median(own), statistics.median(own_logs)
            values += [value - middle for value in own]
            logs += [item - middle_log for item in own_logs]
    if not first:
        return None
    return Companion(statistics.median(first), statistics.median(last), _spearman(values, logs))


def _spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    varies = min(one) < max(one) and min(other) < max(other)
    return float(stats.spearmanr(one, other).statistic) if varies else None
