"""What further repeats would cost: missing repeats of a setup times the mean joules of its trainings.

Limits: a training as long as those before it; what the search itself needs (loading, choosing) is not in it.
"""

import math
from collections.abc import Iterable

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup

ENOUGH = 3
"""Repeats with which noise is first worth estimating: two degrees of freedom a setup."""


def missing(setup: Setup, n: int = ENOUGH) -> int:
    """Repeats that a setup lacks of ``n``."""
    return max(n - len(setup.trials), 0)


def price_j(setups: Iterable[Setup], n: int = ENOUGH) -> float | None:
    """Joules until each setup has ``n`` repeats; ``None`` if those of one are not known, 0 if none is missing."""
    total_j = 0.0
    for setup in setups:
        lacking = missing(setup, n)
        if lacking and setup.final is None:
            return None
        total_j += lacking * (setup.final.energy_j if setup.final else 0.0)
    return total_j


def needed(half_width: float, difference: float, points: Iterable[FrontPoint]) -> int:
    """Repeats of each of two setups with which a difference would stand out of its interval.

    The half-width shrinks with the root of the repeats: n = n_now (half-width / difference)^2, n_now their harmonic
    mean. Student's t also shrinks with them, so that fewer may do.
    """
    counts = [point.n for point in points]
    now = len(counts) / math.fsum(1.0 / n for n in counts)
    return math.ceil(now * (half_width / difference) ** 2)
