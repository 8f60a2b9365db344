"""What further repeats would cost: missing repeats of a setup times the mean joules of its trainings.

Limits: a training as long as those before it; what the search itself needs (loading, choosing) is not in it.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup
from sweep.records import StudyData

ENOUGH = 3
"""Repeats with which noise is first worth estimating: two degrees of freedom a setup."""


def missing(setup: Setup, n: int = ENOUGH) -> int:
    """Repeats that a setup lacks of ``n``."""
    return max(n - len(setup.trials), 0)


def price_j(setups: Iterable[Setup], n: int = ENOUGH) -> float | None:
    """Joules until each setup has ``n`` repeats; ``None`` if those of one are not known, 0 if none is missing."""
    total_j = 0.0
    for setup in setups:
        lacking = missing(setup, n)
        if lacking and setup.final is None:
            return None
        total_j += lacking * (setup.final.energy_j if setup.final else 0.0)
    return total_j


class Repeats(NamedTuple):
    """Further repeats of a whole study.

    Attributes:
        change: Hydra overrides that run them in the same study.
        price_j: what they cost; ``None`` if it is not known.
        n_setups: of the grid, untried ones too; of another sampler those that were tried.
    """

    change: dict[str, int]
    price_j: float | None
    n_setups: int


def of_all(data: StudyData, groups: Sequence[Setup], n: int = ENOUGH) -> Repeats:
    """``n`` repeats of every setup of a study; an untried one is taken to cost the mean of the others.

    A grid is run in blocks, one a repeat, so that what ``search.n_trials`` left out comes before the second repeat.
    """
    tried = [setup for setup in groups if setup.candidates]
    search = data.study.config.get("search", {})
    if search.get("n_trials") is None:
        return Repeats({"study.repeats": n}, price_j(tried, n), len(tried))
    listed = [dimension.values for dimension in data.study.dimensions]
    is_grid = search.get("sampler") == "grid" and all(listed)
    cells = max(math.prod(len(values or ()) for values in listed), len(groups)) if is_grid else len(groups)
    known_j, untried = price_j(tried, n), cells - len(groups)
    mean_j = statistics.fmean(setup.final.energy_j for setup in tried if setup.final) if tried else None
    price = None if known_j is None or mean_j is None else known_j + untried * n * mean_j
    change = {"study.repeats": n, "search.n_trials": cells * n}
    return Repeats(change, price, len(tried) + untried)


def needed(half_width: float, difference: float, points: Iterable[FrontPoint]) -> int:
    """Repeats of each of two setups with which a difference would stand out of its interval.

    The half-width shrinks with the root of the repeats: n = n_now (half-width / difference)^2, n_now their harmonic
    mean. Student's t also shrinks with them, so that fewer may do.
    """
    counts = [point.n for point in points]
    now = len(counts) / math.fsum(1.0 / n for n in counts)
    return math.ceil(now * (half_width / difference) ** 2)
