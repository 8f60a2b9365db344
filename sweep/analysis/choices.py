"""Which points to recommend, and against what: the rules of ``recommend``, without a word of text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sweep.analysis.budget import Budget
from sweep.analysis.choose import cheapest, end, is_indistinct, is_same, most_accurate
from sweep.analysis.current_setup import Current
from sweep.analysis.knee import knee
from sweep.analysis.noise import Noise, compare, gap_u
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Against, Kind
from sweep.analysis.setups import Setup


class Given(NamedTuple):
    """What choices are made from."""

    groups: Sequence[Setup]
    noise: Noise
    front: tuple[FrontPoint, ...]
    current: Current | None
    budget: Budget

    @property
    def best(self) -> FrontPoint:
        """The most accurate point."""
        return self.front[-1]

    @property
    def today(self) -> FrontPoint | None:
        """The end of the setup that is trained today."""
        return None if self.current is None else self.current.point

    @property
    def starts(self) -> tuple[tuple[Against, FrontPoint], ...]:
        """What a user starts from: today's setup, else those of median (with three or more) and of most joules."""
        if self.today is not None:
            return ((Against.CURRENT, self.today),)
        ends = sorted((end(setup) for setup in self.groups if setup.candidates), key=lambda point: point.energy_j)
        median = [(Against.MEDIAN, ends[len(ends) // 2])] if len(ends) > 2 else []
        return (*median, (Against.WORST, ends[-1]))


class Choice(NamedTuple):
    """A point to train, and what it is compared with."""

    kind: Kind
    point: FrontPoint
    against: Against | None = None
    reference: FrontPoint | None = None


def choices(given: Given) -> list[Choice]:
    """What to recommend, the primary choice first.

    Args:
        given: a study with at least one point on its front.
    """
    primary = _primary(given)
    chosen = [primary, *_most_accurate(given, primary.point), *_stop_earlier(given, primary.point)]
    chosen += _at_current_quality(given, primary.point)
    chosen += _knee(given, primary.point)
    chosen += _within_budget(given, primary.point)
    if given.today is None:
        chosen += _versus(given, primary.point)
        if primary.kind is Kind.MOST_ACCURATE and not _any_differs(given, chosen):
            chosen[0] = primary._replace(kind=Kind.NO_CHANGE)
    return chosen


def _primary(given: Given) -> Choice:
    best, today = given.best, given.today
    cheaper = cheapest(given.groups, best, given.noise)
    if today is None:
        if cheaper is None:
            return Choice(Kind.MOST_ACCURATE, best)
        return Choice(Kind.CHEAPEST_WITHIN_NOISE, cheaper, Against.MOST_ACCURATE, best)
    point = cheaper or best
    difference = compare(point, today, given.noise)
    is_better = difference.quality > 0 and not difference.same_quality
    is_as_good = difference.quality >= 0 or difference.same_quality
    if today.setup.excluded or is_better or (difference.saves and is_as_good):
        kind = Kind.CHEAPEST_WITHIN_NOISE if cheaper else Kind.MOST_ACCURATE
        return Choice(kind, point, Against.CURRENT, today)
    saving = cheapest(given.groups, today, given.noise)
    if saving is not None:
        return Choice(Kind.CHEAPER_AT_CURRENT_QUALITY, saving, Against.CURRENT, today)
    if is_same(point, today):
        return Choice(Kind.NO_CHANGE, today, Against.CURRENT)
    return Choice(Kind.NO_CHANGE, today, Against.RECOMMENDED, point)


def _most_accurate(given: Given, primary: FrontPoint) -> Iterator[Choice]:
    """The most accurate point, if it is not the primary one; against today's setup where that is told apart."""
    best, today = given.best, given.today
    if is_same(best, primary):
        return
    if today is None or today.setup.excluded:
        yield Choice(Kind.MOST_ACCURATE, best)
    elif not compare(best, today, given.noise).same_quality:
        yield Choice(Kind.MOST_ACCURATE, best, Against.CURRENT, today)


def _stop_earlier(given: Given, primary: FrontPoint) -> Iterator[Choice]:
    noise, best = given.noise, given.best
    last = end(primary.setup)
    if primary.epoch < last.epoch and compare(primary, last, noise).saves:
        yield Choice(Kind.STOP_EARLIER, primary, Against.OWN_END, last)
    if best.setup is not primary.setup:
        last = end(best.setup)
        earlier = cheapest([best.setup], last, noise)
        if earlier is not None and not _is_dominated(earlier, primary, noise):
            yield Choice(Kind.STOP_EARLIER, earlier, Against.OWN_END, last)


def _at_current_quality(given: Given, primary: FrontPoint) -> Iterator[Choice]:
    """What is as good as today's setup and saves more than the recommendation."""
    if given.today is None:
        return
    point = cheapest(given.groups, given.today, given.noise)
    if point is not None and point.setup is not primary.setup and compare(point, primary, given.noise).saves:
        yield Choice(Kind.CHEAPER_AT_CURRENT_QUALITY, point, Against.CURRENT, given.today)


def _knee(given: Given, primary: FrontPoint) -> Iterator[Choice]:
    found = knee(given.front)
    if found is None:
        return
    trials = found.point.trials, given.best.trials
    if found.quality_height <= (gap_u(given.noise, found.point.n, given.best.n, trials) or 0.0):
        return
    is_primary = is_same(found.point, primary) or is_indistinct(found.point, primary, given.noise)
    if is_primary or compare(found.point, primary, given.noise).saves:
        yield Choice(Kind.KNEE, primary if is_primary else found.point, Against.RECOMMENDED, primary)


def _within_budget(given: Given, primary: FrontPoint) -> Iterator[Choice]:
    """The recommendation itself if it keeps within the budget, else what would be recommended among what does."""
    budget = given.budget
    if not budget.is_given:
        return
    if budget.fits(primary.setup, primary):
        yield Choice(Kind.WITHIN_BUDGET, primary, Against.RECOMMENDED, primary)
        return
    best = most_accurate(given.groups, budget.fits)
    if best is not None:
        point = cheapest(given.groups, best, given.noise, budget.fits) or best
        yield Choice(Kind.WITHIN_BUDGET, point, Against.RECOMMENDED, primary)


def _versus(given: Given, point: FrontPoint) -> Iterator[Choice]:
    kinds = {Against.MEDIAN: Kind.VERSUS_MEDIAN, Against.WORST: Kind.VERSUS_WORST}
    for against, start in given.starts:
        if start.setup is not point.setup and compare(point, start, given.noise).saves:
            yield Choice(kinds[against], point, against, start)


def _any_differs(given: Given, chosen: Sequence[Choice]) -> bool:
    """Whether any setup, or any epoch of one, differs beyond the noise; true also where there is one setup only."""
    if any(choice.reference is not None and not is_same(choice.point, choice.reference) for choice in chosen):
        return True
    ends = [end(setup) for setup in given.groups if setup.candidates]
    return len(ends) < 2 or not all(is_indistinct(point, given.best, given.noise) for point in ends)


def _is_dominated(point: FrontPoint, by: FrontPoint, noise: Noise) -> bool:
    return by.quality >= point.quality and compare(by, point, noise).saves
