"""Joules of a prediction, and after how many a dearer training pays."""

import math

import pytest

from sweep.analysis.inference import Verdict, inferences, inferences_frame, payback, paybacks, training_j
from sweep.analysis.pareto import envelope
from sweep.analysis.setups import setups
from sweep.analysis.work import Amount
from tests.factories import trial
from tests.work_factories import measured, served_trial


def exact(value: float) -> Amount:
    return Amount(value, 0.0, 0.0)


def noisy(value: float, u_random: float) -> Amount:
    return Amount(value, 0.0, u_random)


def test_predictions_by_hand() -> None:
    assert payback(exact(100.0), exact(400.0), exact(0.5), exact(0.2)) == (Verdict.PAYS, pytest.approx(1000.0), 0.0)


def test_dearer_predictions_never_pay() -> None:
    assert payback(exact(100.0), exact(400.0), exact(0.2), exact(0.5)) == (Verdict.NEVER, None, None)


def test_equal_predictions_cannot_be_told_apart() -> None:
    assert payback(exact(100.0), exact(400.0), exact(0.2), exact(0.2)).count(None) == 2
    verdict, *_ = payback(exact(100.0), exact(400.0), noisy(0.5, 0.1), noisy(0.2, 0.12))
    assert verdict is Verdict.UNTOLD  # 0.3 against twice 0.156
    verdict, *_ = payback(exact(100.0), exact(400.0), noisy(0.5, 0.1), noisy(0.2, 0.1))
    assert verdict is Verdict.PAYS  # 0.3 against twice 0.141


def test_uncertainty_of_the_number_of_predictions() -> None:
    _, n, u = payback(noisy(100.0, 3.0), noisy(400.0, 4.0), noisy(0.5, 0.0), noisy(0.2, 0.003))
    assert n == pytest.approx(1000.0)
    assert u == pytest.approx(math.hypot(5.0 / 0.3, 1000.0 * 0.003 / 0.3))


def test_the_scale_of_the_meter_cancels() -> None:
    scaled = [Amount(v, 0.3 * v, 0.0) for v in (100.0, 400.0, 0.5, 0.2)]
    assert payback(*scaled)[2] == 0.0


def test_the_same_training_energy_pays_at_once() -> None:
    assert payback(exact(100.0), exact(100.0), exact(0.5), exact(0.2))[1] == 0.0


def test_joules_of_a_sample_for_each_batch_size() -> None:
    data = measured([served_trial(0, 8, {64: 0.002, 1: 0.05})], tick_s=0.1)
    (found,) = inferences(data, setups(data))
    assert [each.batch_size for each in found.predictions] == [1, 64]
    single = found.at(1)
    assert single is not None
    assert single.energy_j is not None
    assert single.energy_j.value == pytest.approx(0.05)
    assert single.energy_j.u_random == pytest.approx(0.05 * 0.1 / 2.0 * math.sqrt(2 / 12))
    assert single.latency_s == pytest.approx(2.0 / 1000)
    assert found.at(7) is None


def test_the_front_is_compared_with_joules_of_training_only() -> None:
    """Width 8 trains for 30 J and predicts for 5 mJ, width 16 for 60 J and 2 mJ; what predicting cost is in neither."""
    small = served_trial(0, 8, {1: 0.005, 64: 0.001}, qualities=(0.5, 0.6, 0.7), epoch_j=10.0, tail_j=5.0)
    large = served_trial(1, 16, {1: 0.002, 64: 0.003}, qualities=(0.5, 0.8, 0.9), epoch_j=20.0, tail_j=5.0)
    data = measured([small, large])
    groups = setups(data)
    front = envelope(groups)
    assert {id(point.setup) for point in front} == {id(group) for group in groups}
    last = [point for point in front if point.epoch == 3]
    assert [training_j(point) for point in last] == [
        Amount(30.0, pytest.approx(9.0), 0.0),
        Amount(60.0, pytest.approx(18.0), 0.0),
    ]
    pairs = paybacks(front, inferences(data, groups))
    assert [(pair.batch_size, pair.verdict) for pair in pairs] == [(1, Verdict.PAYS), (64, Verdict.NEVER)]
    assert pairs[0].dearer.setup.params == {"objective.model.width": 16}
    assert pairs[0].predictions == pytest.approx(30.0 / 0.003)


def test_repeats_and_unknown_joules() -> None:
    data = measured(
        [
            served_trial(0, 8, {1: 0.05}),
            served_trial(1, 8, {1: 0.07, 8: 0.02}, repeat=1),
            served_trial(2, 16, {1: None}),
        ]
    )
    found = inferences(data, setups(data))
    assert found[0].predictions[0].energy_j is not None
    assert found[0].predictions[0].energy_j.value == pytest.approx(0.06)
    assert found[0].predictions[0].energy_j.u_random == pytest.approx(0.01)
    assert [each.batch_size for each in found[0].predictions] == [1]  # 8 was measured in one repeat only
    assert found[1].predictions[0].energy_j is None
    assert paybacks(envelope(setups(data)), found) == ()


def test_trials_without_predictions_are_left_out() -> None:
    data = measured([trial(0)])
    assert inferences(data, setups(data)) == ()


def test_the_frame_has_a_row_for_each_batch_size() -> None:
    data = measured([served_trial(0, 8, {1: 0.05, 8: None})])
    frame = inferences_frame(inferences(data, setups(data)))
    assert frame["batch"].tolist() == [1, 8]
    assert frame["j_per_sample"].tolist()[0] == pytest.approx(0.05)
    assert frame["j_per_sample"].isna().tolist() == [False, True]
