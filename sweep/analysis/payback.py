"""After how many trainings a search has paid for itself: break-even of the search.

    trainings = ceil(joules of the search / joules saved by one training with the recommendation instead of a reference)

References are those of the recommendations, and the setup that is trained today where the user names it
(``study.current={batch_size: 64, lr: 0.001}``), whole or in part. Today's setup is trained to its end.

Limits: where several setups match what the user named, the cheapest of them stands for all, so the number is the
longest. A saving inside the noise is none.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.analysis.noise import Difference, compare
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.recommend import Kind, Recommendation, Recommendations
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
    kinds = (Kind.CHEAPEST_WITHIN_NOISE, Kind.VERSUS_MEDIAN, Kind.VERSUS_WORST)
    found = [item for kind in kinds for item in recommendations.of(kind)]
    if recommendations.primary is not None and recommendations.primary.kind is Kind.MOST_ACCURATE:
        reason = "the recommendation is the most accurate setup itself, so nothing is saved against it"
        return (
            Payback(Kind.MOST_ACCURATE, None, None, reason),
            *(_payback(item, total_j) for item in found),
        )
    return tuple(_payback(item, total_j) for item in found)


def against_current(
    data: StudyData, groups: Sequence[Setup], recommendations: Recommendations, total_j: float | None
) -> tuple[Payback, ...]:
    """Against the user's current setup; empty if none was named, or nothing is recommended."""
    named, primary = _named(data), recommendations.primary
    if not named or primary is None:
        return ()
    matching = [setup for setup in groups if _matches(setup.params, named)]
    known = [front_point(setup, setup.final) for setup in matching if setup.final is not None]
    if not known:
        return (Payback(Named.CURRENT, None, None, _unmatched(named, matching, groups)),)
    current = min(known, key=lambda point: point.energy_j)
    difference = compare(primary.point, current, recommendations.noise)
    gain = wording.gain(difference.quality, in_points=wording.in_points(data), u=difference.quality_u)
    note = (
        f"{_fit(data, named, current, known)} Against it the recommendation gives {gain} of {data.study.quality_name}."
    )
    return (_against(current, primary, difference, total_j, note),)


def _against(
    current: FrontPoint, primary: Recommendation, difference: Difference, total_j: float | None, note: str
) -> Payback:
    saving_j = difference.saving_j
    reason = None
    if primary.point.setup is current.setup and primary.point.epoch >= current.epoch:
        reason = "the recommendation is that setup itself"
    elif saving_j <= 0:
        reason = f"the recommendation costs {wording.energy(-saving_j)} more for each training"
    elif not difference.saves:
        reason = f"the {wording.energy(saving_j)} saved by a training are inside the noise"
    elif total_j is None:
        reason = "the joules of the search are not known"
    trainings = None if reason is not None or total_j is None else math.ceil(total_j / saving_j)
    return Payback(Named.CURRENT, saving_j, trainings, reason, note)


def _payback(item: Recommendation, total_j: float | None) -> Payback:
    reference = Kind.MOST_ACCURATE if item.kind is Kind.CHEAPEST_WITHIN_NOISE else item.kind
    saving_j = item.difference.saving_j if item.difference else None
    if total_j is None or not saving_j:
        return Payback(reference, saving_j, None, "the joules of the search are not known")
    return Payback(reference, saving_j, math.ceil(total_j / saving_j), None)


def _named(data: StudyData) -> dict[str, Any]:
    """What the user named as the current setup; empty in studies that know no such thing."""
    return dict(data.study.config.get("study", {}).get("current") or {})


def _matches(params: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    return all(name in params and params[name] == item for name, item in named.items())


def _unmatched(named: Mapping[str, Any], matching: Sequence[Setup], groups: Sequence[Setup]) -> str:
    told = wording.setup(named, list(named))
    if matching:
        return f"no trial of {told} was completed"
    strangers = [name for name in named if not any(name in setup.params for setup in groups)]
    if strangers:
        return f"{', '.join(strangers)} is no dimension of this search"
    return f"{told} is not among the setups of this search"


def _fit(data: StudyData, named: Mapping[str, Any], current: FrontPoint, known: Sequence[FrontPoint]) -> str:
    told = wording.setup(named, list(named))
    if len(known) == 1:
        return f"Your current setup is {told}."
    chosen = wording.setup(current.setup.params, wording.varying(data))
    return f"Your current setup, {told}, fits {len(known)} setups; the cheapest of them, {chosen}, stands for it."
