"""Choosing among the points (setup, epoch) of a study, with regard to noise.

    cheapest     of the points that lose at most one standard error of quality against a reference and whose saving is
                 real, the cheapest; of those whose joules cannot be told from it, the most accurate

Within one setup quality and joules rise with the epoch (``setups``), so the points of a setup that lose little enough
are its last ones: they are found by bisection, and thousands of setups of fifty epochs take a comparison or two each.

One standard error is the rule of Breiman et al. (Classification and Regression Trees, 1984, section 3.4.3). "Not
significantly worse" would be the wrong way round: the noisier a study, the more quality it would give away.
"""

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence

from sweep.analysis.noise import Noise, compare
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.setups import Setup, SetupPoint

Fits = Callable[[Setup, SetupPoint], bool]
"""Whether a point keeps within a limit; if it does, so do the earlier ones of its setup."""


def cheapest(
    groups: Iterable[Setup], reference: FrontPoint, noise: Noise, fits: Fits | None = None
) -> FrontPoint | None:
    """The cheapest point that is as good as the reference; ``None`` if none saves beyond the noise."""
    found = [(setup, first) for setup in groups if (first := next(_options(setup, reference, noise, fits), None))]
    if not found:
        return None
    least = min((first for _, first in found), key=lambda point: point.energy_j)
    tied = [least]
    for setup, first in found:
        if not compare(least, first, noise).saves:
            tied += _not_dearer(_options(setup, reference, noise, fits), least, noise)
    return max(tied, key=lambda point: (point.quality, -point.energy_j))


def most_accurate(groups: Iterable[Setup], fits: Fits) -> FrontPoint | None:
    """The point of highest quality that keeps within a limit, at the earliest epoch that reaches it."""
    points = [
        front_point(setup, best)
        for setup in groups
        if (kept := [point for point in setup.candidates if fits(setup, point)])
        for best in [max(kept, key=lambda point: (point.quality, -point.energy_j))]
    ]
    return max(points, key=lambda point: (point.quality, -point.energy_j), default=None)


def end(setup: Setup) -> FrontPoint:
    """A setup that may stand on the front, trained to its end."""
    return front_point(setup, setup.candidates[-1])


def is_same(point: FrontPoint, other: FrontPoint) -> bool:
    """Whether it is the same setup, stopped at the same epoch."""
    return point.setup is other.setup and point.epoch == other.epoch


def is_indistinct(point: FrontPoint, other: FrontPoint, noise: Noise) -> bool:
    """Whether neither quality nor joules of two points differ beyond the noise."""
    there, back = compare(point, other, noise), compare(other, point, noise)
    return there.same_quality and not there.saves and not back.saves


def _options(setup: Setup, reference: FrontPoint, noise: Noise, fits: Fits | None) -> Iterator[FrontPoint]:
    """The points of a setup that are as good as the reference and save, by rising joules."""
    points = setup.candidates if fits is None else tuple(point for point in setup.candidates if fits(setup, point))
    if not points or not _is_as_good(setup, points[-1], reference, noise):
        return
    first = bisect.bisect_left(points, True, key=lambda point: _is_as_good(setup, point, reference, noise))  # noqa: FBT003
    for point in points[first:]:
        if point.energy_j >= reference.energy_j:
            return
        option = front_point(setup, point)
        if compare(option, reference, noise).saves:
            yield option


def _is_as_good(setup: Setup, point: SetupPoint, reference: FrontPoint, noise: Noise) -> bool:
    return compare(front_point(setup, point), reference, noise).within_one_se


def _not_dearer(points: Iterable[FrontPoint], least: FrontPoint, noise: Noise) -> Sequence[FrontPoint]:
    """The first points, up to where their joules can be told from the least."""
    kept: list[FrontPoint] = []
    for point in points:
        if compare(least, point, noise).saves:
            break
        kept.append(point)
    return kept
