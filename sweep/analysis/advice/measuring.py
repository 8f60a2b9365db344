"""What to measure before a claim is made, and what that costs in joules.

    one repeat          repeats of the recommendation, of what it is compared with and of its neighbours on the front
    a wide interval     repeats of two setups whose difference would change the recommendation, if it is what it seems:
                        n = n_now (half-width / difference)^2  (``repeats.needed``)
    disturbed trials    the trials of the recommendation and its reference that other programs disturbed, done again
    modelled joules     the meter that measures the domains that are modelled now

Limits: the number of repeats takes the difference seen for the true one; it may be smaller, and then more are needed.
More than ``MOST_REPEATS`` are not advised. Repeats do not shrink what the choice of the validation samples adds; where
that alone hides a difference of quality, no repeats are advised.
"""

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.analysis.advice.context import Context, top
from sweep.analysis.changes import dimension_key
from sweep.analysis.noise import compare, gap_u
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Against, Kind, Recommendation
from sweep.analysis.repeats import ENOUGH, missing, needed, of_all, price_j
from sweep.analysis.setups import Setup
from sweep.records import Domain, Provenance, StudyRecord

MOST_REPEATS = 30
AUTO = "auto"
REPORTS = "reports"
METERS = {"gpu": "nvml"} | dict.fromkeys(("cpu", "package", "core", "uncore", "memory", "dram"), "rapl")
"""Which meter measures a kind of domain, by its name in ``conf/meter``."""


def measuring_advice(context: Context) -> Iterator[Recommendation]:
    """All that would make the recommendation surer, what matters most first."""
    if context.noise.is_known:
        yield from _wide_interval(context)
    else:
        yield _one_repeat(context)
    yield from _disturbed(context)
    yield from _modelled(context)


def _one_repeat(context: Context) -> Recommendation:
    rivals = _rivals(context)
    plan = _plan(context, rivals, ENOUGH)
    more = max(missing(setup) for setup in rivals)
    told = "; ".join(wording.setup(setup.params, context.names) for setup in rivals)
    action = f"Repeat {wording.count(more, 'more time')} before relying on it: {told}{plan.words}"
    evidence = [number for setup in rivals for number in setup.numbers]
    return context.told(Kind.MEASURE_BETTER, action, evidence, change=plan.change, price_j=plan.price_j)


class _Plan(NamedTuple):
    """Repeats of some setups.

    Attributes:
        change: overrides that run them; of all setups where no smaller grid holds these.
        price_j: of what the change runs.
        words: what it costs.
    """

    change: dict[str, Any]
    price_j: float | None
    words: str


def _plan(context: Context, wanted: Sequence[Setup], n: int) -> _Plan:
    """``n`` repeats of each of some setups."""
    everything = of_all(context.data, context.groups, n)
    narrowed, inside = _narrowed(context, wanted)
    run = " ".join(f"{key}={item}" for key, item in everything.change.items())
    whole = f"{run} for {_all(everything.n_setups)} {_costs(everything.price_j)}"
    if narrowed:
        price = price_j(inside, n)
        others = len(inside) - len(wanted)
        grid = f" with {wording.count(others, 'other')} of the smallest grid around them" if others else ""
        return _Plan(narrowed | {"study.repeats": n}, price, f"; that {_costs(price)}{grid} ({whole})")
    alone = f"; that {_costs(price_j(wanted, n))}"
    is_all = len(wanted) == everything.n_setups
    return _Plan(everything.change, everything.price_j, f"; {whole}" if is_all else f"{alone} ({whole})")


def _all(n_setups: int) -> str:
    return "the only setup" if n_setups == 1 else f"all {n_setups} setups"


def _costs(joules: float | None) -> str:
    return "costs joules that are not known" if joules is None else f"costs about {wording.energy(joules)}"


def _rivals(context: Context) -> list[Setup]:
    """The recommended setup, those it is compared with, and its neighbours on the front; each once."""
    own = context.primary.point
    order = list({id(point.setup): point.setup for point in context.front}.values())
    place = next((index for index, setup in enumerate(order) if setup is own.setup), None)
    near = [] if place is None else order[max(place - 1, 0) : place + 2]
    today = [item.reference.setup for item in context.primary.versus if item.against is Against.CURRENT]
    found = {id(setup): setup for setup in (own.setup, context.best.setup, *today, *near)}
    return [setup for setup in found.values() if setup.trials]


def _narrowed(context: Context, rivals: Sequence[Setup]) -> tuple[dict[str, Any], Sequence[Setup]]:
    """Overrides that repeat the rivals in a study of their own that takes over their trials, and the setups it holds.

    No overrides where no smaller grid holds the rivals.
    """
    data = context.data
    space, inside = _space(context, rivals)
    folder = _folder(data.study)
    if not space or not folder:
        return {}, rivals
    return space | {"study.name": f"{data.study.name}-repeats", "study.import_from": folder}, inside


def _space(context: Context, wanted: Sequence[Setup]) -> tuple[dict[str, Any], Sequence[Setup]]:
    """Overrides that leave only some setups in the search space, and the setups that it then holds.

    No overrides where the smallest grid around them holds setups that were never tried, or all.
    """
    data = context.data
    dimensions = [item for item in data.study.dimensions if all(item.name in setup.params for setup in wanted)]
    values = {
        item.name: list({repr(setup.params[item.name]): setup.params[item.name] for setup in wanted}.values())
        for item in dimensions
    }
    inside = [
        setup
        for setup in context.groups
        if setup.trials and all(setup.params.get(name) in kept for name, kept in values.items())
    ]
    everything = [setup for setup in context.groups if setup.candidates]
    if len(inside) != math.prod(len(kept) for kept in values.values()) or len(inside) == len(everything):
        return {}, everything
    return {dimension_key(data, item): values[item.name] for item in dimensions if len(item.values or ()) != 1}, inside


def _folder(study: StudyRecord) -> str | None:
    """Where the study lies, as seen from where it was made; ``None`` if its name is not that of a folder."""
    given = study.config.get("study", {}).get("dir")
    if given:
        return str(given)
    return f"{REPORTS}/{study.name}" if re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", study.name) else None


class _Rival(NamedTuple):
    """A setup that may be the better choice.

    Attributes:
        against: what it cannot be told from.
        repeats: of both, that would tell.
        what: that is not known.
    """

    point: FrontPoint
    against: FrontPoint
    repeats: int
    what: str


def _wide_interval(context: Context) -> Iterator[Recommendation]:
    """The cheapest setup that seems to save, or seems as good, of each kind."""
    own = context.primary.point
    points = [top(setup) for setup in context.groups if setup.candidates and setup is not own.setup]
    points = sorted((point for point in points if point.energy_j < own.energy_j), key=lambda point: point.energy_j)
    joules = (rival for point in points for rival in _unsure_of_joules(context, point))
    quality = (rival for point in points for rival in _unsure_of_quality(context, point))
    for rival in itertools.chain(itertools.islice(joules, 1), itertools.islice(quality, 1)):
        yield _settle(context, rival)


def _unsure_of_joules(context: Context, point: FrontPoint) -> Iterator[_Rival]:
    """As good as the most accurate and cheaper than the recommendation, but for the noise of the joules."""
    difference = compare(point, context.primary.point, context.noise)
    if difference.saves or difference.saving_rel_u is None or difference.saving_rel <= 0:
        return
    if not compare(point, context.best, context.noise).within_one_se:
        return
    n = needed(difference.saving_rel_u, difference.saving_rel, (point, context.primary.point))
    if n <= MOST_REPEATS:
        seen = wording.share(difference.saving_rel, difference.saving_rel_u)
        yield _Rival(point, context.primary.point, n, f"whether it saves ({seen} of the joules)")


def _unsure_of_quality(context: Context, point: FrontPoint) -> Iterator[_Rival]:
    """Cheaper than the recommendation, and worse than the most accurate by less than the noise of the quality."""
    if not compare(point, context.primary.point, context.noise).saves:
        return
    difference = compare(point, context.best, context.noise)
    if difference.within_one_se or not difference.same_quality or difference.quality_u is None:
        return
    repeats_u = gap_u(context.noise, point.n, context.best.n) or 0.0
    rest = difference.quality**2 - max(difference.quality_u**2 - repeats_u**2, 0.0)
    if rest <= 0:
        return
    n = needed(repeats_u, math.sqrt(rest), (point, context.best))
    if n <= MOST_REPEATS:
        yield _Rival(point, context.best, n, f"whether it is worse ({context.words.gain(difference)})")


def _settle(context: Context, rival: _Rival) -> Recommendation:
    setups = (rival.point.setup, rival.against.setup)
    n = max(rival.repeats, *(len(setup.trials) + 1 for setup in setups))
    plan = _plan(context, setups, n)
    one, other = (wording.setup(setup.params, context.names) for setup in setups)
    action = (
        f"{one} may be the better choice, and it is not known {rival.what} against {other}: about {n} repeats of both "
        f"would settle it{plan.words}"
    )
    return context.told(
        Kind.MEASURE_BETTER,
        action,
        (*rival.point.trials, *rival.against.trials),
        change=plan.change,
        price_j=plan.price_j,
        confirmed=True,
    )


def _disturbed(context: Context) -> Iterator[Recommendation]:
    compared = [context.primary.point, *([context.primary.reference] if context.primary.reference else [])]
    numbers = sorted({number for point in compared for number in point.setup.contaminated})
    if not numbers:
        return
    everything = {number for setup in context.groups for number in setup.contaminated}
    price = _spent(context, everything)
    action = (
        f"Run again what other programs disturbed ({wording.trials(numbers)}), on a quiet machine: "
        f"study.redo=contaminated does so for {wording.trials(sorted(everything))}, which {_costs(price)}"
    )
    yield context.told(
        Kind.MEASURE_BETTER, action, numbers, change={"study.redo": "contaminated"}, price_j=price, confirmed=True
    )


def _modelled(context: Context) -> Iterator[Recommendation]:
    guessed = [item for item in context.data.study.domains if item.additive and item.provenance is Provenance.MODELLED]
    if not guessed:
        return
    primary = context.primary
    setups = [primary.point.setup, *([primary.reference.setup] if primary.reference else [])]
    space, inside = _space(context, list({id(setup): setup for setup in setups}.values()))
    price = _spent(context, [number for setup in inside for number in setup.numbers])
    what = "the trials behind the recommendation" if space else "all trials"
    meter = _meter(context.data.study.domains, guessed)
    names = ", ".join(domain.name for domain in guessed)
    action = (
        f"Measure the joules of {names}, which are modelled: meter={meter} on a machine whose counters can be read "
        f"(sweep doctor tells); doing {what} anew {_costs(price)}"
    )
    evidence = [number for setup in setups for number in setup.numbers]
    change = space | {"meter": meter}
    yield context.told(Kind.MEASURE_BETTER, action, evidence, change=change, price_j=price, confirmed=True)


def _meter(domains: Iterable[Domain], guessed: Sequence[Domain]) -> str:
    """The one meter for all domains in the total, else the one that joins several."""
    wanted = {METERS.get(domain.kind, AUTO) for domain in (*domains, *guessed) if domain.additive}
    return wanted.pop() if len(wanted) == 1 else AUTO


def _spent(context: Context, numbers: Iterable[int]) -> float | None:
    """Joules that trials were charged with; ``None`` if those of one are not known."""
    known = {trial.number: trial.energy_j for setup in context.groups for trial in setup.trials}
    joules = [known.get(number) for number in numbers]
    told = [item for item in joules if item is not None]
    return math.fsum(told) if len(told) == len(joules) else None
