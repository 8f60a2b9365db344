"""How the recommendation changes with the number N of trainings that share one pretraining.

    charged = E_pre / N + E_downstream          N = 1: study.energy=total;  N without end: downstream alone

``recharge`` rewrites what trials are charged with, and leaves what they spent; the rule of ``recommend`` then chooses.
Whether a point is as good as another does not depend on N, so only *rivals* can be recommended at any N: the setups
that are as good as the most accurate one, or as the user's own. They alone are charged anew. Between two N of the table
with unlike recommendations the N of the change is found by bisection.

Limits: bisection finds one change between two rows; beyond ``LARGEST`` none is looked for. Epochs stay whole: a
recommendation to stop within the pretraining cannot stand, since no quality is known there. Where more than
``MAX_NAMED`` setups fit what the user named as current, or the joules of a pretraining are unknown, all setups are
charged anew, which takes long in a large study.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from sweep.analysis.budget import Budget
from sweep.analysis.choices import Given, choices
from sweep.analysis.choose import end
from sweep.analysis.current_setup import current_setup, matches
from sweep.analysis.noise import Noise, compare, measure
from sweep.analysis.pareto import FrontPoint, envelope, front_point
from sweep.analysis.recharge import EnergyNoise, recharge
from sweep.analysis.recommend import recommend
from sweep.analysis.setups import Setup, setups
from sweep.records import StudyData

REUSES = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0, math.inf)
LARGEST = 10_000
MAX_NAMED = 10


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


def amortisation(
    data: StudyData,
    confidence: float,
    groups: Sequence[Setup] | None = None,
    noise: Noise | None = None,
    front: Sequence[FrontPoint] | None = None,
) -> Amortisation | None:
    """The recommendation over ``REUSES``; ``None`` if no trial rests on a pretraining.

    Args:
        data: the study.
        confidence: two-sided level of the intervals, in (0, 1).
        groups: ``setups(data)``, if the caller has it already.
        noise: ``measure(data, groups, confidence)``, likewise.
        front: ``envelope(groups)``, likewise.
    """
    pretrained = [trial for trial in data.trials if trial.pretraining is not None]
    if not pretrained:
        return None
    charged = {trial.pretraining_shares for trial in pretrained}
    if any(trial.pretraining is not None and trial.pretraining.energy_j is None for trial in pretrained):
        row = _all_over_again(data, confidence)
    else:
        groups = setups(data) if groups is None else groups
        front = envelope(groups) if front is None else front
        row = _among_rivals(data, groups, front, noise or measure(data, groups, confidence))
    rows = tuple(row(reuses) for reuses in REUSES)
    return Amortisation(
        charged_reuses=charged.pop() if len(charged) == 1 else None,
        rows=rows,
        changes=tuple(_changes(row, rows)),
    )


def _all_over_again(data: StudyData, confidence: float) -> Callable[[float], AmortisedRow]:
    """The row of an N, for a study in which trials may drop out: some pretraining has unknown joules."""

    def row(reuses: float) -> AmortisedRow:
        primary = recommend(recharge(data, reuses), confidence).primary
        return AmortisedRow(reuses, primary.point if primary else None, bool(primary and primary.confirmed))

    return row


def _among_rivals(
    data: StudyData, groups: Sequence[Setup], front: Sequence[FrontPoint], noise: Noise
) -> Callable[[float], AmortisedRow]:
    """The row of an N, made from the rivals alone; the others tell the noise of the joules, no more."""
    spread, rivals = EnergyNoise(data, groups, noise), _restricted(data, _rivals(data, groups, front, noise))

    def row(reuses: float) -> AmortisedRow:
        moved = recharge(rivals, reuses)
        found = setups(moved)
        own_front, at_n = envelope(found), spread.at(reuses)
        if not own_front:
            return AmortisedRow(reuses, None, confirmed=False)
        given = Given(found, at_n, own_front, current_setup(moved, found), Budget(None, None))
        return AmortisedRow(reuses, choices(given)[0].point, confirmed=at_n.is_known)

    return row


def _rivals(data: StudyData, groups: Sequence[Setup], front: Sequence[FrontPoint], noise: Noise) -> list[Setup]:
    """The setups that are as good as the most accurate one, or as the user's own."""
    named = data.study.config.get("study", {}).get("current") or {}
    today = [setup for setup in groups if named and matches(setup.params, named)]
    if not front or len(today) > MAX_NAMED:
        return list(groups)
    references = [front[-1], *(front_point(setup, setup.final) for setup in today if setup.final is not None)]
    return [setup for setup in groups if any(_is_as_good(setup, reference, noise) for reference in references)]


def _is_as_good(setup: Setup, reference: FrontPoint, noise: Noise) -> bool:
    if setup is reference.setup:
        return True
    return bool(setup.candidates) and compare(end(setup), reference, noise).within_one_se


def _restricted(data: StudyData, groups: Sequence[Setup]) -> StudyData:
    numbers = {number for setup in groups for number in (*setup.numbers, *setup.failed, *setup.superseded)}
    return msgspec.structs.replace(data, trials=[trial for trial in data.trials if trial.number in numbers])


def _changes(row: Callable[[float], AmortisedRow], rows: Sequence[AmortisedRow]) -> list[AmortisedRow]:
    found = []
    for before, after in itertools.pairwise(rows):
        if before.params == after.params:
            continue
        found.append(_first(row, before, after))
    return found


def _first(row: Callable[[float], AmortisedRow], before: AmortisedRow, after: AmortisedRow) -> AmortisedRow:
    """The smallest N after ``before`` whose recommendation is that of ``after``."""
    low, high = int(before.reuses), after
    if math.isinf(after.reuses):
        largest = row(LARGEST)
        if largest.params != after.params:
            return after
        high = largest
    while high.reuses - low > 1:
        middle = row((low + int(high.reuses)) // 2)
        if middle.params == after.params:
            high = middle
        else:
            low = int(middle.reuses)
    return high
