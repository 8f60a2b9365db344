"""The Pareto front of quality (up) against joules (down), over whole trajectories.

A point dominates another if it is no worse in both and better in one. The front of a study is the envelope of
all trajectories: each epoch of each setup competes, so a front point says "this setup, stopped there". The
hypervolume is the area between the front and a reference point (worst quality, most joules).

Limits: two objectives; means are compared as they are, without regard to noise (``recommend`` has it).
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweep.analysis.setups import Setup, SetupPoint


class FrontPoint(NamedTuple):
    """A setup stopped at an epoch; fields as in ``SetupPoint``, and the trials it rests on."""

    setup: Setup
    epoch: int
    quality: float
    quality_sd: float | None
    energy_j: float
    energy_sd_j: float | None
    n: int
    trials: tuple[int, ...]


def front_point(setup: Setup, point: SetupPoint) -> FrontPoint:
    """A point together with its setup."""
    return FrontPoint(
        setup,
        point.epoch,
        point.quality,
        point.quality_sd,
        point.energy_j,
        point.energy_sd_j,
        point.n,
        setup.numbers,
    )


def nondominated(quality: ArrayLike, energy_j: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other point dominates.

    Args:
        quality: shape ``(n,)``, larger is better.
        energy_j: shape ``(n,)``, joules, smaller is better.

    Returns:
        Mask of shape ``(n,)``; equal points are all kept.
    """
    q, e = np.asarray(quality, dtype=float), np.asarray(energy_j, dtype=float)
    mask = np.zeros(q.shape, dtype=bool)
    best, at = -np.inf, np.inf
    for index in np.lexsort((-q, e)):
        if q[index] > best:
            best, at = q[index], e[index]
            mask[index] = True
        else:
            mask[index] = q[index] == best and e[index] == at
    return mask


def hypervolume(quality: ArrayLike, energy_j: ArrayLike, reference: tuple[float, float]) -> float:
    """Area that the points dominate, in quality times joules.

    Args:
        quality: shape ``(n,)``, larger is better.
        energy_j: shape ``(n,)``, joules, smaller is better.
        reference: quality and joules of the reference point; what is not better than it in both adds nothing.
    """
    q, e = np.asarray(quality, dtype=float), np.asarray(energy_j, dtype=float)
    inside = (q > reference[0]) & (e < reference[1])
    q, e = q[inside], e[inside]
    area, floor = 0.0, reference[0]
    for index in np.lexsort((-q, e)):
        if q[index] > floor:
            area += float((q[index] - floor) * (reference[1] - e[index]))
            floor = q[index]
    return area


def envelope(setups: Iterable[Setup]) -> tuple[FrontPoint, ...]:
    """The front over all trajectories, by rising joules (and quality); of equal points the earliest epoch."""
    standing = [(setup, setup.candidates) for setup in setups]
    points = [point for _, own in standing for point in own]
    owners = np.repeat(np.arange(len(standing)), [len(own) for _, own in standing])
    energies_j, qualities, epochs = (
        np.fromiter(map(itemgetter(SetupPoint._fields.index(name)), points), dtype=float, count=len(points))
        for name in ("energy_j", "quality", "epoch")
    )
    order = np.lexsort((epochs, -qualities, energies_j))
    best_before = np.maximum.accumulate(np.concatenate([[-np.inf], qualities[order]]))[:-1]
    return tuple(
        front_point(standing[owners[place]][0], points[place]) for place in order[qualities[order] > best_before]
    )
