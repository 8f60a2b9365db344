"""What to measure before a claim is made, on studies where that is known."""

import math
from collections.abc import Sequence

import msgspec
import pytest

from sweep.analysis.recommendation import Kind, Recommendation
from sweep.analysis.summary import summarise
from sweep.records import Dimension, Domain, Provenance, StudyData
from tests.energy_factories import CLOUD, SERVER, sensed
from tests.factories import repeats, sixteen, study, trial

MEASURED = SERVER[:1]


def _advice(data: StudyData, domains: Sequence[Domain] = MEASURED) -> list[Recommendation]:
    found = summarise(sensed(data, domains)).recommendations
    return list(found.of(Kind.MEASURE_BETTER))


def test_one_repeat_names_the_repeats_that_would_settle_it_and_their_price() -> None:
    data = study([trial(0, {"lr": 0.1}, qualities=(0.9,), epoch_j=50.0), trial(1, {"lr": 0.01}, qualities=(0.7,))])
    (found,) = _advice(data)
    assert found.action == (
        "Repeat 2 more times before relying on it: lr 0.1; lr 0.01; study.repeats=3 for all 2 setups costs about 120 J"
    )
    assert found.price_j == pytest.approx(2 * 50.0 + 2 * 10.0)
    assert (found.change, found.point, found.confirmed) == ({"study.repeats": 3}, None, False)
    assert found.evidence == (0, 1)


def test_repeats_of_a_grid_that_was_cut_short_need_more_trials_than_it_was_given() -> None:
    data = study([trial(0, {"lr": 0.1}, qualities=(0.9,), epoch_j=50.0), trial(1, {"lr": 0.01}, qualities=(0.7,))])
    dimensions = [Dimension(name="lr", key="trainer.lr", values=[0.1, 0.01, 0.001])]
    config = data.study.config | {"search": {"sampler": "grid", "n_trials": 2}}
    data = msgspec.structs.replace(
        data, study=msgspec.structs.replace(data.study, config=config, dimensions=dimensions)
    )
    (found,) = _advice(data)
    assert found.change == {"study.repeats": 3, "search.n_trials": 9}
    assert found.price_j == pytest.approx(2 * 50.0 + 2 * 10.0 + 3 * 30.0)  # the untried one at the mean of the others
    assert "study.repeats=3 search.n_trials=9 for all 3 setups" in found.action


def test_with_many_setups_only_the_rivals_are_repeated_in_a_study_that_takes_over_the_rest() -> None:
    data = sixteen(1)
    (found,) = _advice(data)
    batch_sizes, rates = found.change["search.space.batch_size"], found.change["search.space.lr"]
    inside = [t for t in data.trials if t.params["batch_size"] in batch_sizes and t.params["lr"] in rates]
    assert found.price_j == pytest.approx(2 * math.fsum(t.energy_j or 0.0 for t in inside))
    assert found.change["study.import_from"] == "reports/sixteen setups"
    assert found.change["study.repeats"] == 3
    assert len(inside) < 16


def test_with_repeats_and_clear_answers_nothing_more_is_asked_for() -> None:
    costly = repeats({"lr": 0.1}, [(0.9,), (0.9001,), (0.9002,)], epoch_j=(99.0, 100.0, 101.0))
    cheap = repeats({"lr": 0.01}, [(0.9,), (0.9001,), (0.9002,)], first=3, epoch_j=(29.9, 30.0, 30.1))
    assert _advice(study(costly + cheap)) == []


def test_a_saving_that_hides_in_its_interval_asks_for_the_repeats_that_would_show_it() -> None:
    # By hand: c = 5 %, t(4) = 2.776, half-width 0.97 * 2.776 * 0.05 * sqrt(2/3) = 0.110 of a saving of 0.03:
    # 3 (0.110 / 0.03)^2 = 40.4 repeats are too many; of 0.08 they are 6
    def data(saving: float) -> StudyData:
        one = repeats({"lr": 0.1}, [(0.9,), (0.901,), (0.902,)], epoch_j=(95.0, 100.0, 105.0))
        costs = [(1 - saving) * item for item in (95.0, 100.0, 105.0)]
        return study(one + repeats({"lr": 0.01}, [(0.8999,), (0.9009,), (0.9019,)], first=3, epoch_j=costs))

    assert _advice(data(0.03)) == []
    (found,) = _advice(data(0.08))
    assert "it is not known whether it saves (8.0 % ± 10.4 of the joules)" in found.action
    half_width = 0.92 * 2.7764 * 0.05 * (2 / 3) ** 0.5
    n = math.ceil(3 * (half_width / 0.08) ** 2)
    assert found.change == {"study.repeats": n}
    assert found.price_j == pytest.approx((n - 3) * (100.0 + 92.0))


def test_a_cheap_setup_that_may_be_as_good_asks_for_repeats() -> None:
    costly = repeats({"lr": 0.1}, [(0.90,), (0.92,), (0.94,)], epoch_j=100.0)
    cheap = repeats({"lr": 0.01}, [(0.87,), (0.89,), (0.91,)], first=3, epoch_j=30.0)
    (found,) = _advice(study(costly + cheap))
    assert "it is not known whether it is worse (-3.0 ±" in found.action
    assert found.change["study.repeats"] > 3


def test_modelled_joules_name_the_meter_and_the_price_of_measuring() -> None:
    data = sixteen(3)
    found = _advice(data, CLOUD)[-1]
    assert "Measure the joules of cpu:process, memory:process, which are modelled: meter=auto" in found.action
    assert found.change == {"search.space.batch_size": [1024, 64], "search.space.lr": [0.01], "meter": "auto"}
    joules = {t.number: t.energy_j or 0.0 for t in data.trials}
    assert found.price_j == pytest.approx(math.fsum(joules[number] for number in found.evidence))
    assert "doing the trials behind the recommendation anew costs about" in found.action
    alone = [msgspec.structs.replace(CLOUD[1], provenance=Provenance.MODELLED)]
    assert _advice(data, alone)[-1].change["meter"] == "rapl"
    assert not _advice(data)


def test_where_no_smaller_grid_holds_the_recommendation_all_trials_are_measured_at_their_price() -> None:
    data = study([trial(0, {"lr": 0.1}, qualities=(0.9,), epoch_j=50.0), trial(1, {"lr": 0.01}, qualities=(0.895,))])
    found = _advice(data, [msgspec.structs.replace(CLOUD[1], provenance=Provenance.MODELLED)])[-1]
    assert found.change == {"meter": "rapl"}
    assert found.price_j == pytest.approx(60.0)
    assert "doing all trials anew costs about 60.0 J" in found.action


def test_disturbed_trials_are_to_be_done_again() -> None:
    records = repeats({"lr": 0.1}, [(0.8,), (0.81,)], contaminated=True)
    (found,) = _advice(study(records))
    assert found.change == {"study.redo": "contaminated"}
    assert found.price_j == pytest.approx(20.0)
    assert found.evidence == (0, 1)


@pytest.mark.parametrize("data", [study([]), study([trial(epoch_j=None)])])
def test_without_a_recommendation_there_is_no_advice(data: StudyData) -> None:
    assert summarise(data).recommendations.items == ()
