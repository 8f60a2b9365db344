"""How the front grew with the joules that the search spent.

    trials in the order in which they ended; at its end a trial's whole trajectory enters
    spent(i)       = joules of trials 1..i, failed ones too
    hypervolume(i) = area between the envelope of all trajectories so far and the reference point
                   (``pareto.hypervolume``), over that of the box up to the best quality at no joules

The reference point is the worst quality and the most joules of all points that enter. The envelope is kept as a
staircase sorted by joules, into which each point is put by bisection; what it dominates leaves for good, so n points
take O(n log n) (Beume et al., On the complexity of computing the hypervolume indicator, IEEE Trans. Evol. Comput. 13,
2009, has the same bound for two objectives).

Limits: trajectories of single trials enter, not means over repeats, so the end lies a little above the front that the
report recommends from. Trials of setups that are off the front do not enter, and count with their joules. The search's
overhead is not in ``spent`` (the ledger has it), nor are joules of imported records, which another study spent.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from sweep.analysis.current import current
from sweep.analysis.setups import Setup
from sweep.records import State, StudyData, TrialRecord

REACHED = 0.99
"""Share of the final hypervolume after which a search has little left to find."""


class Step(NamedTuple):
    """State of the search when a trial had ended.

    Attributes:
        number: of the trial.
        spent_j: joules of the trials so far.
        share: of the box, 0 to 1.
    """

    number: int
    spent_j: float
    share: float


class Growth(NamedTuple):
    """The hypervolume over the search.

    Attributes:
        steps: one for each trial of known joules, in the order of their ends.
        reference: worst quality and most joules.
        best: the best quality.
        n_unknown: trials whose joules are not known; they are left out.
    """

    steps: tuple[Step, ...]
    reference: tuple[float, float]
    best: float
    n_unknown: int

    @property
    def reached(self) -> Step:
        """The first step at ``REACHED`` of the last one's hypervolume."""
        return next(step for step in self.steps if step.share >= REACHED * self.steps[-1].share)


class Staircase:
    """The area that points dominate, kept up to date while they are added.

    Attributes:
        area: in quality times joules.
    """

    def __init__(self, reference: tuple[float, float]) -> None:
        self.area = 0.0
        self._reference = reference
        self._energies_j: list[float] = []
        self._qualities: list[float] = []

    def add(self, quality: float, energy_j: float) -> None:
        """Put in a point; one that is dominated, or not better than the reference in both, changes nothing."""
        first = bisect_right(self._energies_j, energy_j)
        low = self._qualities[first - 1] if first else self._reference[0]
        if quality <= low or energy_j >= self._reference[1]:
            return
        last = first
        while last < len(self._qualities) and self._qualities[last] <= quality:
            self.area += (self._qualities[last] - low) * (self._energies_j[last] - energy_j)
            low = self._qualities[last]
            last += 1
        right_j = self._energies_j[last] if last < len(self._energies_j) else self._reference[1]
        self.area += (quality - low) * (right_j - energy_j)
        self._energies_j[first:last] = [energy_j]
        self._qualities[first:last] = [quality]


def growth(data: StudyData, setups: Iterable[Setup]) -> Growth | None:
    """The hypervolume after each trial; ``None`` if the points cover no area.

    Args:
        data: the study.
        setups: its setups; trials of those off the front do not enter.
    """
    counted = {number for setup in setups if not setup.excluded for number in setup.numbers}
    standing = {trial.number for trial in current(data)} & counted
    trials = sorted((trial for trial in data.trials if trial.energy_spent_j is not None), key=_ended)
    points = {trial.number: list(_improvements(trial)) for trial in trials if trial.number in standing}
    reference, best = _box(points.values())
    if not (best > reference[0] and reference[1] > 0.0):
        return None
    steps = tuple(_steps(trials, points, reference, best))
    if not steps[-1].share > 0.0:
        return None
    return Growth(
        steps=steps,
        reference=reference,
        best=best,
        n_unknown=len(data.trials) - len(trials),
    )


def _steps(
    trials: Sequence[TrialRecord],
    points: dict[int, list[tuple[float, float]]],
    reference: tuple[float, float],
    best: float,
) -> Iterator[Step]:
    stairs, spent_j = Staircase(reference), 0.0
    box = (best - reference[0]) * reference[1]
    for trial in trials:
        spent_j += trial.energy_spent_j or 0.0 if trial.imported_from is None else 0.0
        for quality, energy_j in points.get(trial.number, ()):
            stairs.add(quality, energy_j)
        yield Step(trial.number, spent_j, stairs.area / box)


def _box(points: Iterable[Sequence[tuple[float, float]]]) -> tuple[tuple[float, float], float]:
    """The reference point and the best quality, of the points of each trial; zeros without any."""
    known = [own for own in points if own]
    if not known:
        return (0.0, 0.0), 0.0
    most_j = max(max(own, key=itemgetter(1))[1] for own in known)
    return (min(min(own)[0] for own in known), most_j), max(max(own)[0] for own in known)


def _improvements(trial: TrialRecord) -> Iterator[tuple[float, float]]:
    """Quality and joules wherever a completed trial reached a better quality and could have ended; and its end."""
    best = -math.inf
    if trial.state is not State.COMPLETE:
        return
    for point in trial.trajectory if trial.prefix_is_run else ():
        if point.quality is not None and point.energy_j is not None and point.quality > best:
            best = point.quality
            yield best, point.energy_j
    if trial.quality is not None and trial.energy_j is not None:
        yield trial.quality, trial.energy_j


def _ended(trial: TrialRecord) -> tuple[float, int]:
    return datetime.fromisoformat(trial.started_at).timestamp() + trial.duration_s, trial.number
