"""Carbon intensity of electricity: kilograms of CO2 equivalent a kilowatt-hour, with its source and its uncertainty.

    world, a country    the tables that CodeCarbon maintains (the extra ``grid``), by country for one year each
    baler_deck          0.954 lb/kWh, of the deck "Estimation of energy cost and efficiency of HEP data compression ML
                        algorithm (Baler)", which has it from Strubell, Ganesh and McCallum 2019 (arXiv 1906.02243)
    a number            as given

CodeCarbon's files are read, the package is never imported: it would load a tracker. The world's intensity is the mean
of its countries, each weighted with what it generates.

Uncertainty. The tables allow two answers for each country: the intensity as published, and what its generation by
source gives with the intensities by source. The standard uncertainty is the larger of

    |ln(by source / published)| of the country,  and its root mean square over the world, weighted with the generation

(0.21 in CodeCarbon 3.3.2). A number and the deck's constant come without one: it is not known, and ``grid_u_rel`` sets
it.

Limits: yearly means of a whole country, life-cycle emissions included as the tables have them. An hour, a region, the
marginal plant or a contract may differ by several times; whoever knows better gives a number.
"""

import difflib
import importlib.metadata
import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sweep.config import FootprintConfig
from sweep.errors import ConfigError

DISTRIBUTION = "codecarbon"
FOLDER = "codecarbon/data/private_infra"
COUNTRIES = "global_energy_mix.json"
SOURCES = "carbon_intensity_per_source.json"
MEND = "pip install 'sweep-energy[grid]', or give kgCO2e a kWh as a number: report.footprint.grid=0.4"

WORLD = "world"
BALER_DECK = "baler_deck"
DECK_LB_PER_KWH = 0.954
KG_PER_LB = 0.45359237
DECK_SOURCE = (
    f"the Baler deck's {DECK_LB_PER_KWH} lb/kWh, which it has from Strubell et al. 2019 (arXiv 1906.02243): a mean of "
    "the USA"
)

_GENERATION = {
    "biofuel_TWh": "biofuel",
    "coal_TWh": "coal",
    "gas_TWh": "natural_gas",
    "hydroelectricity_TWh": "hydroelectricity",
    "nuclear_TWh": "nuclear",
    "oil_TWh": "petroleum",
    "solar_TWh": "solar",
    "wind_TWh": "wind",
}
"""The tables' names of what is generated, and of the intensity that belongs to it."""


class Intensity(NamedTuple):
    """Emissions of one kilowatt-hour.

    Attributes:
        u_rel: relative standard uncertainty; ``None`` if it is not known.
        source: where the number comes from, with version and year.
        u_source: where its uncertainty comes from.
    """

    kg_per_kwh: float
    u_rel: float | None
    source: str
    u_source: str


class Country(NamedTuple):
    """One country of the tables.

    Attributes:
        generated_twh: in ``year``.
        by_source_kg_per_kwh: from the generation by source; ``None`` if that does not cover it.
    """

    code: str
    name: str
    year: int
    generated_twh: float
    kg_per_kwh: float
    by_source_kg_per_kwh: float | None

    @property
    def disagreement(self) -> float | None:
        """|ln| of the ratio of both intensities."""
        other = self.by_source_kg_per_kwh
        return None if not other else abs(math.log(other / self.kg_per_kwh))


class Tables(NamedTuple):
    """CodeCarbon's tables: where they are, and what to call them."""

    folder: Path
    version: str


def intensity(config: FootprintConfig) -> Intensity | None:
    """The intensity that a config names.

    Returns:
        ``None`` if it stands in tables that are not installed; ``MEND`` says what to do.

    Raises:
        ConfigError: if the tables know no such country.
    """
    found = _find(config.grid)
    if found is None or config.grid_u_rel is None:
        return found
    return found._replace(u_rel=config.grid_u_rel, u_source="report.footprint.grid_u_rel")


def installed_tables() -> Tables | None:
    """CodeCarbon's tables; ``None`` if the package is not installed, or came without them."""
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    folder = Path(str(distribution.locate_file(FOLDER)))
    if not all((folder / name).is_file() for name in (COUNTRIES, SOURCES)):
        return None
    return Tables(folder, f"CodeCarbon {distribution.version}")


@cache
def countries(folder: Path) -> tuple[Country, ...]:
    """The countries of a folder of tables; those without generation or with no positive intensity are left out."""
    by_source = json.loads((folder / SOURCES).read_text(encoding="utf-8"))
    rows = json.loads((folder / COUNTRIES).read_text(encoding="utf-8"))
    found = (_country(code, row, by_source) for code, row in rows.items())
    return tuple(country for country in found if country is not None)


def _find(grid: str | float) -> Intensity | None:
    number = _number(grid)
    if number is not None:
        return Intensity(number, None, "report.footprint.grid, as given", "none was given")
    if grid == BALER_DECK:
        return Intensity(DECK_LB_PER_KWH * KG_PER_LB, None, DECK_SOURCE, "the deck gives none")
    tables = installed_tables()
    if tables is None:
        return None
    known = countries(tables.folder)
    file = f"{tables.version}, {COUNTRIES}"
    return _world(known, file) if grid == WORLD else _of_country(_named(str(grid), known), known, file)


def _number(grid: str | float) -> float | None:
    try:
        number = float(grid)
    except ValueError:
        return None
    return number if 0.0 <= number < math.inf else None


def _named(name: str, known: Iterable[Country]) -> Country:
    names = {key.casefold(): country for country in known for key in (country.code, country.name)}
    if name.casefold() in names:
        return names[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.7)
    hint = f"did you mean {names[near[0]].code} ({names[near[0]].name})? " if near else ""
    raise ConfigError(
        f"report.footprint.grid={name} is no country of the tables",
        f"{hint}give {WORLD}, {BALER_DECK}, a three-letter ISO code such as DEU, or kgCO2e a kWh",
    )


def _of_country(country: Country, known: Iterable[Country], file: str) -> Intensity:
    spread = _spread(known)
    u_rel = max((u for u in (spread, country.disagreement) if u is not None), default=None)
    source = f"{file}: {country.name}, {country.year}"
    return Intensity(country.kg_per_kwh, u_rel, source, f"how far {SOURCES} disagrees")


def _world(known: tuple[Country, ...], file: str) -> Intensity:
    years = [country.year for country in known]
    generated = math.fsum(country.generated_twh for country in known)
    mean = math.fsum(country.generated_twh * country.kg_per_kwh for country in known) / generated
    latest = math.fsum(c.generated_twh for c in known if c.year >= max(years) - 1) / generated
    source = (
        f"{file}: mean of {len(known)} countries by generation "
        f"(years {max(years) - 1} and {max(years)} for {100 * latest:.0f} % of it)"
    )
    return Intensity(mean, _spread(known), source, f"how far {SOURCES} disagrees")


def _spread(known: Iterable[Country]) -> float | None:
    """Root mean square of the disagreement over the countries, weighted with their generation."""
    pairs = [(c.generated_twh, c.disagreement) for c in known if c.disagreement is not None]
    total = math.fsum(weight for weight, _ in pairs)
    return math.sqrt(math.fsum(weight * item**2 for weight, item in pairs) / total) if total else None


def _country(code: str, row: dict[str, Any], by_source: dict[str, Any]) -> Country | None:
    published, generated = row.get("carbon_intensity"), row.get("total_TWh")
    if not published or not generated:
        return None
    parts = [(row.get(name) or 0.0, by_source[source]) for name, source in _GENERATION.items() if source in by_source]
    covered = math.fsum(part for part, _ in parts)
    other = math.fsum(part * grams for part, grams in parts) / covered / 1e3 if covered > 0.9 * generated else None
    return Country(code, row["country_name"], row["year"], generated, published / 1e3, other)
