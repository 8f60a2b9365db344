"""The setup that the user trains today, as ``study.current={batch_size: 64, lr: 0.001}`` names it, whole or in part.

It is trained to its end. Where several setups match what was named, the cheapest of them stands for all, so that a
saving against it is the least that can be claimed.

Limits: only setups that the study tried can be found; a setup that diverged has no end to compare with.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.setups import Setup
from sweep.records import StudyData


class Current(NamedTuple):
    """What was found of the user's setup.

    Attributes:
        named: what the user named.
        point: its end; ``None`` if it is not known.
        n_matching: setups that match what was named and have an end.
        reason: why it is not known; ``None`` if it is.
    """

    named: dict[str, Any]
    point: FrontPoint | None
    n_matching: int
    reason: str | None


def current_setup(data: StudyData, groups: Sequence[Setup]) -> Current | None:
    """The user's setup; ``None`` if none was named."""
    named = dict(data.study.config.get("study", {}).get("current") or {})
    if not named:
        return None
    matching = [setup for setup in groups if matches(setup.params, named)]
    known = [front_point(setup, setup.final) for setup in matching if setup.final is not None]
    if not known:
        return Current(named, None, 0, _unmatched(named, matching, groups))
    return Current(named, min(known, key=lambda point: point.energy_j), len(known), None)


def fit_sentence(data: StudyData, current: Current) -> str:
    """Which setup stands for the user's own; empty if none does."""
    if current.point is None:
        return ""
    told = wording.setup(current.named, list(current.named))
    if current.n_matching == 1:
        return f"Your current setup is {told}."
    chosen = wording.setup(current.point.setup.params, wording.varying(data))
    return (
        f"Your current setup, {told}, fits {current.n_matching} setups; the cheapest of them, {chosen}, stands for it."
    )


def matches(params: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    """Whether a setup is one of those named."""
    return all(name in params and params[name] == item for name, item in named.items())


def _unmatched(named: Mapping[str, Any], matching: Sequence[Setup], groups: Sequence[Setup]) -> str:
    told = wording.setup(named, list(named))
    if matching:
        return f"no trial of {told} was completed"
    strangers = [name for name in named if not any(name in setup.params for setup in groups)]
    if strangers:
        return f"{', '.join(strangers)} is no dimension of this search"
    return f"{told} is not among the setups of this search"
