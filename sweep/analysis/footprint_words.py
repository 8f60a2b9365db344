"""CO2e and money as a reader says them, and the sentences that belong beside them."""

import math
from collections.abc import Iterator, Sequence

from sweep.analysis import wording
from sweep.analysis.amounts import Amount
from sweep.analysis.footprint import Footprint

MASSES = ((1e3, "t"), (1.0, "kg"), (1e-3, "g"), (1e-6, "mg"))
PARTS = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))
PLATFORM = "psys"


def co2e(amount: Amount | None) -> str:
    """A mass with its interval: ``12.3 g (8.10 to 18.7)``."""
    return wording.UNKNOWN if amount is None else _with_interval(amount, MASSES)


def money(amount: Amount | None, currency: str) -> str:
    """A sum of money with its interval: ``1.23 mEUR (0.81 to 1.87)`` is a little more than a tenth of a cent."""
    if amount is None:
        return wording.UNKNOWN
    return _with_interval(amount, [(factor, f"{prefix}{currency}") for factor, prefix in PARTS])


def footprint_sentences(found: Footprint) -> tuple[str, ...]:
    """Of what, from where, and how sure; the first names the source of the intensity or says what is missing."""
    return tuple(_sentences(found))


def closing(found: Footprint) -> str | None:
    """One line for the end of a run; ``None`` if neither CO2e nor money is known."""
    if not found.rows or found.rows[0].co2e_kg is None:
        return None
    search = found.rows[0]
    told = f"{search.what[:1].upper()}{search.what[1:]} emitted {co2e(search.co2e_kg)} of CO2e"
    if search.money is not None:
        told += f" and cost {money(search.money, found.config.currency)}"
    return f"{told}, by {found.intensity.source}" if found.intensity else told


def _sentences(found: Footprint) -> Iterator[str]:
    known, config = found.intensity, found.config
    if known is None:
        yield f"CO2e is not known: {found.missing}."
    else:
        u = "" if known.u_rel is None else f" ± {wording.share(known.u_rel)} (standard uncertainty: {known.u_source})"
        yield f"CO2e is energy times {known.kg_per_kwh:.3g} kg/kWh{u}: {known.source}."
    if config.price_per_kwh is not None:
        yield f"Money is energy times {config.price_per_kwh:g} {config.currency}/kWh, as given, taken as exact."
    yield _site(config.pue)
    yield _boundary(found)
    yield _interval(found)


def _site(pue: float) -> str:
    if pue == 1.0:
        return "PUE is 1: cooling and everything else of the building is not counted."
    return f"Energy is multiplied with a PUE of {pue:g} for cooling and everything else of the building."


def _boundary(found: Footprint) -> str:
    seen = "the whole platform as its sensor sees it" if PLATFORM in found.kinds else "chips and boards only"
    return (
        f"Energy is {found.label}: {seen}. Losses of the power supply, network and storage, and what the "
        "hardware took to be made, are not in it."
    )


def _interval(found: Footprint) -> str:
    parts = ["the scatter from run to run" if found.repeated else "the meter's own scatter (no setup was repeated)"]
    unknown = []
    if found.scale_u_rel is None:
        unknown.append("the scale of the joules")
    else:
        parts.append(f"the scale of the joules ({wording.share(found.scale_u_rel)})")
    if found.intensity is not None:
        (unknown if found.intensity.u_rel is None else parts).append("the intensity")
    told = f"Intervals of {wording.share(found.confidence)} hold {_listed(parts)}"
    if unknown:
        told += f"; the uncertainty of {_listed(unknown)} is not known and not in them"
    return f"{told}."


def _listed(items: list[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _with_interval(amount: Amount, units: Sequence[tuple[float, str]]) -> str:
    """Value and interval in the unit that suits the value; ``units`` by falling factor."""
    factor, unit = next((item for item in units if abs(amount.value) >= item[0]), units[-1])
    value, low, high = (_three_digits(item / factor) for item in amount)
    return f"{value} {unit} ({low} to {high})"


def _three_digits(item: float) -> str:
    if item == 0.0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(item))))
    return f"{item:.{decimals}f}"
