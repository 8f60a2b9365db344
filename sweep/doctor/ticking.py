"""How a counter moves: its tick and its smallest step, by looking at it as often as possible.

    look | look | look     a change between two looks is put in their middle
    tick = median of the times between two changes

A tick in which nothing was spent shows no change, so intervals of two ticks occur; the median does not mind.

Limits: ticks shorter than about two looks cannot be told from none. Looking costs about half a core, so power is not
measured meanwhile.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from sweep.doctor.findings import Ticking
from sweep.energy.meter import Meter
from sweep.records import Joules

LOOK_S = 1e-4
LEAST_MOVES = 3
AT_EVERY_LOOK = 0.5
"""Share of the looks with a change, above which the tick is shorter than the looks can tell."""


class Look(NamedTuple):
    """What the counters showed, in joules, at a time."""

    time_s: float
    shown_j: Joules


def look(
    meter: Meter,
    duration_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Look]:
    """Look at an open meter again and again; a reading that fails is left out."""
    looks: list[Look] = []
    end_s = clock() + duration_s
    while (now_s := clock()) < end_s:
        with suppress(Exception):  # whatever a driver raises; the recorder warns of it
            looks.append(Look(now_s, meter.read()))
        sleep(LOOK_S)
    return looks


def ticking(looks: Sequence[Look], name: str) -> Ticking:
    """How the counter of a domain moved."""
    shown = [(at.time_s, value) for at in looks if (value := at.shown_j.get(name)) is not None]
    moves = [((t0 + t1) / 2.0, after - before) for (t0, before), (t1, after) in pairwise(shown) if after != before]
    at_every_look = len(moves) >= LEAST_MOVES and len(moves) > AT_EVERY_LOOK * (len(shown) - 1)
    told = len(moves) >= LEAST_MOVES and not at_every_look
    return Ticking(
        looked_s=shown[-1][0] - shown[0][0] if shown else 0.0,
        look_s=_median_distance(time_s for time_s, _ in shown),
        moves=len(moves),
        tick_s=_median_distance(time_s for time_s, _ in moves) if told else None,
        step_j=min((step_j for _, step_j in moves if step_j > 0.0), default=None),
        at_every_look=at_every_look,
    )


def _median_distance(times_s: Iterable[float]) -> float | None:
    distances_s = [after - before for before, after in pairwise(times_s)]
    return statistics.median(distances_s) if distances_s else None
