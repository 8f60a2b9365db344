"""Energy of one interval of a timeline whose beginning may be forgotten before the interval has ended.

    E(a, c) = E(a, b) + E(b, c),   b a cut

Limits: uncertainties of the parts are added, as if they went together; that is exact for the scale and for
repeatability, and an upper bound for the boundaries, of which every cut adds two.
"""

from collections.abc import Mapping
from typing import Protocol

from sweep.records import DomainEnergy, total_j

Energies = dict[str, DomainEnergy]


class Source(Protocol):
    """What tells the joules of an interval: a timeline, or a recorder, which knows the polled power as well."""

    def energy(self, start_s: float, end_s: float) -> Energies:
        """Joules of each domain."""


class Interval:
    """What was spent since a time.

    Args:
        start_s: in seconds of the timeline.
    """

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self._reached_s = start_s
        self._spent: Energies = {}

    def upto(self, source: Source, end_s: float) -> Energies:
        """Joules from the start to a time that the source covers."""
        return plus(self._spent, source.energy(self._reached_s, end_s))

    def cut(self, source: Source, now_s: float) -> None:
        """Add up to a time; the timeline before it is needed no longer."""
        self._spent = self.upto(source, now_s)
        self._reached_s = now_s


def plus(one: Mapping[str, DomainEnergy], other: Mapping[str, DomainEnergy]) -> Energies:
    """Sum of two intervals' joules, domain by domain; an empty one is nothing."""
    if not one or not other:
        return dict(one or other)
    return {name: _sum(one[name], other[name]) for name in one}


def additive_j(energies: Mapping[str, DomainEnergy]) -> float | None:
    """Sum over domains that are disjoint; ``None`` if one of them is unknown."""
    return total_j(energy.energy_j for energy in energies.values() if energy.additive)


def _sum(one: DomainEnergy, other: DomainEnergy) -> DomainEnergy:
    return DomainEnergy(
        energy_j=total_j([one.energy_j, other.energy_j]),
        provenance=one.provenance,
        u_scale_j=total_j([one.u_scale_j, other.u_scale_j]),
        u_random_j=total_j([one.u_random_j, other.u_random_j]),
        additive=one.additive,
        dynamic_j=total_j([one.dynamic_j, other.dynamic_j]),
        polled_j=total_j([one.polled_j, other.polled_j]),
        gap_s=one.gap_s + other.gap_s,
    )
