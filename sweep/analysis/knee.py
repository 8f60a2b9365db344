"""The knee of a front: beyond it further joules buy little quality, before it fewer joules cost much.

    x, y  joules and quality, each scaled to [0, 1] between the ends of the front
    d     = y - x                                   height above the chord from the cheapest to the most accurate point
    knee  = the point of largest d, if d_knee > S / (n - 1)

This is Kneedle (Satopaa, Albrecht, Irwin and Raghavan, Finding a "Kneedle" in a Haystack, ICDCSW 2011), whose
threshold falls from a maximum of d by the sensitivity S = 1 times the mean distance of neighbours in x: the curve must
drop below it before the end, where d = 0. Without the smoothing, since a front rises by construction. Scaling makes the
choice independent of units.

Limits: a front of fewer than ``SHORTEST`` points has none. The knee depends on where the front ends: it is a summary
of its shape, no optimum. Noise is not looked at here (``recommend`` does).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sweep.analysis.pareto import FrontPoint

SHORTEST = 4
SENSITIVITY = 1.0


class Knee(NamedTuple):
    """The knee of a front.

    Attributes:
        height: above the chord, in parts of the range of the quality.
        quality_height: the same in quality.
    """

    point: FrontPoint
    height: float
    quality_height: float


def knee(front: Sequence[FrontPoint]) -> Knee | None:
    """The knee; ``None`` where the front is too short, or too straight.

    Args:
        front: by rising joules and quality.
    """
    if len(front) < SHORTEST:
        return None
    energy_j, quality = (np.array(column) for column in zip(*((p.energy_j, p.quality) for p in front), strict=True))
    spread_j, spread = energy_j[-1] - energy_j[0], quality[-1] - quality[0]
    if spread_j <= 0 or spread <= 0:
        return None
    height = (quality - quality[0]) / spread - (energy_j - energy_j[0]) / spread_j
    index = int(np.argmax(height))
    if height[index] <= SENSITIVITY / (len(front) - 1):
        return None
    return Knee(front[index], float(height[index]), float(height[index] * spread))
