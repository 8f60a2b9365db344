"""Intensities of the grid against tables of known content, and against the tables that are installed."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.analysis import grid
from sweep.analysis.grid import Tables, countries, installed_tables, intensity
from sweep.config import FootprintConfig
from sweep.errors import ConfigError

BY_SOURCE = {"coal": 1000, "wind": 10, "unit": "gCO2.eq/kWh", "coal_source": "https://example.org"}


def row(name: str, grams: float | None, coal: float, wind: float, *, total: float | None = None) -> dict[str, object]:
    generated = coal + wind if total is None else total
    return {
        "country_name": name,
        "year": 2022,
        "carbon_intensity": grams,
        "coal_TWh": coal,
        "wind_TWh": wind,
        "total_TWh": generated,
    }


ROWS = {
    "AAA": row("Aland", 550.0, 50, 50),  # by source 505 g
    "BBB": row("Bland", 20.0, 0, 100),  # by source 10 g: twice less
    "CCC": row("Cland", 0.0, 1, 1),
    "DDD": row("Dland", None, 1, 1),
    "EEE": row("Eland", 300.0, 1, 1, total=200),  # generation by source covers 1 % of it
}


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / grid.COUNTRIES).write_text(json.dumps(ROWS))
    (tmp_path / grid.SOURCES).write_text(json.dumps(BY_SOURCE))
    monkeypatch.setattr(grid, "installed_tables", lambda: Tables(tmp_path, "Tables 1.0"))
    return tmp_path


SPREAD = math.sqrt((math.log(505 / 550) ** 2 + math.log(2) ** 2) / 2)
"""Of the two countries that both ways cover, which generate as much."""


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("name", ["AAA", "aaa", "Aland", "ALAND"])
def test_a_country_by_its_code_or_its_name(name: str) -> None:
    found = intensity(FootprintConfig(grid=name))
    assert found is not None
    assert found.kg_per_kwh == pytest.approx(0.550)
    assert found.u_rel == pytest.approx(SPREAD)
    assert found.source == "Tables 1.0, global_energy_mix.json: Aland, 2022"


@pytest.mark.usefixtures("tables")
def test_a_country_that_disagrees_more_than_the_world_is_less_certain() -> None:
    found = intensity(FootprintConfig(grid="BBB"))
    assert found is not None
    assert found.u_rel == pytest.approx(math.log(2))


@pytest.mark.usefixtures("tables")
def test_the_world_is_weighted_with_what_each_country_generates() -> None:
    found = intensity(FootprintConfig(grid="world"))
    assert found is not None
    assert found.kg_per_kwh == pytest.approx((100 * 0.55 + 100 * 0.02 + 200 * 0.3) / 400)
    assert "mean of 3 countries" in found.source


def test_rows_that_say_nothing_are_left_out(tables: Path) -> None:
    found = {country.code: country for country in countries(tables)}
    assert set(found) == {"AAA", "BBB", "EEE"}
    assert found["AAA"].by_source_kg_per_kwh == pytest.approx(0.505)
    assert found["EEE"].by_source_kg_per_kwh is None
    assert found["EEE"].disagreement is None


@pytest.mark.usefixtures("tables")
def test_an_unknown_country_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="grid=Alnd is no country of the tables: did you mean AAA") as err:
        intensity(FootprintConfig(grid="Alnd"))
    assert "baler_deck" in err.value.mend


def test_the_deck_in_kilograms() -> None:
    found = intensity(FootprintConfig(grid="baler_deck"))
    assert found is not None
    assert found.kg_per_kwh == pytest.approx(0.43273, abs=1e-5)
    assert found.u_rel is None
    assert "0.954 lb/kWh" in found.source


@pytest.mark.parametrize("number", [0.3, "0.3"])
def test_a_number_is_taken_as_given(number: str | float) -> None:
    found = intensity(FootprintConfig(grid=number, grid_u_rel=0.1))
    assert found is not None
    assert (found.kg_per_kwh, found.u_rel) == (0.3, 0.1)
    assert found.u_source == "report.footprint.grid_u_rel"


@pytest.mark.parametrize("number", ["-1", "nan", "inf"])
@pytest.mark.usefixtures("tables")
def test_what_is_no_intensity_is_refused(number: str) -> None:
    with pytest.raises(ConfigError):
        intensity(FootprintConfig(grid=number))


@pytest.mark.parametrize("name", ["world", "DEU"])
def test_without_the_package_nothing_is_known(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "DISTRIBUTION", "no-such-distribution")
    assert intensity(FootprintConfig(grid=name)) is None
    assert intensity(FootprintConfig(grid="baler_deck")) is not None


def test_a_package_without_the_files_has_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "FOLDER", "no/such/folder")
    assert installed_tables() is None


INSTALLED = pytest.mark.skipif(installed_tables() is None, reason="the extra grid is not installed")


@INSTALLED
def test_the_installed_tables_are_read_in_their_units() -> None:
    world, france, poland = (intensity(FootprintConfig(grid=name)) for name in ("world", "FRA", "Poland"))
    assert world is not None
    assert france is not None
    assert poland is not None
    assert 0.3 < world.kg_per_kwh < 0.6
    assert france.kg_per_kwh < 0.15 < 0.4 < poland.kg_per_kwh
    assert world.u_rel is not None
    assert 0.05 < world.u_rel < 0.5
    assert world.source.startswith("CodeCarbon 3.")


@INSTALLED
def test_the_tables_are_read_without_their_package() -> None:
    code = (
        "import sys; from sweep.analysis.grid import intensity; from sweep.config import FootprintConfig;"
        "assert intensity(FootprintConfig()); print([m for m in ('codecarbon', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
