"""The chart of the front: what is kept, what is thinned, and what a click finds."""

import json

import pytest

from sweep.analysis.summary import Summary, summarise
from sweep.records import TestResult, TrialRecord
from sweep.report.charts import front
from tests.factories import repeats, sixteen, study, trial

N_MANY = 400


def _many(n_epochs: int = 12) -> Summary:
    """Setups of unlike cost and quality; those of even index stand on the front at their ends."""
    records: list[TrialRecord] = []
    for index in range(N_MANY):
        top = 0.5 + 0.4 * index / N_MANY - (0.3 if index % 2 else 0.0)
        curve = [round(top * k / n_epochs, 6) for k in range(1, n_epochs + 1)]
        records.append(trial(index, {"lr": index}, qualities=curve, epoch_j=5.0 + index))
    return summarise(study(records))


@pytest.fixture(scope="module")
def many() -> Summary:
    return _many()


def test_of_many_setups_the_front_is_exact_and_the_rest_thinned(many: Summary) -> None:
    numbers = front.info(many)
    assert numbers is not None
    assert numbers.front.energy_j == [point.energy_j for point in many.front]
    assert numbers.front.quality == [point.quality for point in many.front]
    assert len(numbers.trajectories) <= front.MAX_LINES
    assert 0 < len(numbers.ends.labels) <= front.MAX_ENDS
    on_front = {point.setup.numbers[0] for point in many.front}
    assert {line.places[0][0] for line in numbers.trajectories} <= on_front
    assert not {place for place, _ in numbers.ends.places} & {line.places[0][0] for line in numbers.trajectories}


def test_the_legend_says_what_is_left_out(many: Summary) -> None:
    numbers = front.info(many)
    assert numbers is not None
    names = [trace.name for trace in front.plot(numbers).data if trace.showlegend is not False]
    assert names[0] == f"trajectories ({len(numbers.trajectories)} of {N_MANY} setups)"
    assert names[1] == f"ends of {len(numbers.ends.labels)} others"


def test_of_few_setups_nothing_is_left_out() -> None:
    numbers = front.info(summarise(sixteen(2)))
    assert numbers is not None
    assert len(numbers.trajectories) == 16
    assert numbers.ends.labels == []
    assert front.plot(numbers).data[0].name == "trajectories"


def test_every_point_names_its_setup_and_epoch() -> None:
    summary = summarise(sixteen(2))
    numbers = front.info(summary)
    assert numbers is not None
    figure = json.loads(front.plot(numbers).to_json())
    for trace in figure["data"]:
        assert len(trace["customdata"]) == len(trace["x"])
        for (place, epoch), energy_j in zip(trace["customdata"], trace["x"], strict=True):
            (point,) = [point for point in summary.setups[place].points if point.epoch == epoch]
            assert point.energy_j == pytest.approx(energy_j, rel=1e-5)


def test_hover_tells_setup_epoch_trials_and_both_spreads() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.8), (0.7, 0.8)], epoch_j=(9.0, 11.0))
    records += repeats({"lr": 0.2}, [(0.1, 0.2), (0.1, 0.2)], first=2)
    numbers = front.info(summarise(study(records)))
    assert numbers is not None
    assert numbers.front.labels[0] == "lr 0.1 (trials 0, 1)<br>epoch 1: 60.0 % ± 14.1 for 10.0 J ± 1.41 J"
    assert numbers.trajectories[0].name == "lr 0.1 (trials 0, 1)"
    assert numbers.trajectories[0].labels[0] == "epoch 1: 60.0 % ± 14.1 for 10.0 J ± 1.41 J"


def test_with_one_repeat_no_spread_is_told() -> None:
    numbers = front.info(summarise(study([trial(0)])))
    assert numbers is not None
    assert "±" not in "".join(numbers.front.labels)


def test_what_was_tested_stands_hollow_at_its_test_quality() -> None:
    records = repeats({"lr": 0.1}, [(0.5, 0.8), (0.5, 0.8)])
    summary = summarise(
        study(records, tests=[TestResult(number=n, epoch=2, weights_epoch=2, quality=0.7) for n in (0, 1)])
    )
    numbers = front.info(summary)
    assert numbers is not None
    assert numbers.tested.quality == pytest.approx([0.7])
    assert numbers.tested.energy_j == numbers.recommended.energy_j
    assert numbers.tested.places == numbers.recommended.places
    drawn = front.plot(numbers).data[-1]
    assert drawn.marker.symbol == "diamond-open"
    assert "70.0 %" in front.alt(numbers)


def test_the_text_tells_the_ends_of_the_front_and_the_choice() -> None:
    records = [trial(0, {"lr": 0.1}, qualities=(0.5, 0.8)), trial(1, {"lr": 0.2}, qualities=(0.3, 0.6))]
    numbers = front.info(summarise(study(records)))
    assert numbers is not None
    alt = front.alt(numbers)
    assert alt.startswith(
        "Front of 2 points over 2 setups. It reaches from lr 0.1 (trial 0), epoch 1: 50.0 % for 10.0 J"
    )
    assert "Recommended: lr 0.1 (trial 0), epoch 2: 80.0 % for 20.0 J." in alt
