"""How the recommendation changes with the number N of trainings that share one pretraining.

    charged = E_pre / N + E_downstream          N = 1: study.energy=total;  N without end: downstream alone

``recharge`` rewrites what trials are charged with, and leaves what they spent; the rule of ``recommend`` then chooses.
In a trajectory the epochs of the pretraining stand first (their joules are cumulative and divided by N), and every
later point holds E_pre / N. Between two N of the table with unlike recommendations the N of the change is found by
bisection.

Limits: bisection finds one change between two rows; beyond ``LARGEST`` none is looked for. Random uncertainties add
in quadrature, so the pretraining's part is taken out and put back at the new N. Epochs stay whole: a recommendation
to stop within the pretraining cannot stand, since no quality is known there.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommend import recommend
from sweep.analysis.setups import setups
from sweep.records import Pretraining, StudyData, TrajectoryPoint, TrialRecord

REUSES = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0, math.inf)
LARGEST = 10_000


class AmortisedRow(NamedTuple):
    """The recommendation where N trainings share a pretraining.

    Attributes:
        reuses: N; infinite where the pretraining counts no more.
        point: what to train, with its joules as charged; ``None`` if nothing can be recommended.
        confirmed: whether repeats stand behind it.
    """

    reuses: float
    point: FrontPoint | None
    confirmed: bool

    @property
    def params(self) -> dict[str, Any] | None:
        """The recommended setup."""
        return None if self.point is None else self.point.setup.params


@dataclass(frozen=True, slots=True)
class Amortisation:
    """Recommendations over N.

    Attributes:
        charged_reuses: the N by which this study chose (``study.energy``); ``None`` if its trials do not agree.
        rows: by rising N.
        changes: the first N with another recommendation than before it, by rising N, each with that recommendation.
    """

    charged_reuses: float | None
    rows: tuple[AmortisedRow, ...]
    changes: tuple[AmortisedRow, ...]


def amortisation(data: StudyData, confidence: float) -> Amortisation | None:
    """The recommendation over ``REUSES``; ``None`` if no trial rests on a pretraining."""
    charged = {trial.pretraining_shares for trial in data.trials if trial.pretraining is not None}
    if not charged:
        return None
    rows = tuple(_row(data, reuses, confidence) for reuses in REUSES)
    return Amortisation(
        charged_reuses=charged.pop() if len(charged) == 1 else None,
        rows=rows,
        changes=tuple(_changes(data, rows, confidence)),
    )


def recharge(data: StudyData, reuses: float) -> StudyData:
    """The study as if each pretraining were shared by ``reuses`` trainings."""
    return msgspec.structs.replace(data, trials=[recharged(trial, reuses) for trial in data.trials])


def recharged(trial: TrialRecord, reuses: float) -> TrialRecord:
    """A trial charged with one part in ``reuses`` of its pretraining; unchanged without one.

    Joules above idle and the scale's uncertainty of the pretraining are not in a trial's record; above idle is unknown
    then, and the scale's uncertainty goes with the joules. A trial recharged for infinitely many trainings has lost its
    pretraining and cannot be recharged again.
    """
    first = trial.pretraining
    if first is None or reuses == trial.pretraining_shares:
        return trial
    energy_j = _moved(trial.energy_j, first.energy_j, trial.pretraining_shares, reuses)
    scale_j = trial.energy_u_scale_j
    return msgspec.structs.replace(
        trial,
        pretraining_shares=reuses,
        energy_j=energy_j,
        energy_to_best_j=_moved(trial.energy_to_best_j, first.energy_j, trial.pretraining_shares, reuses),
        energy_u_scale_j=scale_j * energy_j / trial.energy_j if scale_j and energy_j and trial.energy_j else None,
        energy_u_random_j=_random_u(trial, first, reuses),
        energy_dynamic_j=None,
        trajectory=[_point(trial, first, index, reuses) for index in range(len(trial.trajectory))],
    )


def _moved(energy_j: float | None, pretraining_j: float | None, old: float, new: float) -> float | None:
    """Joules that hold ``pretraining_j / old``, with ``pretraining_j / new`` in its place."""
    if energy_j is None or pretraining_j is None:
        return None
    return energy_j + pretraining_j * (1.0 / new - 1.0 / old)


def _random_u(trial: TrialRecord, first: Pretraining, reuses: float) -> float | None:
    whole, part = trial.energy_u_random_j, first.energy_u_random_j
    if whole is None or part is None:
        return None
    charged = part / trial.pretraining_shares if first.reused else part
    downstream = math.sqrt(max(whole**2 - charged**2, 0.0))
    return math.hypot(downstream, part / reuses)


def _point(trial: TrialRecord, first: Pretraining, index: int, reuses: float) -> TrajectoryPoint:
    point, old = trial.trajectory[index], trial.pretraining_shares
    if index >= first.epochs:
        energy_j = _moved(point.energy_j, first.energy_j, old, reuses)
    else:
        energy_j = None if point.energy_j is None else point.energy_j * old / reuses
    return msgspec.structs.replace(point, energy_j=energy_j, energy_dynamic_j=None)


def _row(data: StudyData, reuses: float, confidence: float) -> AmortisedRow:
    moved = recharge(data, reuses)
    found = recommend(moved, confidence, setups(moved))
    primary = found.primary
    return AmortisedRow(reuses, primary.point if primary else None, bool(primary and primary.confirmed))


def _changes(data: StudyData, rows: Sequence[AmortisedRow], confidence: float) -> list[AmortisedRow]:
    found = []
    for before, after in itertools.pairwise(rows):
        if before.params == after.params:
            continue
        found.append(_first(data, before, after, confidence))
    return found


def _first(data: StudyData, before: AmortisedRow, after: AmortisedRow, confidence: float) -> AmortisedRow:
    """The smallest N after ``before`` whose recommendation is that of ``after``."""
    low, high = int(before.reuses), after
    if math.isinf(after.reuses):
        largest = _row(data, LARGEST, confidence)
        if largest.params != after.params:
            return after
        high = largest
    while high.reuses - low > 1:
        middle = _row(data, (low + int(high.reuses)) // 2, confidence)
        if middle.params == after.params:
            high = middle
        else:
            low = int(middle.reuses)
    return high
