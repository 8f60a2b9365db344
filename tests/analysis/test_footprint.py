"""CO2e and money against cases computed by hand."""

import json
import math

import html5lib
import msgspec
import pytest

from sweep.analysis import grid
from sweep.analysis.footprint import Footprint, footprint, interval, study_config
from sweep.analysis.footprint_words import closing, co2e, footprint_sentences, money
from sweep.analysis.ledger import ledger
from sweep.analysis.recommend import recommend
from sweep.config import FootprintConfig
from sweep.errors import ConfigError
from sweep.records import StudyData
from sweep.report import page
from sweep.report.footprint import footprint_dict, footprint_view
from tests.energy_factories import CLOUD, CLOUD_LABEL, sensed
from tests.factories import sixteen, study, trial

GIVEN = FootprintConfig(grid=0.36, grid_u_rel=0.1, pue=1.5, price_per_kwh=0.25)


def found(data: StudyData, config: FootprintConfig | None = GIVEN) -> Footprint:
    recommendations = recommend(data)
    return footprint(data, recommendations, ledger(data, recommendations), config)


def test_by_hand() -> None:
    rows = found(sixteen(3)).rows
    search = rows[0]
    assert search.what == "the search"
    assert search.co2e_kg is not None
    assert search.money is not None
    assert search.co2e_kg.value == pytest.approx(search.energy_j / 3.6e6 * 1.5 * 0.36)
    assert search.money.value == pytest.approx(search.energy_j / 3.6e6 * 1.5 * 0.25)


def test_the_rows_are_the_search_the_trainings_and_what_is_saved() -> None:
    data = sixteen(3)
    rows = {row.what: row for row in found(data).rows}
    training = rows["one training of the recommendation"]
    reference = rows["one training of the most accurate setup"]
    saved = rows["saved in each training against the most accurate setup"]
    assert saved.energy_j == pytest.approx(reference.energy_j - training.energy_j)
    assert saved.u_random_j == pytest.approx(math.hypot(training.u_random_j or 0, reference.u_random_j or 0))
    noise = recommend(data).noise
    assert training.u_random_j == pytest.approx((noise.energy_rel_sd or 0) * training.energy_j / math.sqrt(3))


def test_a_factor_alone_gives_the_log_normal_interval() -> None:
    sigma = math.sqrt(math.log(1 + 0.3**2))
    amount = interval(2.0, 0.0, 0.3, 0.95)
    assert amount.low == pytest.approx(2.0 * math.exp(-1.96 * sigma), rel=0.002)
    assert amount.high == pytest.approx(2.0 * math.exp(1.96 * sigma), rel=0.002)


def test_scatter_alone_gives_the_normal_interval() -> None:
    amount = interval(2.0, 0.5, 0.0, 0.90)
    assert (amount.low, amount.high) == pytest.approx((2.0 - 1.645 * 0.5, 2.0 + 1.645 * 0.5), rel=0.002)


def test_both_together_are_wider_than_each_and_a_saving_may_be_a_loss() -> None:
    both, factor, scatter = interval(1.0, 0.6, 0.3, 0.95), interval(1.0, 0, 0.3, 0.95), interval(1.0, 0.6, 0, 0.95)
    assert both.low < 0.0 < min(factor.low, 1.0)
    assert both.high > max(factor.high, scatter.high)


def test_an_uncertain_scale_stays_positive() -> None:
    assert interval(1.0, 0.0, 0.65, 0.99).low > 0.0


def test_the_factor_of_the_joules_and_that_of_the_grid_combine() -> None:
    search = found(sixteen(3)).rows[0]
    assert search.co2e_kg is not None
    assert search.money is not None
    sigma = math.sqrt(math.log(1 + 0.3**2) + math.log(1 + 0.1**2))
    assert search.co2e_kg.high / search.co2e_kg.value == pytest.approx(math.exp(1.96 * sigma), rel=0.002)
    assert search.money.high / search.money.value < search.co2e_kg.high / search.co2e_kg.value


def test_without_tables_there_is_no_number_but_the_way_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "DISTRIBUTION", "no-such-distribution")
    result = found(sixteen(3), FootprintConfig())
    assert {row.co2e_kg for row in result.rows} == {None}
    assert "pip install 'sweep-energy[grid]'" in footprint_sentences(result)[0]
    assert footprint_view(result).columns == ("", "energy")
    assert closing(result) is None


def test_an_unknown_country_does_not_cost_the_report() -> None:
    result = found(sixteen(1), FootprintConfig(grid="Nowhere at all"))
    assert result.intensity is None
    assert result.rows


def test_no_joules_no_rows() -> None:
    assert found(study([])).rows == ()
    assert found(study([trial(epoch_j=None)])).rows == ()


def test_the_sentences_say_what_is_in_it_and_what_is_not() -> None:
    told = " ".join(footprint_sentences(found(sensed(sixteen(3), CLOUD))))
    assert CLOUD_LABEL in told
    assert "chips and boards only" in told
    assert "report.footprint.grid, as given" in told
    assert "PUE of 1.5" in told
    assert "0.25 EUR/kWh" in told
    assert "the scatter from run to run" in told


def test_what_is_not_known_of_the_uncertainty_is_said() -> None:
    told = footprint_sentences(found(sixteen(1), FootprintConfig(grid="baler_deck")))[-1]
    assert "no setup was repeated" in told
    assert "the uncertainty of the intensity is not known and not in them" in told


def test_a_study_of_before_there_was_a_footprint_has_the_default() -> None:
    assert study_config(sixteen(1)) == FootprintConfig()


def test_the_config_of_the_study_counts() -> None:
    data = sixteen(1)
    config = data.study.config | {"report": {"footprint": {"grid": 0.5, "pue": 2.0}}}
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    result = found(data, None)
    assert (result.config.grid, result.config.pue) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("options", "key"),
    [({"pue": 0.9}, "pue"), ({"grid": -0.1}, "grid"), ({"grid_u_rel": -1.0}, "grid_u_rel"), ({"pue": math.inf}, "pue")],
)
def test_what_cannot_be_is_refused(options: dict[str, float], key: str) -> None:
    with pytest.raises(ConfigError, match=f"report.footprint.{key}="):
        FootprintConfig(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kg", "text"),
    [(0.012, "12.0 g (8.00 to 18.0)"), (2000.0, "2.00 t (1.33 to 3.00)"), (4e-9, "0.00400 mg (0.00267 to 0.00600)")],
)
def test_masses_as_text(kg: float, text: str) -> None:
    amount = interval(kg, 0.0, 0.0, 0.95)._replace(low=kg / 1.5, high=kg * 1.5)
    assert co2e(amount) == text


def test_small_sums_of_money_as_text() -> None:
    amount = interval(1.5e-5, 0.0, 0.0, 0.95)._replace(low=1e-5, high=2.25e-5)
    assert money(amount, "EUR") == "15.0 µEUR (10.0 to 22.5)"
    assert money(amount._replace(value=3.0, low=2.0, high=4.5), "EUR") == "3.00 EUR (2.00 to 4.50)"


def test_unknown_is_a_word() -> None:
    assert co2e(None) == money(None, "EUR") == "unknown"


def test_the_json_is_whole() -> None:
    told = json.loads(json.dumps(footprint_dict(found(sixteen(3))), allow_nan=False))
    assert told["intensity"]["kg_per_kwh"] == 0.36
    assert told["rows"][0]["co2e_kg"].keys() == {"value", "low", "high"}
    assert told["config"]["currency"] == "EUR"


@pytest.mark.parametrize("data", [sixteen(3), study([])], ids=["whole", "no trial"])
def test_the_section_is_valid_html_and_escapes_names(data: StudyData) -> None:
    view = footprint_view(found(data, FootprintConfig(grid=0.4, price_per_kwh=1.0, currency="<b>x</b>")))
    text = page.environment().get_template("footprint.html.j2").render(footprint=view)
    html5lib.HTMLParser(strict=True).parse(
        f"<!DOCTYPE html><html><head><title>x</title></head><body>{text}</body></html>"
    )
    assert "<b>x</b>" not in text
    assert ("No joules are known yet." in text) == (not view.rows)
