"""The choice of the validation samples: against the variance by hand, and against a bootstrap that really draws."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from score_factories import planted, scored, scored_study

from sweep.analysis.bootstrap import Sampling
from tests.factories import repeats

A, B = {"lr": 0.1}, {"lr": 0.2}
Scores = NDArray[np.float64]


def correlated(n: int, seed: int = 0) -> tuple[Scores, Scores]:
    """Right-or-wrong scores of two models that mostly agree."""
    rng = np.random.default_rng(seed)
    one = (rng.random(n) < 0.8).astype(float)
    flipped = rng.random(n) < 0.1
    return one, np.where(flipped, 1.0 - one, one)


def sampling(*rows: Scores, groups: Sequence[int] | None = None) -> Sampling:
    params = [{"lr": float(number)} for number in range(len(rows))]
    return Sampling(scored_study(planted(params, rows), groups=groups, n_val=len(rows[0])))


def drawn_se(difference: Scores, groups: Scores, n_draws: int = 4000) -> float:
    """A bootstrap by brute force: draw groups, join their samples, take the mean."""
    rng = np.random.default_rng(1)
    members = [difference[groups == group] for group in np.unique(groups)]
    picks = rng.integers(len(members), size=(n_draws, len(members)))
    means = [np.concatenate([members[index] for index in pick]).mean() for pick in picks]
    return float(np.std(means))


def test_a_paired_difference_has_the_variance_of_its_samples() -> None:
    one, other = correlated(200)
    found = sampling(one, other)
    expected = np.std(one - other, ddof=1) / math.sqrt(200)
    assert found.difference_se((0,), (1,)) == pytest.approx(expected, rel=1e-9)
    assert found.mean_se((0,)) == pytest.approx(np.std(one, ddof=1) / math.sqrt(200), rel=1e-9)
    assert (found.unit, found.n_units, found.df) == ("sample", 200, 199)


def test_single_samples_are_what_a_drawn_bootstrap_gives() -> None:
    one, other = correlated(150)
    drawn = drawn_se(one - other, np.arange(150.0))
    assert sampling(one, other).difference_se((0,), (1,)) == pytest.approx(drawn, rel=0.05)


@pytest.mark.parametrize("sizes", [[20] * 8, [5, 10, 15, 20, 25, 30, 35, 40]])
def test_groups_are_what_a_drawn_cluster_bootstrap_gives(sizes: list[int]) -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(8), sizes)
    easier = rng.normal(0.0, 0.3, 8)[groups]
    one, other = easier + rng.random(len(groups)), rng.random(len(groups))
    found = sampling(one, other, groups=groups.tolist()).difference_se((0,), (1,))
    corrected = drawn_se((one - other).astype(np.float32).astype(float), groups) * math.sqrt(8 / 7)
    assert found == pytest.approx(corrected, rel=0.1)


def test_samples_that_are_alike_within_a_subject_widen_the_interval() -> None:
    groups = np.repeat(np.arange(6), 50)
    one = np.where(groups < 3, 1.0, 0.0)
    other = np.where(groups % 2 == 0, 1.0, 0.0)
    by_sample, by_subject = sampling(one, other), sampling(one, other, groups=groups.tolist())
    wide, narrow = by_subject.difference_se((0,), (1,)), by_sample.difference_se((0,), (1,))
    assert wide is not None
    assert narrow is not None
    assert wide > 6 * narrow
    assert (by_subject.unit, by_subject.n_units) == ("subject", 6)


def test_four_subjects_are_too_few_and_samples_are_resampled() -> None:
    one, other = correlated(80)
    few = sampling(one, other, groups=np.repeat(np.arange(4), 20).tolist())
    assert few.difference_se((0,), (1,)) == sampling(one, other).difference_se((0,), (1,))
    assert (few.unit, few.group, few.n_groups) == ("sample", "subject", 4)


def test_two_models_that_answer_alike_differ_by_nothing() -> None:
    one, _ = correlated(60)
    assert sampling(one, one).difference_se((0,), (1,)) == 0.0


def test_repeats_are_averaged_sample_by_sample() -> None:
    rows = [correlated(40, seed)[0] for seed in range(4)]
    records = repeats(A, [(0.8,)] * 2) + repeats(B, [(0.8,)] * 2, first=2)
    found = Sampling(scored_study([scored(r, row) for r, row in zip(records, rows, strict=True)], n_val=40))
    means = (rows[0] + rows[1]) / 2, (rows[2] + rows[3]) / 2
    expected = np.std(means[0] - means[1], ddof=1) / math.sqrt(40)
    assert found.difference_se((0, 1), (2, 3)) == pytest.approx(expected, rel=1e-9)


def test_different_samples_are_not_paired() -> None:
    one, other = correlated(50)
    records = planted([A, B], [one, other])
    records[1] = scored(records[1], other[:30], split="val1")
    found = Sampling(scored_study(records, groups=[i % 5 for i in range(50)], n_val=50))
    parts = found.mean_se((0,)), np.std(other[:30], ddof=1) / math.sqrt(30)
    assert found.difference_se((0,), (1,)) == pytest.approx(math.hypot(*parts))


def test_what_is_not_known_is_none() -> None:
    one, other = correlated(50)
    records = [*planted([A, B], [one, other]), *repeats({"lr": 0.3}, [(0.8,)], first=2)]
    found = Sampling(scored_study(records, n_val=50))
    assert found.is_known
    assert found.mean_se((2,)) is None
    assert found.difference_se((0,), (2,)) is None
    assert found.difference_se((0, 2), (1,)) is None
    assert found.difference_se((0,), (0,)) is None, "two epochs of one training have the same scores"
    assert not Sampling(scored_study(repeats(A, [(0.8,)]))).is_known


def test_the_interval_covers_the_difference_in_all_people() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        people = rng.normal(0.1, 0.05, 12).repeat(10)
        difference = people + rng.normal(0.0, 0.1, 120)
        se = sampling(difference, np.zeros(120), groups=np.repeat(np.arange(12), 10).tolist())
        covered += abs(difference.mean() - 0.1) <= 2.201 * (se.difference_se((0,), (1,)) or 0.0)
    assert 0.9 < covered / 300 < 0.99
