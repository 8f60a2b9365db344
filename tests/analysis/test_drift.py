"""The warm-up test finds what was planted, and nothing where nothing was."""

import random
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sweep.analysis.drift import MAX_POINTS, MAX_WARM_UP, Drift, _of_pairs, drift
from sweep.analysis.drift_words import drift_sentences
from sweep.records import Conditions, StopReason, StudyData
from tests.factories import study, trial
from tests.layer_factories import layered, with_layers

Cost = Callable[[int], float]


def _study(cost: Callable[[random.Random, int], float], n_trials: int = 12, n_epochs: int = 12) -> StudyData:
    """Trials whose joules of a step in epoch k are ``cost(rng, k)``, each trial on a scale of its own."""
    rng = random.Random(5)

    def one(number: int) -> Cost:
        scale = 10.0 ** rng.uniform(-3.0, 0.0)
        return lambda epoch: scale * cost(rng, epoch)

    records = [trial(n, {"lr": n}, qualities=(0.5,) * n_epochs) for n in range(n_trials)]
    return study([with_layers(record, step_j=one(record.number)) for record in records])


def _drift(data: StudyData) -> Drift:
    found = drift(data)
    assert found is not None
    return found


def test_a_dear_first_epoch_is_found_with_its_size() -> None:
    found = _drift(_study(lambda rng, k: rng.gauss(1.0, 0.01) * (1.05 if k == 1 else 1.0)))
    assert found.first is not None
    assert found.first.size_rel == pytest.approx(0.05, abs=0.01)
    assert found.first.p == pytest.approx(2 / 2**12)  # all twelve on one side: Wilcoxon's smallest p
    assert found.warm_up_epochs == 1
    assert found.trend is not None
    assert found.trend.p is not None
    assert found.trend.p > 0.05


def test_a_warm_up_of_two_epochs_is_seen_as_two() -> None:
    found = _drift(_study(lambda rng, k: rng.gauss(1.0, 0.002) * {1: 1.2, 2: 1.1}.get(k, 1.0)))
    assert found.warm_up_epochs == 2


def test_a_trend_is_found_with_its_slope_although_trials_differ_a_thousandfold() -> None:
    found = _drift(_study(lambda rng, k: rng.gauss(1.0, 0.002) * 0.99**k))
    assert found.warm_up_epochs == MAX_WARM_UP
    assert found.trend is not None
    assert found.trend.size_rel == pytest.approx(-0.01, abs=0.001)
    assert found.trend.p == pytest.approx(2 / 2**12)


def test_a_cheap_first_epoch_is_no_warm_up() -> None:
    found = _drift(_study(lambda rng, k: rng.gauss(1.0, 0.002) * (0.9 if k == 1 else 1.0)))
    assert found.first is not None
    assert found.first.size_rel == pytest.approx(-0.1, abs=0.01)
    assert found.warm_up_epochs == 0
    assert "10 % below the later median" in drift_sentences(found)[0]


def test_where_nothing_was_planted_it_is_found_about_as_often_as_the_level_says() -> None:
    rng = random.Random(3)
    hits = [0, 0]
    for _ in range(60):
        data = study(
            [
                with_layers(trial(n, {"lr": n}, qualities=(0.5,) * 8), step_j=lambda _: rng.gauss(1.0, 0.05))
                for n in range(8)
            ]
        )
        found = _drift(data)
        assert found.first is not None
        assert found.trend is not None
        hits[0] += (found.first.p or 0.0) < 0.05
        hits[1] += (found.trend.p or 0.0) < 0.05
    assert max(hits) <= 9  # 3 are expected; more than 9 have a chance of 1 in 1,500


def test_a_slow_wander_is_no_trend() -> None:
    """Each trial wanders, one up and one down; Kendall's own p-value over epochs would call each a trend."""

    def wander(sign: int) -> Cost:
        return lambda k: 1.0 + sign * 0.001 * k

    records = [with_layers(trial(n, {"lr": n}, qualities=(0.5,) * 30), step_j=wander((-1) ** n)) for n in range(12)]
    found = _drift(study(records))
    assert found.trend is not None
    assert found.trend.p is not None
    assert found.trend.p > 0.5


def test_energy_that_never_changes_is_no_finding_and_no_warning() -> None:
    found = _drift(_study(lambda rng, k: 1.0))
    assert found.first is not None
    assert (found.first.size_rel, found.first.p, found.warm_up_epochs) == (0.0, 1.0, 0)
    assert found.trend is not None
    assert (found.trend.size_rel, found.trend.p) == (0.0, 1.0)


def test_with_too_few_trials_the_size_is_told_but_not_tested() -> None:
    found = _drift(_study(lambda rng, k: 1.04 if k == 1 else 1.0, n_trials=5))
    assert found.first is not None
    assert found.first.p is None
    assert drift_sentences(found)[0] == (
        "Energy per step in the first epoch was 4 % above the later median (5 trials: too few to test, 6 are needed)."
    )


def test_short_trials_disturbed_ones_and_failures_are_left_out() -> None:
    records = [
        trial(0, {"lr": 0}, qualities=(0.5,) * 3),
        trial(1, {"lr": 1}, qualities=(0.5,) * 9, contaminated=True),
        trial(2, {"lr": 2}, qualities=(0.5,) * 9, stop_reason=StopReason.DIVERGED),
        trial(3, {"lr": 3}, qualities=(0.5,) * 4),
    ]
    found = _drift(study([with_layers(record) for record in records]))
    assert [run.number for run in found.runs] == [3]
    assert found.disturbed == (1,)
    assert drift_sentences(found)[-1] == "Left out, since other programs disturbed them: trial 1."


def test_nothing_long_enough_is_said() -> None:
    found = _drift(study([with_layers(trial(0))]))
    assert drift_sentences(found)[0].startswith("No undisturbed trial is long enough (4 epochs)")


def test_records_without_steps_have_no_drift() -> None:
    assert drift(study([trial()])) is None
    assert drift(study([])) is None


def test_an_epoch_without_joules_is_left_out_and_phases_are_runs_of_their_own() -> None:
    record = with_layers(trial(qualities=(0.5,) * 11))
    points = record.trajectory
    points[2] = msgspec.structs.replace(points[2], train_j=None)
    for index, point in enumerate(points[5:], start=5):
        points[index] = msgspec.structs.replace(point, phase="finetuning", epoch=point.epoch - 5)
    found = _drift(study([msgspec.structs.replace(record, trajectory=points)]))
    assert [(run.phase, run.epochs) for run in found.runs] == [
        ("supervised", (1, 2, 4, 5)),
        ("finetuning", (1, 2, 3, 4, 5, 6)),
    ]
    assert found.first is not None
    assert found.first.n == 1


def test_temperature_is_told_with_its_correlation() -> None:
    data = _study(lambda rng, k: 1.0)
    records = []
    for record in data.trials:
        points = [
            msgspec.structs.replace(
                point,
                train_j=(1.0 + 0.01 * point.epoch),
                conditions=Conditions(temperature_c=40.0 + record.number + 2.0 * point.epoch),
            )
            for point in record.trajectory
        ]
        records.append(msgspec.structs.replace(record, trajectory=points))
    found = _drift(study(records))
    assert found.temperature is not None
    assert found.temperature.correlation == pytest.approx(1.0)
    assert (found.temperature.first, found.temperature.last) == (47.5, 69.5)
    assert found.clock is None
    sentences = drift_sentences(found)
    assert (
        "Temperature went from 47.5 to 69.5 °C (rank correlation with energy per step +1.00); no sensor gave clock."
        in sentences
    )


def test_without_sensors_that_is_said() -> None:
    assert "No sensor gave temperature or clock." in drift_sentences(_drift(_study(lambda rng, k: 1.0)))


def test_the_sentence_of_a_clear_finding() -> None:
    sentences = drift_sentences(_drift(_study(lambda rng, k: 1.04 if k == 1 else 1.0 + 1e-6 * rng.random())))
    assert sentences[0] == ("Energy per step in the first epoch was 4 % above the later median (p < 0.001, 12 trials).")
    assert sentences[1].startswith("No trend is seen after epoch 1 (p = ")


@settings(max_examples=50, deadline=None)
@given(length=st.integers(4, 400))
def test_long_runs_are_thinned_but_keep_their_ends(length: int) -> None:
    (run,) = _drift(study([with_layers(trial(qualities=(0.5,) * length))])).runs
    assert len(run.epochs) <= MAX_POINTS
    assert run.epochs[:MAX_WARM_UP] == (1, 2, 3)
    assert run.epochs[-1] == length
    assert list(run.epochs) == sorted(set(run.epochs))


def test_relative_energy_is_one_at_the_later_median() -> None:
    data = layered(study([trial(qualities=(0.5,) * 8)]), warm_up_rel=0.5, noise_rel=0.0)
    (run,) = _drift(data).runs
    assert run.relative == pytest.approx((1.5, *(1.0,) * 7))


def test_slopes_and_taus_are_those_of_scipy() -> None:
    draw = np.random.default_rng(3)
    epochs = np.array([1, 2, 3, 5, 8, 9])
    step_j = draw.integers(1, 6, size=(40, len(epochs))).astype(float)
    step_j[0] = 2.0
    slopes, taus = _of_pairs(epochs, step_j)
    for row, slope, tau in zip(step_j, slopes, taus, strict=True):
        assert slope == pytest.approx(stats.theilslopes(np.log(row), epochs)[0])
        assert tau == pytest.approx(stats.kendalltau(epochs, row).statistic if len(set(row)) > 1 else 0.0)
