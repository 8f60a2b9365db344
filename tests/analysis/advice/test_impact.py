"""What a saving is worth for each training and each year."""

import msgspec
import pytest

from sweep.analysis.advice.impact import impact_sentence
from sweep.analysis.recommendation import ToTrain
from sweep.analysis.summary import summarise
from sweep.records import StudyData
from tests.factories import sixteen


def _primary(**report: object) -> ToTrain:
    data: StudyData = sixteen(3)
    config = data.study.config | {"report": data.study.config["report"] | report}
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    primary = summarise(data).recommendations.primary
    assert primary is not None
    return primary


def test_a_year_is_so_many_trainings() -> None:
    primary = _primary(trainings_per_year=200, footprint={"grid": 0.36, "price_per_kwh": 0.3})
    assert primary.impact is not None
    assert primary.saving is not None
    once, year = primary.impact.per_training, primary.impact.per_year
    assert year is not None
    assert once.energy_j.value == primary.saving.energy_j
    assert year.energy_j.value == pytest.approx(200 * primary.saving.energy_j)
    assert once.co2e_kg is not None
    assert once.co2e_kg.value == pytest.approx(primary.saving.energy_j * 1e-7)
    assert year.money is not None
    assert year.money.value == pytest.approx(200 * primary.saving.energy_j * 0.3 / 3.6e6)
    for amount in (*once, *year):
        assert amount is not None
        assert amount.low < amount.value < amount.high
        assert amount.low / amount.value == pytest.approx(once.energy_j.low / once.energy_j.value)


def test_without_a_rate_there_is_no_year_and_without_a_price_no_money() -> None:
    found = _primary(footprint={"grid": 0.36}).impact
    assert found is not None
    assert (found.per_year, found.per_training.money) == (None, None)
    assert "a year" not in impact_sentence(found)


def test_the_sentence_holds_the_numbers_and_the_source() -> None:
    found = _primary(trainings_per_year=200, footprint={"grid": 0.36, "price_per_kwh": 0.3}).impact
    assert found is not None
    told = impact_sentence(found)
    assert told.startswith("Each training saves 658 J, 65.8 mg (")
    assert "; 200 trainings a year save 132 kJ, 13.2 g (" in told
    assert told.endswith("(CO2e by report.footprint.grid, as given)")
    assert impact_sentence(found, confirmed=False).startswith("Each training would save 658 J, 65.8 mg (")
