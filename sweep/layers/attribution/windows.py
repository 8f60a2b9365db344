"""Sharing joules among owners of time: layers, passes, and everything that is no layer.

A window lies between two updates of an energy counter. Within it, joules go by power times time:

    E_l = sum over windows w of  E_w  p_l d_lw / sum_j p_j d_jw

with E_w the joules of the window, d_lw the seconds of owner l in it, p relative power. A common factor of p cancels, so
a drift of the whole device's power does too. The shares of a window add up to 1: rows sum to the total, whatever p is,
and none is negative. p = 1 is sharing by time; weights from replayed layers or from ``power_fit`` are better.

What is not known stays unknown, and what cannot be is refused:

    NaN joules                          a hole: rows with time in that window are NaN, the others stand
    negative joules                     a counter that wrapped or restarted, to be mended where it is read: MeterError
    joules in a window without time     marks that do not cover the counter: LayerError

A sensor that lags shows in a window what was spent before it. Time is then moved instead of joules: in ``sensed`` a
window's seconds are those of the moments that the sensor shows in it.

Limits: windows hold one float for each owner, so ``merge`` them where there are many. Sharing inside a window rests on
p alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweep.errors import LayerError, MeterError

Floats = NDArray[np.float64]


class Windows(NamedTuple):
    """What a counter and the marks say about the same stretches of time.

    Attributes:
        energy_j: shape ``(n_windows,)``, joules between two updates; NaN where they are not known.
        seconds: shape ``(n_windows, n_owners)``, time of each owner; a row adds up to the window's length.
    """

    energy_j: Floats
    seconds: Floats

    def where(self, mask: NDArray[np.bool_]) -> "Windows":
        """The windows that a mask of shape ``(n_windows,)`` picks, e.g. those whose layers were all marked."""
        return Windows(self.energy_j[mask], self.seconds[mask])


class Composition(NamedTuple):
    """Of what an unmarked stretch is made, learned from marked ones.

    Attributes:
        shares: shape ``(n_owners,)``, share of each owner in its time; adds up to 1.
        rel_u: shape ``(n_owners,)``, relative standard uncertainty of the shares; NaN with one marked stretch.
    """

    shares: Floats
    rel_u: Floats


def occupancy(starts_s: ArrayLike, owners: ArrayLike, end_s: float, edges_s: ArrayLike, n_owners: int) -> Floats:
    """Seconds of each owner in each window.

    Args:
        starts_s: shape ``(n_segments,)``, not falling; segment i lasts until the next one starts.
        owners: shape ``(n_segments,)``, below ``n_owners``.
        end_s: end of the last segment.
        edges_s: shape ``(n_windows + 1,)``, rising; within the segments.
        n_owners: columns of the result.

    Returns:
        Shape ``(n_windows, n_owners)``; each row adds up to its window's length.

    Raises:
        LayerError: if the segments do not cover the windows.
        ValueError: if times fall or an owner has no column.
    """
    starts, edges = np.asarray(starts_s, dtype=np.float64), np.asarray(edges_s, dtype=np.float64)
    who = np.asarray(owners, dtype=np.int64)
    if np.any(np.diff(starts) < 0) or np.any(np.diff(edges) <= 0):
        raise ValueError("marks must not fall in time, and window edges must rise")
    if len(who) and not 0 <= who.min() <= who.max() < n_owners:
        raise ValueError(f"owners {who.min()} to {who.max()} do not fit into {n_owners} columns")
    if len(edges) < 2:
        return np.zeros((0, n_owners))
    if not len(starts) or edges[0] < starts[0] or edges[-1] > end_s:
        raise LayerError(
            f"windows from {edges[0]} s to {edges[-1]} s reach beyond the marks",
            "cut them at the first and the last mark",
        )
    inside = starts[(starts > edges[0]) & (starts < edges[-1])]
    cuts = np.sort(np.concatenate([edges, inside]))
    owner = who[np.searchsorted(starts, cuts[:-1], side="right") - 1]
    window = np.searchsorted(edges, cuts[:-1], side="right") - 1
    flat = np.bincount(window * n_owners + owner, np.diff(cuts), (len(edges) - 1) * n_owners)
    return flat.reshape(len(edges) - 1, n_owners).astype(np.float64, copy=False)


def sensed(
    starts_s: ArrayLike, owners: ArrayLike, end_s: float, edges_s: ArrayLike, n_owners: int, delays_s: ArrayLike
) -> Floats:
    """Seconds of each owner in each window as a late sensor shows them: the mean of ``occupancy`` over delays.

    Args:
        starts_s: as for ``occupancy``, and so are the others.
        owners: as there.
        end_s: as there.
        edges_s: as there, but all of them later than the first mark by the longest delay.
        n_owners: as there.
        delays_s: shape ``(n_delays,)``, of equal weight, e.g. from ``response_delays``.

    Returns:
        Shape ``(n_windows, n_owners)``; each row adds up to its window's length.

    Raises:
        LayerError: if the segments do not cover the windows.
        ValueError: as ``occupancy``, or without delays.
    """
    delays = np.atleast_1d(np.asarray(delays_s, dtype=np.float64))
    if not len(delays):
        raise ValueError("a sensor has at least one delay: give [0.0] for one that shows joules at once")
    edges = np.asarray(edges_s, dtype=np.float64)
    total = occupancy(starts_s, owners, end_s, edges - delays[0], n_owners)
    for delay_s in delays[1:]:
        total += occupancy(starts_s, owners, end_s, edges - delay_s, n_owners)
    return total / len(delays)


def response_delays(lag_s: float, rc_s: float, taps: int = 16) -> Floats:
    """Delays of equal weight, in seconds, for a dead time and a first-order low pass behind it.

    They are the quantiles of ``lag_s`` plus an exponential distribution of mean ``rc_s``.
    """
    if rc_s == 0.0:
        return np.array([lag_s])
    quantiles = (np.arange(taps) + 0.5) / taps
    delays: Floats = lag_s - rc_s * np.log1p(-quantiles)
    return delays


def composition(seconds: ArrayLike, weight: ArrayLike | None = None) -> Composition:
    """Shares of each owner in stretches of one kind, by the ratio estimator.

    Args:
        seconds: shape ``(n_marked, n_owners)``, time of each owner in each marked stretch.
        weight: shape ``(n_marked,)``, for how many stretches each stands; 1 if not given.

    Raises:
        LayerError: if nothing was marked.
    """
    marked = np.asarray(seconds, dtype=np.float64)
    weights = np.ones(len(marked)) if weight is None else np.asarray(weight, dtype=np.float64)
    total = float((weights @ marked).sum()) if len(marked) else 0.0
    if not total > 0.0:
        raise LayerError("no stretch with layer marks was seen", "mark at least one step")
    shares = weights @ marked / total
    residual = weights[:, None] * (marked - marked.sum(axis=1, keepdims=True) * shares)
    n = len(marked)
    variance = (residual**2).sum(axis=0) * n / (n - 1) if n > 1 else np.full(len(shares), np.nan)
    rel_u = np.divide(np.sqrt(variance), total * shares, out=np.zeros_like(shares), where=shares > 0)
    return Composition(shares, rel_u)


def expand(seconds: Floats, blob: int, shares: ArrayLike) -> Floats:
    """Give the time of one column, e.g. of forward passes without marks, to the owners it is made of.

    Args:
        seconds: shape ``(n_windows, n_owners)``.
        blob: the column; zero afterwards unless it has a share itself.
        shares: shape ``(n_owners,)``, adding up to 1.

    Returns:
        Shape ``(n_windows, n_owners)``, rows with the same sums.
    """
    spread = seconds.copy()
    spread[:, blob] = 0.0
    spread += seconds[:, blob, None] * np.asarray(shares, dtype=np.float64)
    return spread


def merge(windows: Windows, at_most: int) -> Windows:
    """Coalesce neighbours, so that at most ``at_most`` windows of about equally many updates remain.

    Raises:
        ValueError: if ``at_most`` is below 1.
    """
    if at_most < 1:
        raise ValueError(f"{at_most} windows cannot hold anything: keep at least 1")
    n = len(windows.energy_j)
    if n <= at_most:
        return windows
    first = np.linspace(0, n, at_most, endpoint=False).astype(np.int64)
    return Windows(np.add.reduceat(windows.energy_j, first), np.add.reduceat(windows.seconds, first, axis=0))


def shared_out(windows: Windows, power: ArrayLike | None = None) -> Floats:
    """Joules of each owner.

    Args:
        windows: energy and time.
        power: shape ``(n_owners,)``, relative power, above 0; equal if not given, which is sharing by time.

    Returns:
        Shape ``(n_owners,)``; adds up to the windows' joules. NaN for owners with time in a hole.

    Raises:
        MeterError: if a window has negative or infinite joules.
        LayerError: if a window has joules but no time, or a power is not a positive number.
    """
    check(windows)
    known = ~np.isnan(windows.energy_j)
    rows: Floats = windows.energy_j[known] @ shares(windows.seconds[known], checked_power(windows, power))
    rows[(windows.seconds[~known] > 0.0).any(axis=0)] = np.nan
    return rows


def shares(seconds: Floats, power: Floats) -> Floats:
    """Share of each owner in the joules of each window: p_l d_lw / sum_j p_j d_jw.

    Args:
        seconds: shape ``(n_windows, n_owners)``.
        power: shape ``(n_owners,)``, above 0.

    Returns:
        Shape ``(n_windows, n_owners)``; rows add up to 1, or to 0 where a window has no time.
    """
    length_s = seconds.sum(axis=1, keepdims=True)
    parts: Floats = np.divide(seconds, length_s, out=np.zeros_like(seconds), where=length_s > 0.0)
    parts *= power / power.max()
    weight = parts.sum(axis=1, keepdims=True)
    np.divide(parts, weight, out=parts, where=weight > 0.0)
    return parts


def check(windows: Windows) -> None:
    """Refuse what no sharing can mend.

    Raises:
        MeterError: if a window has negative or infinite joules.
        LayerError: if a window has joules but no time.
        ValueError: if shapes do not fit or seconds are negative.
    """
    energy_j, seconds = windows
    if seconds.ndim != 2 or energy_j.shape != seconds.shape[:1]:
        raise ValueError(f"energy of shape {energy_j.shape} does not fit seconds of shape {seconds.shape}")
    if seconds.size and not seconds.min() >= 0.0:
        raise ValueError("an owner has negative or unknown seconds in a window")
    wrong = (energy_j < 0.0) | np.isinf(energy_j)
    if wrong.any():
        raise MeterError(
            f"a window has {energy_j[wrong][0]} J, counters only rise",
            "correct wraps and cut at restarts when reading",
        )
    if np.any((energy_j > 0.0) & ~(seconds > 0.0).any(axis=1)):
        raise LayerError("a window has joules but no owner has time in it", "give time without marks to the row rest")


def checked_power(windows: Windows, power: ArrayLike | None) -> Floats:
    """Relative power of each owner; ones if not given.

    Raises:
        LayerError: if it does not fit the windows, or is not a positive number.
    """
    n_owners = windows.seconds.shape[1]
    p = np.ones(n_owners) if power is None else np.asarray(power, dtype=np.float64)
    if p.shape != (n_owners,) or not np.all(np.isfinite(p) & (p > 0.0)):
        raise LayerError(
            f"relative power {p} is not one positive number for each of {n_owners} owners",
            "give every owner a power, 1 where nothing is known",
        )
    return p
