"""Noise from repeats: pooled by hand, and covering what it claims to cover."""

import random
import statistics

import pytest

from sweep.analysis.noise import compare, mean_u, measure
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
    assert noise.quality_floor == pytest.approx(0.04)
    assert noise.energy_rel_floor == pytest.approx(0.02)
    assert mean_u(noise, 1) is None
    assert _noise(study([trial(qualities=(0.8,))], quality_name="r2")).quality_floor is None


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
