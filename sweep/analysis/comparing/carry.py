"""What carries over: a choice that was made in one study, looked up in the other.

A choice is a setup and an epoch. In the other study the same setup has a point at that epoch, or at its end if it
ended before; it is compared there with what that study itself chooses, by that study's own noise.

    recommendation    the primary recommendation of one, against that of the other
    most_accurate     the most accurate point of one, against that of the other

Limits: one choice of each kind. A setup that carries over may do so by luck: the rank correlation tells of all.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from sweep.analysis.comparing.pairs import Key
from sweep.analysis.noise import Difference, compare
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary


class Choice(StrEnum):
    """What one study chooses."""

    RECOMMENDATION = "recommendation"
    MOST_ACCURATE = "most_accurate"


class Side(NamedTuple):
    """One of the studies, and its setups by what was trained.

    Attributes:
        letter: ``A`` or ``B``.
    """

    letter: str
    summary: Summary
    setups: Mapping[Key, Setup]


class Carry(NamedTuple):
    """A choice of one study in the other.

    Attributes:
        chosen_in: letter of the study that chose.
        used_in: letter of the other.
        choice: the point as it was chosen; ``None`` if nothing was.
        point: the same setup where it is used; ``None`` if it cannot be told.
        own: what that study chooses itself.
        difference: training ``point`` instead of ``own``, by that study's noise.
        reason: why it cannot be told; ``None`` if it can.
    """

    kind: Choice
    chosen_in: str
    used_in: str
    choice: FrontPoint | None
    point: FrontPoint | None
    own: FrontPoint | None
    difference: Difference | None
    reason: str | None

    @property
    def is_same(self) -> bool:
        """Whether it is what that study chooses itself."""
        point, own = self.point, self.own
        return point is not None and own is not None and (point.setup is own.setup and point.epoch == own.epoch)

    @property
    def is_within_noise(self) -> bool | None:
        """Whether neither quality nor joules are worse by more than the noise; ``None`` if it cannot be told."""
        found = self.difference
        if self.is_same:
            return True
        if found is None or found.saving_rel_u is None:
            return None
        return -found.saving_rel <= found.saving_rel_u and (found.same_quality or found.quality > 0.0)

    @property
    def lost_j(self) -> float | None:
        """Joules of one training with it beyond those of the study's own choice; negative if it takes fewer."""
        return None if self.difference is None else -self.difference.saving_j

    @property
    def lost_rel(self) -> float | None:
        """The same over the joules of the study's own choice."""
        return None if self.difference is None else -self.difference.saving_rel


def carry(chosen_in: Side, used_in: Side) -> list[Carry]:
    """Each choice of one study in the other."""
    return [_carry(kind, chosen_in, used_in) for kind in Choice]


def _carry(kind: Choice, chosen_in: Side, used_in: Side) -> Carry:
    choice, own = _choice(kind, chosen_in.summary), _choice(kind, used_in.summary)
    point, reason = None, f"{chosen_in.letter} chooses nothing"
    if choice is not None:
        point, reason = _looked_up(choice, chosen_in, used_in)
    if point is not None and own is None:
        reason = f"{used_in.letter} chooses nothing itself"
    if point is None or own is None:
        return Carry(kind, chosen_in.letter, used_in.letter, choice, point, own, None, reason)
    difference = compare(point, own, used_in.summary.recommendations.noise)
    return Carry(kind, chosen_in.letter, used_in.letter, choice, point, own, difference, None)


def _choice(kind: Choice, summary: Summary) -> FrontPoint | None:
    if kind is Choice.MOST_ACCURATE:
        return summary.front[-1] if summary.front else None
    primary = summary.recommendations.primary
    return None if primary is None else primary.point


def _looked_up(choice: FrontPoint, chosen_in: Side, used_in: Side) -> tuple[FrontPoint | None, str]:
    key = next(key for key, setup in chosen_in.setups.items() if setup is choice.setup)
    setup = used_in.setups.get(key)
    if setup is None:
        return None, f"{used_in.letter} did not train that setup"
    if setup.excluded:
        return None, f"that setup is off the front of {used_in.letter}: {setup.excluded}"
    known = [point for point in setup.candidates if point.epoch <= choice.epoch]
    if not known or (known[-1].epoch < choice.epoch and known[-1] is not setup.candidates[-1]):
        return None, f"{used_in.letter} has no point of that setup at epoch {choice.epoch}"
    return front_point(setup, known[-1]), ""
