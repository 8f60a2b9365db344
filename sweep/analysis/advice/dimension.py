"""Which dimension to tune first, and in which direction, from the variance decomposition of the energy.

    first       the dimension of the largest share of the variance of ln E (``energy_factors``: main effect)
    direction   from the value of the dearest setup of equal quality that differs from the recommended one in this
                dimension alone, to the recommended value

A dimension is told only if its share is at least ``LEAST_SHARE`` and the saving between the two setups is larger than
the noise; each is taken at its most accurate epoch.

Limits: needs a full grid, as the decomposition does. The direction is that of the line through the recommended setup,
not of the mean over all.
"""

from collections.abc import Iterator

from sweep.analysis import wording
from sweep.analysis.advice.context import Context, alike, top
from sweep.analysis.anova import Effect
from sweep.analysis.energy_factors import Decompositions, EnergyFactors
from sweep.analysis.factor_words import share
from sweep.analysis.noise import compare
from sweep.analysis.paired import dimension_of_paradigm
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Against, Kind, Recommendation

LEAST_SHARE = 0.1


def dimension_advice(context: Context, factors: EnergyFactors | None) -> Iterator[Recommendation]:
    """One piece of advice for each dimension that rules the energy, the one to tune first before the others."""
    group = _group(context, factors)
    energy = group.by_response.get("energy") if group else None
    if group is None or energy is None:
        return
    effects = [energy.main(name) for name in group.factors if name != dimension_of_paradigm(context.data)]
    kept = [effect for effect in effects if (effect.share if effect.low is None else effect.low) >= LEAST_SHARE]
    lead = "Tune {} first"
    for effect in sorted(kept, key=lambda effect: -effect.share):
        reference = _dearest(context, effect.factors[0])
        if reference is not None:
            yield _item(context, effect, reference, lead.format(effect.factors[0]))
            lead = "Then tune {}"


def _group(context: Context, factors: EnergyFactors | None) -> Decompositions | None:
    """The decomposition within the recommended paradigm, else of all trials."""
    if factors is None:
        return None
    paradigm = str(context.primary.point.setup.params.get(dimension_of_paradigm(context.data)))
    own = [group for group in factors.groups if group.paradigm == paradigm]
    return own[0] if own else factors.groups[0]


def _dearest(context: Context, dimension: str) -> FrontPoint | None:
    """The dearest setup of equal quality with another value; ``None`` if none is dearer beyond the noise."""
    own = context.primary.point
    if dimension not in own.setup.params:
        return None
    kept = []
    for setup in alike(context.groups, own.setup, dimension):
        other = top(setup)
        difference = compare(own, other, context.noise)
        if difference.saves and difference.same_quality:
            kept.append(other)
    return max(kept, key=lambda point: point.energy_j, default=None)


def _item(context: Context, effect: Effect, reference: FrontPoint, lead: str) -> Recommendation:
    own, dimension = context.primary.point, effect.factors[0]
    direction = _direction(reference.setup.params[dimension], own.setup.params[dimension])
    action = (
        f"{lead}{direction}: it explains {share(effect)} of the variance of ln energy, and, all else as recommended, "
        f"{context.words.compared(own, reference)}"
    )
    return context.compared(Kind.DIMENSION, Against.OTHER_VALUE, own, reference, action)


def _direction(old: object, new: object) -> str:
    """``, towards larger values``; empty where values have no order."""
    if isinstance(old, bool) or isinstance(new, bool):
        return ""
    if isinstance(old, int | float) and isinstance(new, int | float):
        return f", towards {'larger' if new > old else 'smaller'} values"
    return f", towards {wording.value(new)}"
