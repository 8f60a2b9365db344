"""Energy of one interval of a timeline whose beginning may be forgotten before the interval has ended.

    E(a, c) = E(a, b) + E(b, c),   b a cut

Limits: uncertainties of the parts are added, as if they went together; that is exact for the scale and for
repeatability, and an upper bound for the boundaries, of which every cut adds two.
"""

from collections.abc import Mapping

from sweep.energy.timeline import Timeline
from sweep.records import DomainEnergy, total_j

Energies = dict[str, DomainEnergy]


class Interval:
    """What was spent since a time.

    Args:
        start_s: in seconds of the timeline.
    """

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self._reached_s = start_s
        self._spent: Energies = {}

    def upto(self, timeline: Timeline, end_s: float) -> Energies:
        """Joules from the start to a time that the timeline covers."""
        return plus(self._spent, timeline.energy(self._reached_s, end_s))

    def cut(self, timeline: Timeline, now_s: float) -> None:
        """Add up to a time; the timeline before it is needed no longer."""
        self._spent = self.upto(timeline, now_s)
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
    )
