"""Functional analysis of variance on a full grid: which factors, alone and together, explain how a number varies.

    y_cell = f0 + sum_i f_i + sum_i<j f_ij + ...      f_U = marginal mean over the other factors - all lower effects
    V_U    = mean over cells of f_U^2                 V_between = sum over U of V_U     (the f_U are orthogonal)
    V      = V_between + V_within                     V_within  = mean over cells of the variance of repeats in a cell
    share of U = V_U / V

Every cell counts once, whatever its number of repeats. Without repeats V_within is not known and noise is in the
highest interaction; with repeats a part of the noise, V_within / n, still is in the shares. Intervals resample the
pooled residuals of the cells (times sqrt(n / (n - 1))), around the cell means.

Source: Hooker, Generalized Functional ANOVA (2007); Hutter, Hoos and Leyton-Brown, An Efficient Approach for Assessing
Hyperparameter Importance (2014). Limits: factors are categories; a share says
nothing of the direction of an effect; large grids have fewer draws, and so rougher intervals.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.resample import SEED, bounds

N_DRAWS = 1000
MIN_DRAWS = 200
MAX_MEANS = 1_000_000
"""Resampled means of cells: from 1,000 cells on there are fewer draws."""
CELLS_AT_ONCE = 256
SMALLEST = 1e-12
"""Variance of logarithms below which a number is taken not to vary."""


class Effect(NamedTuple):
    """Share of the variance that one effect explains.

    Attributes:
        factors: one name is a main effect, two an interaction of a pair, none all higher interactions together.
        share: in [0, 1]; all effects and the residual of a decomposition sum to 1.
        low: of its interval; ``None`` without repeats, and so is ``high``.
    """

    factors: tuple[str, ...]
    share: float
    low: float | None
    high: float | None


class Decomposition(NamedTuple):
    """Shares of the variance of one number.

    Attributes:
        variance: of all of it.
        effects: main effects in the order of the factors, then pairs, then the rest if there are three factors.
        residual: what repeats of one cell differ by; ``None`` without repeats.
    """

    variance: float
    effects: tuple[Effect, ...]
    residual: Effect | None

    def main(self, factor: str) -> Effect:
        """The main effect of a factor."""
        return next(effect for effect in self.effects if effect.factors == (factor,))


def decompose(
    factors: Sequence[str], cells: Sequence[Sequence[float]], shape: Sequence[int], confidence: float
) -> Decomposition | None:
    """Decompose the variance of a number over a full grid.

    Args:
        factors: their names; at least one.
        cells: repeats of each cell, in C order of ``shape``; at least one each.
        shape: number of levels of each factor.
        confidence: level of the intervals.

    Returns:
        ``None`` if the number does not vary.
    """
    return _decomposed(tuple(factors), tuple(map(tuple, cells)), tuple(shape), confidence)


@lru_cache(maxsize=32)  # the view above idle has the same numbers of epochs
def _decomposed(
    factors: tuple[str, ...], cells: tuple[tuple[float, ...], ...], shape: tuple[int, ...], confidence: float
) -> Decomposition | None:
    means = np.array([math.fsum(cell) / len(cell) for cell in cells])
    within = None if all(len(cell) < 2 for cell in cells) else _within(cells, means)
    names = _names(factors)
    parts = _parts(means.reshape(shape), len(factors))
    variance = float(parts.sum() + (within or 0.0))
    if variance < SMALLEST:
        return None
    shares = np.append(parts, within or 0.0) / variance
    limits: Sequence[tuple[float | None, float | None]] = [(None, None)] * len(shares)
    if within is not None:
        df = sum(len(cell) - 1 for cell in cells)
        limits = [bounds(column, confidence, df) for column in _drawn(cells, means, shape).T]
    effects = tuple(
        Effect(name, float(share), *limit) for name, share, limit in zip(names, shares, limits, strict=False)
    )
    return Decomposition(variance, effects, None if within is None else Effect((), float(shares[-1]), *limits[-1]))


def _names(factors: Sequence[str]) -> list[tuple[str, ...]]:
    """Main effects, pairs and, with three factors or more, ``()`` for the rest."""
    main: list[tuple[str, ...]] = [(name,) for name in factors]
    return main + list(itertools.combinations(factors, 2)) + ([()] if len(factors) > 2 else [])


def _parts(values: NDArray[np.float64], n_factors: int) -> NDArray[np.float64]:
    """Variances in the order of ``_names``; the ``n_factors`` last axes of ``values`` are the grid.

    Returns:
        Shape ``(..., n_effects)``.
    """
    first = values.ndim - n_factors
    axes = range(n_factors)
    everything = tuple(first + axis for axis in axes)
    centred = values - values.mean(axis=everything, keepdims=True)
    main = {axis: _marginal(centred, (axis,), first, n_factors) for axis in axes}
    variances = [np.mean(main[axis] ** 2, axis=everything) for axis in axes]
    for i, j in itertools.combinations(axes, 2):
        effect = _marginal(centred, (i, j), first, n_factors) - main[i] - main[j]
        variances.append(np.mean(effect**2, axis=everything))
    if n_factors > 2:
        rest = np.mean(centred**2, axis=everything) - sum(variances)
        variances.append(np.maximum(rest, 0.0))
    return np.stack(variances, axis=-1)


def _marginal(values: NDArray[np.float64], kept: tuple[int, ...], first: int, n_factors: int) -> NDArray[np.float64]:
    """Mean over the factors that are not kept."""
    dropped = tuple(first + axis for axis in range(n_factors) if axis not in kept)
    return values.mean(axis=dropped, keepdims=True) if dropped else values


def _within(cells: Sequence[Sequence[float]], means: NDArray[np.float64]) -> float:
    spread = [
        math.fsum((item - mean) ** 2 for item in cell) / len(cell) for cell, mean in zip(cells, means, strict=True)
    ]
    return math.fsum(spread) / len(spread)


def _drawn(cells: Sequence[Sequence[float]], means: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64]:
    """Shares of resampled grids, the residual last: shape ``(n_draws, n_effects + 1)``."""
    pool = np.array(
        [
            (item - mean) * math.sqrt(len(cell) / (len(cell) - 1))
            for cell, mean in zip(cells, means, strict=True)
            if len(cell) > 1
            for item in cell
        ]
    )
    moved, within = _redrawn(cells, means, pool)
    parts = _parts(moved.reshape(-1, *shape), len(shape))
    whole = np.column_stack([parts, within])
    total = whole.sum(axis=1, keepdims=True)
    return np.asarray(whole / np.where(total > 0, total, 1.0))


def _redrawn(
    cells: Sequence[Sequence[float]], means: NDArray[np.float64], pool: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Resampled cell means, shape ``(n_draws, n_cells)``, and the mean variance within cells, ``(n_draws,)``.

    Cells of one size are worked out together, ``CELLS_AT_ONCE`` at a time.
    """
    chosen = _chosen(len(pool), tuple(map(len, cells)))
    n_draws = chosen[0].shape[-1]
    moved, within, start = np.empty((n_draws, len(cells))), np.zeros(n_draws), 0
    for places in chosen:
        noise, stop = pool[places], start + len(places)
        shift, square = noise.mean(axis=1), np.einsum("crd,crd->cd", noise, noise) / noise.shape[1]
        moved[:, start:stop] = (means[start:stop, None] + shift).T
        within += np.maximum(square - shift**2, 0.0).sum(axis=0) / len(cells)
        start = stop
    return moved, within


@lru_cache(maxsize=4)
def _chosen(n_pool: int, sizes: tuple[int, ...]) -> list[NDArray[np.int_]]:
    """Places in the pool, of each stretch of cells: shape ``(n_cells, n_repeats, n_draws)``.

    Kept for the next numbers of the same cells: drawing takes as long as what is made of it.
    """
    random, n_draws = np.random.default_rng(SEED), max(MIN_DRAWS, min(N_DRAWS, MAX_MEANS // len(sizes)))
    return [
        random.integers(n_pool, size=(stop - start, n_draws, sizes[start])).transpose(0, 2, 1)
        for start, stop in _equal(sizes)
    ]


def _equal(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Stretches of neighbouring cells of one size: first place, and the place after the last."""
    start = 0
    for _, group in itertools.groupby(sizes):
        end = start + sum(1 for _ in group)
        yield from ((place, min(place + CELLS_AT_ONCE, end)) for place in range(start, end, CELLS_AT_ONCE))
        start = end
