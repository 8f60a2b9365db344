"""Standard uncertainty of each row: powers drawn anew, blocks of windows drawn anew.

    u_l = sd over draws of  T_l sum_b n_b E_lb(p) / sum_b n_b d_lb,     ln p ~ N(ln power, ln_cov),  n ~ multinomial

E_lb are the joules that sharing with the drawn powers gives owner l in block b, d_lb its seconds there, T_l its seconds
in all windows. Time is known; what a draw of blocks varies is the owner's mean power. So an owner that fills its
windows alone is sure whatever ln_cov says, because its power cancels there, and a rare one is not made unsure by being
rare.

An error of an owner's time that is common to all windows, such as that of a mean composition, acts like one of its
power: add its relative variance to the diagonal of ln_cov.

Limits: the scale of the counter is not in it. There are ``BLOCKS`` or fewer blocks; with one window only powers vary.
"""

import numpy as np
from numpy.typing import ArrayLike

from sweep.layers.attribution.windows import Floats, Windows, check, checked_power, merge, shares

AT_MOST = 1000
"""Windows that are drawn from; more are merged first."""
BLOCKS = 40


def uncertainty(
    windows: Windows, power: ArrayLike | None, ln_cov: ArrayLike, *, seed: int | np.random.Generator, draws: int = 400
) -> Floats:
    """Standard uncertainty in joules of what ``shared_out`` gives.

    Args:
        windows: as for ``shared_out``.
        power: as for ``shared_out``.
        ln_cov: covariance of ln(power), shape ``(n_owners, n_owners)``; or its standard deviation, one for all owners
            or shape ``(n_owners,)``.
        seed: of the draws.
        draws: how many.

    Returns:
        Shape ``(n_owners,)``; NaN for owners with time in a hole, 0 for those without time.

    Raises:
        MeterError: if a window has negative joules.
        LayerError: if a window has joules but no time, or a power is not a positive number.
    """
    check(windows)
    p = checked_power(windows, power)
    known = ~np.isnan(windows.energy_j)
    random = np.random.default_rng(seed)
    usable = merge(windows.where(known), AT_MOST)
    n_blocks = min(BLOCKS, len(usable.energy_j))
    drawn = _drawn_powers(p, np.asarray(ln_cov, dtype=np.float64), draws, random)
    if n_blocks == 0:
        u = np.zeros(len(p))
    else:
        counts = random.multinomial(n_blocks, np.full(n_blocks, 1.0 / n_blocks), size=draws)
        u = _redrawn(usable, drawn, counts.astype(np.float64)).std(axis=0)
    u[(windows.seconds[~known] > 0.0).any(axis=0)] = np.nan
    return u


def _redrawn(windows: Windows, drawn: Floats, counts: Floats) -> Floats:
    """Joules of each owner in each draw, (draws, n_owners)."""
    n_blocks = counts.shape[1]
    first = np.linspace(0, len(windows.energy_j), n_blocks, endpoint=False).astype(np.int64)
    seconds = np.add.reduceat(windows.seconds, first, axis=0)
    joules = np.empty_like(drawn)
    for index, power in enumerate(drawn):
        spent = np.add.reduceat(shares(windows.seconds, power) * windows.energy_j[:, None], first, axis=0)
        joules[index] = _mean_power(counts[index], spent, seconds) * seconds.sum(axis=0)
    return joules


def _mean_power(counts: Floats, joules: Floats, seconds: Floats) -> Floats:
    """Mean power of each owner over blocks drawn ``counts`` times; over all blocks if none of its own was drawn."""
    time = counts @ seconds
    all_s = seconds.sum(axis=0)
    everywhere = np.divide(joules.sum(axis=0), all_s, out=np.zeros(len(time)), where=all_s > 0.0)
    mean: Floats = np.divide(counts @ joules, time, out=everywhere, where=time > 0.0)
    return mean


def _drawn_powers(power: Floats, ln_cov: Floats, draws: int, random: np.random.Generator) -> Floats:
    """Powers drawn around the given ones, (draws, n_owners)."""
    standard = random.standard_normal((draws, len(power)))
    if ln_cov.ndim == 2:
        values, vectors = np.linalg.eigh(ln_cov)
        deviations = standard * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    else:
        deviations = standard * ln_cov
    drawn: Floats = power * np.exp(deviations)
    return drawn
