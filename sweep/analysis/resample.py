"""Bootstrap of setups that were repeated a few times: pooled residuals of whole repeats.

    e_ic = (mean of cluster c / mean of setup i - 1) sqrt(n_i / (n_i - 1))     a vector: one entry a quantity
    draw   mean of setup i x (1 + mean over its clusters of a residual drawn from all e)

Two or three repeats of one setup span too little to resample from, so the relative residuals of all setups are pooled,
as ``noise`` pools their variance. All quantities of a repeat are drawn together, which keeps their correlation. Repeats
that share something (one pretraining) are one cluster; a cluster that stands in several setups is drawn once for all.

Percentiles are taken further out than the level says, at Phi(-t) with Student's t of the pool's degrees of freedom,
since few residuals give intervals that are too narrow.

Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), chapter 3; Hesterberg, What Teachers
Should Know About the Bootstrap (2015), expanded percentiles.
Limits: it takes the relative scatter to be the same in all setups. Percentile intervals; the seed is
fixed. Many setups have fewer draws, and so rougher limits.
"""

from collections.abc import Hashable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

N_DRAWS = 4000
MIN_DRAWS = 400
MAX_MEANS = 1_000_000
"""Means in memory together: from 250 setups on there are fewer draws."""
SEED = 2


class Repeated(NamedTuple):
    """Quantities of one setup in each of its repeats.

    Attributes:
        values: shape ``(n_repeats, n_quantities)``.
        clusters: of each repeat, what it shares with others; equal ones are resampled together.
    """

    values: NDArray[np.float64]
    clusters: Sequence[Hashable]

    @property
    def n(self) -> int:
        """Number of clusters, the repeats that say something of the scatter."""
        return len(set(self.clusters))


class Draws(NamedTuple):
    """Resampled means.

    Attributes:
        means: shape ``(n_setups, n_draws, n_quantities)``.
        df: degrees of freedom of the pooled residuals.
    """

    means: NDArray[np.float64]
    df: int


def draws(setups: Sequence[Repeated]) -> Draws | None:
    """Resampled means of each setup; ``None`` if no setup has two clusters."""
    pool = [row for setup in setups for row in _residuals(setup)]
    if not pool:
        return None
    residuals = np.stack(pool)
    clusters = list(dict.fromkeys(cluster for setup in setups for cluster in setup.clusters))
    n_draws = max(MIN_DRAWS, min(N_DRAWS, MAX_MEANS // len(setups)))
    chosen = np.random.default_rng(SEED).integers(len(residuals), size=(len(clusters), n_draws))
    drawn = dict(zip(clusters, residuals[chosen], strict=True))
    means = []
    for setup in setups:
        factor = 1.0 + np.mean([drawn[cluster] for cluster in dict.fromkeys(setup.clusters)], axis=0)
        means.append(setup.values.mean(axis=0) * factor)
    return Draws(np.stack(means), sum(setup.n - 1 for setup in setups))


def bounds(values: NDArray[np.float64], confidence: float, df: int) -> tuple[float, float]:
    """Interval from draws of shape ``(n_draws,)`` made from residuals of ``df`` degrees of freedom."""
    low, high = all_bounds(values, confidence, df)
    return float(low), float(high)


def all_bounds(values: NDArray[np.float64], confidence: float, df: int) -> NDArray[np.float64]:
    """``bounds`` of draws of shape ``(..., n_draws)``, all at once: lower and upper ones, shape ``(2, ...)``."""
    tail = _tail(confidence, df)
    return np.asarray(np.quantile(values, (tail, 1.0 - tail), axis=-1, method="inverted_cdf"))


@cache
def _tail(confidence: float, df: int) -> float:
    """Share of the draws on each side of an interval."""
    return float(special.ndtr(special.stdtrit(df, (1.0 - confidence) / 2.0)))


def _residuals(setup: Repeated) -> list[NDArray[np.float64]]:
    n, whole = setup.n, setup.values.mean(axis=0)
    if n < 2:
        return []
    stretch = np.sqrt(n / (n - 1))
    found = []
    for cluster in dict.fromkeys(setup.clusters):
        rows = [row for row, other in zip(setup.values, setup.clusters, strict=True) if other == cluster]
        parts = np.mean(rows, axis=0)
        found.append(np.where(whole != 0.0, parts / np.where(whole != 0.0, whole, 1.0) - 1.0, 0.0) * stretch)
    return found
