"""All recommendations of a study: the setups to train, then what else is worth a trial, each with what it is worth.

``recommend`` chooses setups from the records alone. What stands here needs the other analyses: paradigms, the variance
decomposition, layers, and the intensity and price of electricity.
"""

from collections.abc import Sequence
from dataclasses import replace

from sweep.analysis.advice.context import context
from sweep.analysis.advice.dimension import dimension_advice
from sweep.analysis.advice.impact import impact
from sweep.analysis.advice.layers import layer_advice
from sweep.analysis.advice.measuring import measuring_advice
from sweep.analysis.advice.paradigm import paradigm_advice
from sweep.analysis.energy_factors import EnergyFactors
from sweep.analysis.footprint import Footprint, factors_of
from sweep.analysis.layers import SetupLayers
from sweep.analysis.paradigms import Paradigms
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Recommendations
from sweep.analysis.report_config import report_config
from sweep.analysis.setups import Setup
from sweep.records import StudyData


def advise(
    data: StudyData,
    found: Recommendations,
    groups: Sequence[Setup],
    front: tuple[FrontPoint, ...],
    *,
    paradigms: Paradigms,
    factors: EnergyFactors | None,
    layers: SetupLayers | None,
    footprint: Footprint,
) -> Recommendations:
    """The recommendations with all advice behind them, and with what each saving is worth.

    Args:
        data: the study.
        found: the setups to train.
        groups: ``setups(data)``.
        front: ``envelope(groups)``.
        paradigms: what they cost against each other.
        factors: why the energy differs.
        layers: of the recommended setup.
        footprint: with the intensity and the price that CO2e and money are made from.
    """
    known = context(data, found, groups, front)
    if known is None:
        return found
    items = (
        *found.items,
        *paradigm_advice(known, paradigms),
        *dimension_advice(known, factors),
        *layer_advice(known, layers),
        *measuring_advice(known),
    )
    worth, n = factors_of(footprint), report_config(data).trainings_per_year
    return replace(found, items=tuple(replace(item, impact=impact(item, worth, found.noise, n)) for item in items))
