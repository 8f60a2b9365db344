"""After how many trainings a search has paid for itself: break-even of the search.

    trainings = ceil(joules of the search / joules saved by one training with the recommendation instead of a reference)

References are those of the recommendations, and the setup that is trained today where the user names it
(``current_setup``). Today's setup is trained to its end.

Limits: where several setups match what the user named, the cheapest of them stands for all, so the number is the
longest. A saving inside the noise is none.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.current_setup import current_setup, fit_sentence
from sweep.analysis.noise import Difference, compare
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Kind, Recommendations
from sweep.analysis.setups import Setup
from sweep.records import StudyData


class Named(StrEnum):
    """A reference that the user names."""

    CURRENT = "current_setup"


class Payback(NamedTuple):
    """After how many trainings the search has paid for itself.

    Attributes:
        reference: what would be trained otherwise: that of a kind of recommendation, or the user's own setup.
        saving_j: joules saved by each training.
        trainings: ``None`` if it never does, or cannot be known; then ``reason`` says why.
        note: what a reader must know beside the number; empty if nothing.
    """

    reference: Kind | Named
    saving_j: float | None
    trainings: int | None
    reason: str | None
    note: str = ""


def paybacks(recommendations: Recommendations, total_j: float | None) -> tuple[Payback, ...]:
    """Against the references of the recommendations, the most accurate setup first."""
    primary, best = recommendations.primary, recommendations.best
    if primary is None or primary.point is None or best is None:
        return ()
    versus = [item for kind in (Kind.VERSUS_MEDIAN, Kind.VERSUS_WORST) for item in recommendations.of(kind)]
    found = [_payback(item.kind, item.difference, total_j) for item in versus]
    difference = compare(primary.point, best, recommendations.noise)
    if primary.point.setup is best.setup and primary.point.epoch == best.epoch:
        reason = "the recommendation is the most accurate setup itself, so nothing is saved against it"
        found.insert(0, Payback(Kind.MOST_ACCURATE, None, None, reason))
    elif difference.saves:
        found.insert(0, _payback(Kind.MOST_ACCURATE, difference, total_j))
    return tuple(found)


def against_current(
    data: StudyData, groups: Sequence[Setup], recommendations: Recommendations, total_j: float | None
) -> tuple[Payback, ...]:
    """Against the user's current setup; empty if none was named, or nothing is recommended."""
    current, primary = current_setup(data, groups), recommendations.primary
    if current is None or primary is None or primary.point is None:
        return ()
    if current.point is None:
        return (Payback(Named.CURRENT, None, None, current.reason),)
    difference = compare(primary.point, current.point, recommendations.noise)
    gain = wording.gain(difference.quality, in_points=wording.in_points(data), u=difference.quality_u)
    note = f"{fit_sentence(data, current)} Against it the recommendation gives {gain} of {data.study.quality_name}."
    return (_against(current.point, primary.point, difference, total_j, note),)


def _against(
    current: FrontPoint, chosen: FrontPoint, difference: Difference, total_j: float | None, note: str
) -> Payback:
    saving_j = difference.saving_j
    reason = None
    if chosen.setup is current.setup and chosen.epoch >= current.epoch:
        reason = "the recommendation is that setup itself"
    elif saving_j <= 0:
        reason = f"the recommendation costs {wording.energy(-saving_j)} more for each training"
    elif not difference.saves:
        reason = f"the {wording.energy(saving_j)} saved by a training are inside the noise"
    elif total_j is None:
        reason = "the joules of the search are not known"
    trainings = None if reason is not None or total_j is None else math.ceil(total_j / saving_j)
    return Payback(Named.CURRENT, saving_j, trainings, reason, note)


def _payback(reference: Kind, difference: Difference | None, total_j: float | None) -> Payback:
    saving_j = difference.saving_j if difference else None
    if total_j is None or not saving_j:
        return Payback(reference, saving_j, None, "the joules of the search are not known")
    return Payback(reference, saving_j, math.ceil(total_j / saving_j), None)
