"""What training one way saves against another, over setups: the saving of Table 3 of "The Power of Training".

    saving = 1 - sum over setups of mean joules / the same of the reference

Paired by setup and repeat: only setups and repeats that both sides completed count, each repeat of a setup stands
beside its own twin, and the interval draws them together (``resample``).

Limits: a sum is ruled by the dearest setups, so how many setups save stands beside it.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sweep.analysis.resample import Repeated, bounds, draws


class PairedJoules(NamedTuple):
    """Joules of one setup, one way and another.

    Attributes:
        joules: of each repeat, ``(joules, joules of the reference)``.
        clusters: of each repeat, what it shares with others.
    """

    params: dict[str, Any]
    joules: tuple[tuple[float, float], ...]
    clusters: tuple[str, ...]


class SetupSaving(NamedTuple):
    """One setup: means over its repeats, in joules; ``saving_rel`` is ``None`` against 0 J."""

    params: dict[str, Any]
    n: int
    energy_j: float
    reference_j: float
    saving_rel: float | None


class Saving(NamedTuple):
    """Over all setups.

    Attributes:
        energy_j: mean over setups.
        low: of the interval of ``saving_rel``; ``None`` without repeats, and so is ``high``.
        n_saving: setups that save.
    """

    setups: tuple[SetupSaving, ...]
    energy_j: float
    reference_j: float
    saving_rel: float | None
    low: float | None
    high: float | None
    n_saving: int


def saving(pairs: Sequence[PairedJoules], confidence: float) -> Saving | None:
    """The saving of what stands first against what stands second; ``None`` without a pair."""
    if not pairs:
        return None
    rows = tuple(_setup(pair) for pair in pairs)
    energy_j = math.fsum(row.energy_j for row in rows) / len(rows)
    reference_j = math.fsum(row.reference_j for row in rows) / len(rows)
    low, high = _interval(pairs, confidence)
    return Saving(
        setups=rows,
        energy_j=energy_j,
        reference_j=reference_j,
        saving_rel=_relative(energy_j, reference_j),
        low=low,
        high=high,
        n_saving=sum(row.energy_j < row.reference_j for row in rows),
    )


def _setup(pair: PairedJoules) -> SetupSaving:
    n = len(pair.joules)
    energy_j, reference_j = (math.fsum(column) / n for column in zip(*pair.joules, strict=True))
    return SetupSaving(pair.params, n, energy_j, reference_j, _relative(energy_j, reference_j))


def _relative(energy_j: float, reference_j: float) -> float | None:
    return 1.0 - energy_j / reference_j if reference_j > 0 else None


def _interval(pairs: Sequence[PairedJoules], confidence: float) -> tuple[float | None, float | None]:
    drawn = draws([Repeated(np.array(pair.joules, dtype=float), pair.clusters) for pair in pairs])
    if drawn is None:
        return None, None
    whole = drawn.means.mean(axis=0)
    if not (whole[:, 1] > 0).all():
        return None, None
    return bounds(1.0 - whole[:, 0] / whole[:, 1], confidence, drawn.df)
