"""The third unit of the page's switch: grams of CO2e, by the footprint's central intensity.

    1 J = PUE c / 3.6e6 kg        c  kgCO2e a kilowatt-hour

Limits: the switch shows the central value alone; the interval stands in the section "CO2e and money".
"""

from typing import NamedTuple

from sweep.analysis.footprint import J_PER_KWH, Footprint

GRAMS = 1e3


class Co2eUnit(NamedTuple):
    """How joules become grams of CO2e.

    Attributes:
        g_per_j: ``None`` where the intensity is not known.
        told: its source, or why it is not known; one sentence without its full stop.
    """

    g_per_j: float | None
    told: str


def co2e_unit(found: Footprint) -> Co2eUnit:
    """The unit by a study's grid and PUE."""
    if found.intensity is None:
        return Co2eUnit(None, found.missing or "no intensity of the grid is known")
    pue = found.config.pue
    return Co2eUnit(
        GRAMS * found.intensity.kg_per_kwh * pue / J_PER_KWH,
        f"g CO2e: {found.intensity.kg_per_kwh:.4g} kg a kWh ({found.intensity.source}) times a PUE of {pue:g}",
    )
