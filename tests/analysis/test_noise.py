"""Noise from repeats: pooled by hand, and covering what it claims to cover."""

import math
import random
import statistics

import numpy as np
import pytest
from score_factories import planted, scored, scored_study

from sweep.analysis.noise import compare, gap_u, mean_u, measure
from sweep.analysis.noise_words import noise_words
from sweep.analysis.pareto import front_point
from sweep.analysis.setups import setups
from sweep.records import StudyData
from tests.factories import repeats, sixteen, study, trial

PARAMS = ({"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3})


def _noise(data: StudyData, confidence: float = 0.95):
    return measure(data, setups(data), confidence)


def test_variance_is_pooled_over_the_better_half_weighted_by_degrees_of_freedom() -> None:
    records = [
        *repeats(PARAMS[0], [(0.90,), (0.92,), (0.94,)]),
        *repeats(PARAMS[1], [(0.80,), (0.90,)], first=3),
        *repeats(PARAMS[2], [(0.10,), (0.70,)], first=5),
    ]
    noise = _noise(study(records))
    assert noise.quality_sd == pytest.approx(((2 * 0.02**2 + 1 * 0.005) / 3) ** 0.5)
    assert (noise.quality_df, noise.energy_df) == (3, 4)


def test_joules_are_compared_where_all_repeats_still_run() -> None:
    records = [
        trial(0, PARAMS[0], qualities=[0.5] * 10, epoch_j=10.0),
        trial(1, PARAMS[0], qualities=[0.5] * 40, epoch_j=10.2, repeat=1),
    ]
    noise = _noise(study(records))
    assert noise.energy_rel_sd == pytest.approx(statistics.stdev([10.0, 10.2]) / 10.1)


def test_the_meters_own_repeatability_is_the_least_noise_of_joules() -> None:
    records = repeats(PARAMS[0], [(0.9,)] * 3, epoch_j=100.0, random_u_rel=0.05)
    records += repeats(PARAMS[1], [(0.9,)] * 3, first=3, epoch_j=90.0, random_u_rel=0.05)
    data = study(records)
    groups = setups(data)
    costly, cheap = (front_point(group, group.points[-1]) for group in groups)
    difference = compare(cheap, costly, _noise(data))
    assert difference.saving_rel == pytest.approx(0.1)
    assert difference.saving_rel_u == pytest.approx(0.9 * 2.7764 * 0.05 * (2 / 3) ** 0.5, rel=1e-3)
    assert not difference.saves


def test_one_repeat_knows_only_floors() -> None:
    noise = _noise(study([trial(qualities=(0.8,), random_u_rel=0.02)], n_val=100))
    assert not noise.is_known
    assert noise.quality_floor == pytest.approx(0.04, rel=0.01)
    assert noise.energy_rel_floor == pytest.approx(0.02)
    assert mean_u(noise, 1) is None
    assert _noise(study([trial(qualities=(0.8,))], quality_name="r2")).quality_floor is None


def test_an_accuracy_of_1_is_not_taken_for_certain() -> None:
    noise = _noise(study([trial(qualities=(1.0,))], n_val=400))
    z2 = 1.959964**2
    share = (400 + z2 / 2) / (400 + z2)
    assert noise.quality_floor == pytest.approx((share * (1 - share) / (400 + z2)) ** 0.5, rel=1e-5)
    assert noise.quality_floor > 1 / 400


def _points(data: StudyData) -> list:
    return [front_point(group, group.points[-1]) for group in setups(data)]


ONE = np.arange(400) < 320
OTHER = np.arange(400) < 312
TURNED = np.arange(400) >= 88


def test_with_one_repeat_a_difference_rests_on_the_samples_that_both_setups_share() -> None:
    data = scored_study(planted(PARAMS[:2], [ONE, OTHER]))
    noise, (one, other) = _noise(data), _points(data)
    se = (0.02 * 0.98 / 399) ** 0.5
    assert not noise.is_known
    assert gap_u(noise, 1, 1, (one.trials, other.trials)) == pytest.approx(1.9659 * se, rel=1e-4)
    found = compare(other, one, noise)
    assert found.quality_u is None
    assert not found.same_quality, "8 samples of 400 are lost and none is won"
    assert not found.within_one_se


def test_the_same_loss_is_noise_where_the_setups_disagree_on_many_samples() -> None:
    data = scored_study(planted(PARAMS[:2], [ONE, TURNED]))
    one, other = _points(data)
    assert one.quality - other.quality == pytest.approx(0.02)
    found = compare(other, one, _noise(data))
    assert found.same_quality
    assert found.within_one_se


def test_repeats_and_samples_add_in_quadrature() -> None:
    plain = repeats(PARAMS[0], [(0.80,), (0.82,)]) + repeats(PARAMS[1], [(0.78,), (0.80,)], first=2)
    full = [scored(record, row) for record, row in zip(plain, (ONE, ONE, OTHER, OTHER), strict=True)]
    data, without = scored_study(full), scored_study(plain)
    one, other = _points(data)
    repeated = gap_u(_noise(without), 2, 2, (one.trials, other.trials))
    assert repeated == gap_u(_noise(data), 2, 2)
    sampled = 1.9659 * (0.02 * 0.98 / 399) ** 0.5
    assert compare(one, other, _noise(data)).quality_u == pytest.approx(math.hypot(repeated, sampled), rel=1e-4)
    alone = 1.9659 * (0.8 * 0.2 / 399) ** 0.5
    assert mean_u(_noise(data), 2, one.trials) == pytest.approx(math.hypot(mean_u(_noise(data), 2), alone), rel=1e-4)


def test_two_epochs_of_one_setup_are_told_apart_by_repeats_only() -> None:
    curves = [(0.79, 0.80), (0.81, 0.82)]
    data = scored_study([scored(record, ONE) for record in repeats(PARAMS[0], curves)])
    (group,) = setups(data)
    early, late = (front_point(group, point) for point in group.points)
    assert compare(early, late, _noise(data)).quality_u == gap_u(_noise(data), 2, 2)
    single = scored_study(planted(PARAMS[:1], [ONE]))
    (point,) = _points(single)
    assert gap_u(_noise(single), 1, 1, (point.trials, point.trials)) == gap_u(_noise(single), 1, 1)


def test_the_words_say_what_an_interval_holds() -> None:
    plain = repeats(PARAMS[0], [(0.80,), (0.82,)])
    words = noise_words(_noise(study(plain)), "accuracy", in_points=True)
    assert "standard deviation 1.4 points, 1 degree of freedom" in words
    assert "No scores of single validation samples were kept" in words
    records = planted(PARAMS[:2], [ONE, OTHER])
    for n_groups, expected in ((8, "resamples by subject (8 of them"), (3, "By subject there are only 3, too few")):
        data = scored_study(records, groups=[number % n_groups for number in range(400)])
        words = noise_words(_noise(data), "accuracy", in_points=True)
        assert words.startswith("No setup was repeated")
        assert expected in words


def test_nothing_has_no_noise() -> None:
    assert not _noise(study([])).is_known


def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    rng = random.Random(3)
    inside = 0
    for _ in range(300):
        curves = [[(0.9 + rng.gauss(0, 0.01),) for _ in range(3)] for _ in range(2)]
        records = repeats(PARAMS[0], curves[0]) + repeats(PARAMS[1], curves[1], first=3)
        data = study(records)
        groups = setups(data)
        one, two = (front_point(group, group.points[-1]) for group in groups)
        noise = _noise(data, 0.9)
        pooled = noise._replace(quality_sd=_both(records), quality_df=4)
        inside += compare(one, two, pooled).same_quality
    assert 0.84 < inside / 300 < 0.96


def test_the_planted_noise_is_found() -> None:
    noise = _noise(sixteen(4, quality_sd=0.01, energy_rel_sd=0.03))
    assert noise.quality_sd == pytest.approx(0.01, rel=0.35)
    assert noise.energy_rel_sd == pytest.approx(0.03, rel=0.35)


def _both(records: list) -> float:
    groups = [[r.quality for r in records if r.params == params] for params in PARAMS[:2]]
    return statistics.fmean(statistics.variance(group) for group in groups) ** 0.5
