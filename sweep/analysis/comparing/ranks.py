"""Do the setups stand in the same order in two studies? Spearman's rank correlation, with its interval.

    rho = Pearson's correlation of the ranks; ties have the mean of their ranks

The interval is the percentile interval of a bootstrap over setups (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13): ``RESAMPLES`` draws of as many setups with replacement, from a seed of its own, so that
the same records give the same digits. Draws in which all ranks are tied have no correlation and are left out.

Limits: below ``LEAST`` setups there is no interval, below three no rho. Percentile intervals of few setups are too
narrow, and where rho is 1 every draw is. Noise of the joules lowers rho: it is not corrected for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

RESAMPLES = 2000
LEAST = 5
SEED = 5


class Rank(NamedTuple):
    """Rank correlation of one quantity over the setups of both studies.

    Attributes:
        rho: ``None`` below three setups, or where one side has one value only.
        low: ``None`` below ``LEAST`` setups.
    """

    quantity: str
    n: int
    rho: float | None
    low: float | None
    high: float | None


def rank(quantity: str, a: Sequence[float], b: Sequence[float], confidence: float) -> Rank:
    """Spearman's rho of paired values.

    Args:
        quantity: its name.
        a: one value a setup.
        b: of the same setups.
        confidence: two-sided level of the interval, in (0, 1).
    """
    n = len(a)
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    rho = _correlations(x[None, :], y[None, :])[0] if n >= 3 else np.nan
    if not np.isfinite(rho):
        return Rank(quantity, n, None, None, None)
    if n < LEAST:
        return Rank(quantity, n, float(rho), None, None)
    draws = np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n))
    found = _correlations(x[draws], y[draws])
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(found[np.isfinite(found)], [tail, 1.0 - tail])
    return Rank(quantity, n, float(rho), float(low), float(high))


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rho of each row of two arrays of shape ``(draws, n)``; NaN where one is constant."""
    ranks = [stats.rankdata(item, axis=1) for item in (x, y)]
    first, second = (item - item.mean(axis=1, keepdims=True) for item in ranks)
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray((first * second).sum(axis=1) / size)
