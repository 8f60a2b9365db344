"""A quantity with its interval where two uncertainties meet: one that adds, one that multiplies.

    amount = (value + u z1) exp(sigma z2)        sigma^2 = ln(1 + u_rel^2),  z1 and z2 standard normal

The interval runs between the quantiles of the product (propagation of distributions, JCGM 101:2008, with the points of
a Kronecker sequence in the place of random draws, so that the same numbers give the same digits).

Limits: the two are independent, and the factor is known by its relative standard uncertainty alone.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

POINTS = 10_007
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


class Amount(NamedTuple):
    """A median with its interval."""

    value: float
    low: float
    high: float


def interval(value: float, u: float, factor_u_rel: float, confidence: float) -> Amount:
    """A normal quantity times a log-normal factor of median 1.

    Args:
        value: mean of the quantity.
        u: its standard uncertainty.
        factor_u_rel: relative standard uncertainty of the factor.
        confidence: two-sided level, in (0, 1).
    """
    quantity_z, factor_z = _normal_pairs()
    quantity = value + u * quantity_z
    factor = np.exp(math.sqrt(math.log1p(factor_u_rel**2)) * factor_z)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(quantity * factor, [tail, 1.0 - tail], method="hazen")
    return Amount(value, float(low), float(high))


@cache
def _normal_pairs() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard normal pairs that fill the plane evenly, each of shape ``(POINTS,)``."""
    index = np.arange(POINTS) + 0.5
    return special.ndtri(index / POINTS), special.ndtri((index * GOLDEN) % 1.0)
