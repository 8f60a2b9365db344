"""Which learning paradigm to choose, with its break-even.

    the recommendation is trained from scratch   the first pretrained setup that is the recommendation once more
                                                 trainings share its pretraining (``amortisation``), and from how many
                                                 trainings on it saves beyond the noise
    the recommendation is pretrained             against the same setup as baseline, at the N that the study charges

Beside it stands equation 2 (``break_even``) of that setup against its own baseline. A paradigm that never pays, or
whose quality is lower beyond the noise, is not recommended.

Limits: sharing a pretraining needs that many trainings; whether they come is for the user to say.
"""

import math
from collections.abc import Iterator

import msgspec

from sweep.analysis import wording
from sweep.analysis.advice.context import Context, alike, top
from sweep.analysis.amortisation import Amortisation
from sweep.analysis.break_even import BreakEven
from sweep.analysis.noise import compare
from sweep.analysis.paired import BASELINE, PRETRAINED, dimension_of_paradigm
from sweep.analysis.paradigm_words import interval, trainings
from sweep.analysis.paradigms import Paradigms
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.recharge import recharge
from sweep.analysis.recommendation import Against, Kind, Recommendation
from sweep.analysis.report_config import report_config
from sweep.analysis.setups import Setup, setups


def paradigm_advice(context: Context, paradigms: Paradigms) -> Iterator[Recommendation]:
    """At most one piece of advice."""
    name, own = dimension_of_paradigm(context.data), context.primary.point
    if name not in own.setup.params:
        return
    if _is_pretrained(own.setup, name):
        yield from _keep(context, paradigms, name)
    elif paradigms.amortisation is not None:
        found = _first(context, paradigms.amortisation, name)
        if found is not None:
            yield _switch(context, paradigms, *found)


def _is_pretrained(setup: Setup, name: str) -> bool:
    return str(setup.params.get(name)).startswith(PRETRAINED)


def _first(context: Context, found: Amortisation, name: str) -> tuple[FrontPoint, int] | None:
    """The setup that is recommended once enough trainings share its pretraining, and from how many on it saves."""
    rows = sorted((*found.changes, *found.rows), key=lambda row: row.reuses)
    for row in rows:
        if row.point is None or math.isinf(row.reuses) or not _is_pretrained(row.point.setup, name):
            continue
        if _pays(context, row.point):
            return _fewest(context, row.point, int(row.reuses))
    return None


def _pays(context: Context, point: FrontPoint) -> bool:
    """Whether a point saves against the recommendation beyond the noise, and is no worse."""
    difference = compare(point, context.primary.point, context.noise)
    return difference.saves and (difference.same_quality or difference.quality > 0)


def _fewest(context: Context, point: FrontPoint, most: int) -> tuple[FrontPoint, int]:
    """The point where the fewest trainings share its pretraining and it still pays, by bisection."""
    few, many, kept = 0, most, point
    while many - few > 1:
        middle = (few + many) // 2
        tried = _recharged(context, point, middle)
        if tried is not None and _pays(context, tried):
            many, kept = middle, tried
        else:
            few = middle
    return kept, many


def _recharged(context: Context, point: FrontPoint, reuses: int) -> FrontPoint | None:
    """The same setup and epoch, charged with one part in ``reuses`` of its pretraining."""
    alone = msgspec.structs.replace(context.data, trials=list(point.setup.trials))
    (setup,) = setups(recharge(alone, reuses))
    return next((front_point(setup, item) for item in setup.candidates if item.epoch == point.epoch), None)


def _switch(context: Context, paradigms: Paradigms, point: FrontPoint, reuses: int) -> Recommendation:
    own, even = context.primary.point, _break_even(context, paradigms, point.setup)
    action = (
        f"From {wording.count(reuses, 'training')} that share one pretraining on, "
        f"{context.words.compared(point, own)}{_paid(even)}{_reached(context, reuses)}"
    )
    price_j = even.joules.pretraining_j if even and even.joules else None
    return context.compared(Kind.PARADIGM, Against.OTHER_PARADIGM, point, own, action, price_j=price_j)


def _keep(context: Context, paradigms: Paradigms, name: str) -> Iterator[Recommendation]:
    """The recommended paradigm against the baseline of the same setup, where it saves."""
    own = context.primary.point
    for setup in alike(context.groups, own.setup, name):
        if setup.params[name] != BASELINE:
            continue
        reference = top(setup)
        difference = compare(own, reference, context.noise)
        if difference.saves and (difference.same_quality or difference.quality > 0):
            even = _break_even(context, paradigms, own.setup)
            action = f"{context.words.compared(own, reference)}{_paid(even)}"
            price_j = even.joules.pretraining_j if even and even.joules else None
            yield context.compared(Kind.PARADIGM, Against.OTHER_PARADIGM, own, reference, action, price_j=price_j)


def _break_even(context: Context, paradigms: Paradigms, setup: Setup) -> BreakEven | None:
    """Equation 2 of a pretrained setup against its own baseline."""
    name = dimension_of_paradigm(context.data)
    params = {key: item for key, item in setup.params.items() if key != name}
    lines = [line for line in paradigms.break_even if line.paradigm == setup.params[name]]
    return next((item for line in lines for item in line.items if item.params == params), None)


def _reached(context: Context, reuses: int) -> str:
    """Whether the user's trainings of a year are that many."""
    n = report_config(context.data).trainings_per_year
    if n is None:
        return ""
    return f"; {n:g} trainings a year {'reach' if n >= reuses else 'do not reach'} that"


def _paid(even: BreakEven | None) -> str:
    if even is None or even.trainings is None:
        return ""
    within = "" if even.interval is None else f" ({interval(even.interval)})"
    return f"; against its own baseline a pretraining pays after {trainings(even.trainings)} trainings{within}"
