"""A report built again with other options: what it may change, and what not."""

import pytest

from sweep.analysis.report_config import report_config
from sweep.analysis.summary import summarise
from sweep.errors import ConfigError
from sweep.report.options import with_options
from tests.factories import sixteen


def test_the_grid_and_the_price_change_the_footprint_and_nothing_measured() -> None:
    data = sixteen(1)
    other = with_options(data, {"report.footprint.grid": 0.1, "report.footprint.price_per_kwh": 0.3})
    before, after = summarise(data).footprint.rows[0], summarise(other).footprint.rows[0]
    assert before.money is None
    assert after.money is not None
    assert after.energy_j == before.energy_j
    assert other.trials == data.trials
    assert "footprint" not in data.study.config.get("report", {})


def test_the_setup_trained_today_can_be_named_later() -> None:
    data = with_options(sixteen(3), {"study.current": {"batch_size": 64, "lr": 0.001}})
    assert summarise(data).ledger.payback[0].reference == "current_setup"


def test_an_option_may_be_given_for_a_study_that_knew_none() -> None:
    assert report_config(with_options(sixteen(1), {"report.confidence": 0.8})).confidence == 0.8


@pytest.mark.parametrize(
    ("key", "item", "message"),
    [
        ("trainer.lr", 0.1, r"trainer\.lr is not an option of a report"),
        ("report.footprnt.grid", "DEU", r"did you mean report\.footprint"),
        ("report.confidence", 2.0, r"not in \[0\.5, 1\)"),
        ("study.current", 3, r"study\.current=3 is no setup"),
    ],
)
def test_what_does_not_fit_is_refused(key: str, item: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        with_options(sixteen(1), {key: item})
