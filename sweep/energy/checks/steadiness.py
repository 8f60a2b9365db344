"""Was the power of a stretch steady? Its last third against its first.

    drift = P_last / P_first - 1,   u = (P_last / P_first) sqrt((u_last / E_last)^2 + (u_first / E_first)^2)

over the sum of the additive domains, with the random uncertainty of each. Steady means a drift of at most
``TOLERANCE``, or one within two u. A device that warms up, clocks down or is throttled shows here, and so does a
training whose epochs differ.

Limits: it compares means, so what rises and falls again in between is not seen.
"""

import math

from sweep.energy.recorder import Recorder
from sweep.records import DomainEnergy, Steadiness, total_j

TOLERANCE = 0.05


def steadiness(recorder: Recorder, start_s: float, end_s: float) -> Steadiness | None:
    """Compare the thirds of an interval; ``None`` if the joules of one are not known or nothing."""
    third_s = (end_s - start_s) / 3.0
    first = _total(recorder.timeline.energy(start_s, start_s + third_s))
    last = _total(recorder.timeline.energy(end_s - third_s, end_s))
    if first is None or last is None:
        return None
    (first_j, first_u_j), (last_j, last_u_j) = first, last
    ratio = last_j / first_j
    u_rel = ratio * math.hypot(first_u_j / first_j, last_u_j / last_j)
    return Steadiness(drift_rel=ratio - 1.0, u_rel=u_rel, steady=abs(ratio - 1.0) <= max(TOLERANCE, 2.0 * u_rel))


def _total(energy: dict[str, DomainEnergy]) -> tuple[float, float] | None:
    """Joules of the additive domains with their random uncertainty."""
    parts = [domain for domain in energy.values() if domain.additive]
    joules, squares = (
        total_j(p.energy_j for p in parts),
        total_j(None if p.u_random_j is None else p.u_random_j**2 for p in parts),
    )
    return (joules, math.sqrt(squares)) if joules and squares is not None and joules > 0 else None
