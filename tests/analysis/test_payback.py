"""After how many trainings the search has paid off against the setup that is trained today."""

import math
from typing import Any

import msgspec
import pytest

from sweep.analysis.payback import Named, Payback
from sweep.analysis.recommendation import Kind
from sweep.analysis.summary import summarise
from sweep.records import StudyData
from tests.factories import repeats, sixteen, study


def _named(data: StudyData, current: dict[str, Any] | None) -> StudyData:
    config = data.study.config | {"study": data.study.config["study"] | {"current": current}}
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))


def _against_current(data: StudyData, current: dict[str, Any] | None) -> Payback | None:
    found = summarise(_named(data, current)).ledger.payback
    return next((item for item in found if item.reference is Named.CURRENT), None)


@pytest.mark.parametrize("current", [None, {}])
def test_without_a_name_nothing_is_said(current: dict[str, Any] | None) -> None:
    assert _against_current(sixteen(2), current) is None


def test_the_search_is_divided_by_what_a_training_saves() -> None:
    summary = summarise(_named(sixteen(2), {"batch_size": 64, "lr": 0.001}))
    found, primary = summary.ledger.payback[0], summary.recommendations.primary
    assert primary is not None
    (today,) = [s for s in summary.setups if (s.params["batch_size"], s.params["lr"]) == (64, 0.001)]
    assert today.final is not None
    assert summary.ledger.total_j is not None
    assert found.saving_j == pytest.approx(today.final.energy_j - primary.point.energy_j)
    assert found.saving_j is not None
    assert found.trainings == math.ceil(summary.ledger.total_j / found.saving_j)
    assert found.note.startswith("Your current setup is batch_size 64, lr 0.001. Against it the recommendation gives +")


def test_of_several_that_match_the_cheapest_stands_for_all_and_it_says_so() -> None:
    found = _against_current(sixteen(2), {"batch_size": 64})
    assert found is not None
    assert "fits 4 setups; the cheapest of them, batch_size 64, lr 0.1, stands for it" in found.note
    dear = _against_current(sixteen(2), {"batch_size": 64, "lr": 0.0001})
    assert dear is not None
    assert dear.trainings is not None
    assert found.trainings is not None
    assert found.trainings > dear.trainings


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        ({"batch_size": 7}, "batch_size 7 is not among the setups of this search"),
        ({"depth": 7, "lr": 0.1}, "depth is no dimension of this search"),
    ],
)
def test_what_matches_nothing_is_named(current: dict[str, Any], reason: str) -> None:
    found = _against_current(sixteen(2), current)
    assert found is not None
    assert (found.trainings, found.saving_j, found.reason) == (None, None, reason)


def test_a_cheaper_setup_is_never_paid_back() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.9), (0.5, 0.9)], epoch_j=100.0)
    records += repeats({"lr": 0.01}, [(0.5, 0.6), (0.5, 0.6)], epoch_j=1.0, first=2)
    found = _against_current(study(records), {"lr": 0.01})
    assert found is not None
    assert found.trainings is None
    assert found.reason == "the recommendation costs 198 J more for each training"


def test_a_saving_inside_the_noise_is_none() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.9), (0.5, 0.9)], epoch_j=(100.0, 140.0))
    records += repeats({"lr": 0.01}, [(0.5, 0.6), (0.5, 0.6)], epoch_j=(101.0, 141.0), first=2)
    found = _against_current(study(records), {"lr": 0.01})
    assert found is not None
    assert found.trainings is None
    assert found.reason == "the 2.00 J saved by a training are inside the noise"


def test_with_a_current_setup_the_most_accurate_one_stays_a_reference() -> None:
    found = summarise(_named(sixteen(3), {"batch_size": 64, "lr": 0.01})).ledger.payback
    assert [item.reference for item in found] == [Named.CURRENT, Kind.MOST_ACCURATE]
    assert found[0].trainings == found[1].trainings  # it is the most accurate one


def test_where_no_change_is_worth_it_nothing_is_paid_back() -> None:
    one = repeats({"lr": 0.1}, [(0.9,), (0.91,)], epoch_j=10.0)
    data = study(one + repeats({"lr": 0.01}, [(0.9,), (0.91,)], first=2, epoch_j=10.0))
    summary = summarise(_named(data, {"lr": 0.01}))
    assert summary.recommendations.primary is not None
    assert summary.recommendations.primary.kind is Kind.NO_CHANGE
    assert [item.trainings for item in summary.ledger.payback] == [None]


def test_who_trains_the_recommendation_already_saves_nothing() -> None:
    found = _against_current(study(repeats({"lr": 0.1}, [(0.5, 0.9), (0.5, 0.9)])), {"lr": 0.1})
    assert found is not None
    assert found.reason == "the recommendation is that setup itself"
