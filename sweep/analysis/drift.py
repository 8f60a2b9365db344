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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from sweep.analysis.above_idle import is_above_idle
from sweep.analysis.current import current, is_disturbed
from sweep.analysis.spearman import spearman
from sweep.analysis.thin import thin
from sweep.analysis.wilcoxon import wilcoxon_p
from sweep.records import Conditions, State, StudyData, TrajectoryPoint, TrialRecord, bare

_phase, _epoch, _conditions = attrgetter("phase"), attrgetter("epoch"), attrgetter("conditions")
SENSORS = (attrgetter("temperature_c"), attrgetter("clock_mhz"))

MIN_TRIALS = 6
"""With five, Wilcoxon's smallest two-sided p is 0.06."""
MIN_LATER = 3
MAX_WARM_UP = 3
MAX_POINTS = 60
MAX_SHOWN = 60
RUNS_AT_ONCE = 50
"""Runs whose pairs of epochs are in memory together: 0.7 MB, which a processor keeps near."""


class Run(NamedTuple):
    """Joules of a step over the epochs of one phase of one trial.

    Attributes:
        number: of the trial.
        epochs: within the phase, rising from 1; those without joules are left out.
        step_j: mean joules of a step in each of them.
    """

    number: int
    phase: str
    epochs: tuple[int, ...]
    step_j: tuple[float, ...]

    @property
    def relative(self) -> tuple[float, ...]:
        """Joules of a step over their median after the first epoch."""
        later = statistics.median(self.step_j[1:])
        return tuple(item / later for item in self.step_j)


class _Kept(NamedTuple):
    """A run as it is kept of each trial: arrays of shape ``(n_epochs,)``, which take little memory.

    Attributes:
        temperature_c: of the hardware at the end of each epoch; NaN where no sensor tells.
        clock_mhz: likewise.
    """

    number: int
    phase: str
    epochs: tuple[int, ...]
    step_j: NDArray[np.float64]
    temperature_c: NDArray[np.float64]
    clock_mhz: NDArray[np.float64]


class Typical(NamedTuple):
    """Median, over the ``n`` runs that have an epoch, of the joules of a step there over their later median."""

    epoch: int
    relative: float
    n: int


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
        runs: some of what it rests on, at equal distances: at most ``MAX_SHOWN``, for the eye.
        n_runs: of all.
        trials: their numbers.
        disturbed: numbers of the trials left out because other programs disturbed them.
        typical: by rising epoch.
        first: of the first epoch over the later median; ``None`` if no trial is long enough.
        warm_up_epochs: epochs that were each significantly dearer than what followed, at most ``MAX_WARM_UP``.
        trend: change an epoch after the warm-up; ``None`` if no trial is long enough.
        temperature: in degrees Celsius; ``None`` without a sensor.
        clock: in megahertz; ``None`` without a sensor.
        confidence: two-sided level of the tests.
    """

    runs: tuple[Run, ...]
    n_runs: int
    trials: tuple[int, ...]
    disturbed: tuple[int, ...]
    typical: tuple[Typical, ...]
    first: Effect | None
    warm_up_epochs: int
    trend: Effect | None
    temperature: Companion | None
    clock: Companion | None
    confidence: float


def drift(data: StudyData, confidence: float = 0.95) -> Drift | None:
    """The warm-up test of a study; ``None`` if no trial recorded the joules of its steps."""
    if is_above_idle(data):
        return None  # joules of steps alone are not known there
    seen = SeenSteps(data)
    for trial in data.trials:
        seen.add(trial)
    return seen.drift(confidence)


class SeenSteps:
    """The test for a study whose trials are looked at one by one, and of which only the joules of steps are kept.

    Args:
        data: the study; its own trials are not looked at.
    """

    def __init__(self, data: StudyData) -> None:
        self._data = data
        self._trials: list[TrialRecord] = []
        self._runs: dict[int, tuple[_Kept, ...]] = {}
        self._epochs: dict[tuple[int, ...], tuple[int, ...]] = {}  # few are unlike

    def add(self, trial: TrialRecord) -> TrialRecord:
        """Look at a trial, and give it back."""
        self._trials.append(bare(trial))
        if trial.state is State.COMPLETE and any(map(_is_known, trial.trajectory)):
            self._runs[trial.number] = () if is_disturbed(trial) else tuple(self._kept(trial))
        return trial

    def _kept(self, trial: TrialRecord) -> Iterator[_Kept]:
        """The phases of a trial that are long enough and whose first epoch is known."""
        for phase, group in groupby(trial.trajectory, key=_phase):
            known = [point for point in group if _is_known(point)]
            if len(known) <= MIN_LATER or known[0].epoch != 1:
                continue
            points = known[:MAX_WARM_UP] + thin(known[MAX_WARM_UP:], MAX_POINTS - MAX_WARM_UP)
            epochs = tuple(map(_epoch, points))
            step_j = np.array([point.train_j / point.steps for point in points])  # type: ignore[operator]
            yield _Kept(trial.number, phase, self._epochs.setdefault(epochs, epochs), step_j, *_sensed(points))

    def data(self) -> StudyData:
        """The study with the trials so far, which are bare."""
        return msgspec.structs.replace(self._data, trials=self._trials)

    def drift(self, confidence: float = 0.95) -> Drift | None:
        """The test; ``None`` if no current trial recorded the joules of its steps."""
        data = self.data()
        known = [trial for trial in current(data) if trial.number in self._runs]
        if not known:
            return None
        runs = tuple(run for trial in known for run in self._runs[trial.number])
        blocks = _blocks(runs)
        warm_up = _warm_up(runs, blocks, 1.0 - confidence)
        return Drift(
            runs=tuple(Run(*run[:3], tuple(run.step_j.tolist())) for run in thin(runs, MAX_SHOWN)),
            n_runs=len(runs),
            trials=tuple(sorted({run.number for run in runs})),
            disturbed=tuple(sorted(trial.number for trial in known if is_disturbed(trial))),
            typical=_typical(blocks),
            first=_effect(runs, _excess(blocks, 0)),
            warm_up_epochs=warm_up,
            trend=_trend(runs, blocks, warm_up),
            temperature=_companion([run.temperature_c for run in runs], blocks),
            clock=_companion([run.clock_mhz for run in runs], blocks),
            confidence=confidence,
        )


class _Block(NamedTuple):
    """Runs of the same epochs, which are worked out together.

    Attributes:
        places: of each run among all.
        epochs: shape ``(n_epochs,)``, rising.
        step_j: shape ``(n_runs, n_epochs)``, joules.
    """

    places: list[int]
    epochs: NDArray[np.int_]
    step_j: NDArray[np.float64]


def _blocks(runs: Sequence[_Kept]) -> list[_Block]:
    places: dict[tuple[int, ...], list[int]] = {}
    for place, run in enumerate(runs):
        places.setdefault(run.epochs, []).append(place)
    return [
        _Block(part, np.array(epochs), np.stack([runs[place].step_j for place in part]))
        for epochs, equal in places.items()
        for part in (equal[start : start + RUNS_AT_ONCE] for start in range(0, len(equal), RUNS_AT_ONCE))
    ]


def _is_known(point: TrajectoryPoint) -> bool:
    """Whether the joules of its steps are."""
    return bool(point.steps and point.train_j and point.train_j > 0.0)


def _sensed(points: Sequence[TrajectoryPoint]) -> Iterator[NDArray[np.float64]]:
    """Temperature and clock at the end of each epoch."""
    conditions = [Conditions() if item is None else item for item in map(_conditions, points)]
    for sensor in SENSORS:
        yield np.array(list(map(sensor, conditions)), dtype=float)


def _typical(blocks: Iterable[_Block]) -> tuple[Typical, ...]:
    found: dict[int, list[NDArray[np.float64]]] = {}
    for block in blocks:
        relative = block.step_j / np.median(block.step_j[:, 1:], axis=1, keepdims=True)
        for epoch, column in zip(block.epochs.tolist(), relative.T, strict=True):
            found.setdefault(epoch, []).append(column)
    columns = ((epoch, np.concatenate(found[epoch])) for epoch in sorted(found))
    return tuple(Typical(epoch, float(np.median(column)), len(column)) for epoch, column in columns)


def _warm_up(runs: Sequence[_Kept], blocks: Sequence[_Block], alpha: float) -> int:
    for index in range(MAX_WARM_UP):
        found = _effect(runs, _excess(blocks, index))
        if found is None or found.p is None or found.p >= alpha or found.size_rel <= 0.0:
            return index
    return MAX_WARM_UP


def _excess(blocks: Iterable[_Block], index: int) -> dict[int, float]:
    """Logarithm of an epoch's joules over the later median, by the place of the run."""
    found: dict[int, float] = {}
    for block in blocks:
        later = block.step_j[:, index + 1 :]
        if later.shape[1] >= MIN_LATER:
            excess = np.log(block.step_j[:, index] / np.median(later, axis=1))
            found.update(zip(block.places, excess.tolist(), strict=True))
    return found


def _effect(runs: Sequence[_Kept], by_place: Mapping[int, float]) -> Effect | None:
    """Median of a logarithmic change over trials, tested."""
    logs = _by_trial(runs, by_place)
    return Effect(math.expm1(statistics.median(logs)), _p(logs), len(logs)) if logs else None


def _trend(runs: Sequence[_Kept], blocks: Iterable[_Block], warm_up: int) -> Effect | None:
    """Median slope over trials, tested by their taus."""
    all_slopes: dict[int, float] = {}
    all_taus: dict[int, float] = {}
    for block in blocks:
        if len(block.epochs) - warm_up > MIN_LATER:
            slopes, taus = _of_pairs(block.epochs[warm_up:], block.step_j[:, warm_up:])
            all_slopes.update(zip(block.places, slopes, strict=True))
            all_taus.update(zip(block.places, taus, strict=True))
    found = _by_trial(runs, all_slopes)
    return Effect(math.expm1(statistics.median(found)), _p(_by_trial(runs, all_taus)), len(found)) if found else None


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


def _by_trial(runs: Sequence[_Kept], by_place: Mapping[int, float]) -> list[float]:
    """One number for each trial: the mean over its phases."""
    trials: dict[int, list[float]] = {}
    for place in sorted(by_place):
        trials.setdefault(runs[place].number, []).append(by_place[place])
    return [math.fsum(items) / len(items) for items in trials.values()]


def _p(items: Sequence[float]) -> float | None:
    return wilcoxon_p(items) if len(items) >= MIN_TRIALS else None


def _companion(sensed: Sequence[NDArray[np.float64]], blocks: Iterable[_Block]) -> Companion | None:
    """What a sensor showed in each run, for those where it did so after more than ``MIN_LATER`` epochs."""
    first, last, values, logs = [], [], [], []
    for block in blocks:
        table = np.stack([sensed[place] for place in block.places])
        often = np.isfinite(table).sum(axis=1) > MIN_LATER
        table, known = table[often], np.isfinite(table[often])
        rows, log_j = np.arange(len(table)), np.log(block.step_j[often])
        first.append(table[rows, known.argmax(axis=1)])
        last.append(table[rows, known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)])
        values.append((table - _medians(table, known))[known])
        logs.append((log_j - _medians(log_j, known))[known])
    firsts, lasts = np.concatenate(first or [[]]), np.concatenate(last or [[]])
    if not len(firsts):
        return None
    correlation = spearman(np.concatenate(values), np.concatenate(logs))
    return Companion(float(np.median(firsts)), float(np.median(lasts)), correlation)


def _medians(table: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median of the known numbers of each row: shape ``(n_rows, 1)``."""
    ordered, n = np.sort(np.where(known, table, np.inf), axis=1), known.sum(axis=1, keepdims=True)
    low, high = (np.take_along_axis(ordered, place, axis=1) for place in ((n - 1) // 2, n // 2))
    return np.asarray((low + high) / 2.0)
