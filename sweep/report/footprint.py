"""CO2e and money of a study for those who show them: a table for the page, a mapping for scripts."""

from dataclasses import asdict
from typing import Any, NamedTuple

from sweep.analysis.amounts import Amount
from sweep.analysis.footprint import Footprint
from sweep.analysis.footprint_words import co2e, footprint_sentences, money
from sweep.report.page import energy_data, in_csv


class FootprintView(NamedTuple):
    """The table, its cells as text (joules with the exact number), and what belongs below it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]


def footprint_view(found: Footprint) -> FootprintView:
    """The table of a study; without columns for what is not known of any row."""
    has_co2e, has_money = found.intensity is not None, found.config.price_per_kwh is not None
    columns = ("", "energy", *(["CO2e"] if has_co2e else []), *(["money"] if has_money else []))
    rows = []
    for row in found.rows:
        cells = [row.what, energy_data(row.energy_j)]
        if has_co2e:
            cells.append(_exact(co2e(row.co2e_kg), row.co2e_kg, "kg"))
        if has_money:
            cells.append(_exact(money(row.money, found.config.currency), row.money, found.config.currency))
        rows.append(tuple(cells))
    return FootprintView(columns, tuple(rows), footprint_sentences(found))


def footprint_dict(found: Footprint) -> dict[str, Any]:
    """As plain mappings.

    config     grid, grid_u_rel, pue, price_per_kwh, currency
    intensity  kg_per_kwh, u_rel, source, u_source; null if it is not known, and then ``missing`` says why
    label      of what each total of joules is a sum
    scale_u_rel, confidence, repeated
    rows       [what, energy_j, u_random_j, co2e_kg and money {value, low, high}]
    sentences  what belongs beside the numbers
    """
    return {
        "config": asdict(found.config),
        "intensity": found.intensity and found.intensity._asdict(),
        "missing": found.missing,
        "label": found.label,
        "scale_u_rel": found.scale_u_rel,
        "confidence": found.confidence,
        "repeated": found.repeated,
        "rows": [row._asdict() | {"co2e_kg": _amount(row.co2e_kg), "money": _amount(row.money)} for row in found.rows],
        "sentences": list(footprint_sentences(found)),
    }


def _exact(told: str, amount: Amount | None, unit: str) -> str:
    if amount is None:
        return told
    return in_csv(told, f"{amount.value!r} {unit} ({amount.low!r} to {amount.high!r})")


def _amount(amount: Amount | None) -> dict[str, float] | None:
    return None if amount is None else amount._asdict()
