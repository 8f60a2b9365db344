"""Wilcoxon's test against scipy's, and against the signs counted one by one."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats

from sweep.analysis.wilcoxon import MOST_EXACT, wilcoxon_p


@pytest.mark.parametrize("n", [6, 7, 20, MOST_EXACT, MOST_EXACT + 1, 400])
@pytest.mark.parametrize("shift", [0.0, 0.3, -1.0])
def test_without_ties_it_is_that_of_scipy(n: int, shift: float) -> None:
    differences = np.random.default_rng(n).normal(shift, 1.0, n)
    assert wilcoxon_p(differences.tolist()) == pytest.approx(stats.wilcoxon(differences).pvalue, rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_many_with_ties_and_zeros_are_those_of_scipy(shift: float) -> None:
    differences = np.round(np.random.default_rng(5).normal(shift, 2.0, 300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.wilcoxon(differences).pvalue
    assert (differences == 0).any()
    assert wilcoxon_p(differences.tolist()) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("differences", [(1, 1, -1, 2, 2, 3), (-1, -2, -2, -2, 4, 4, 5), (1, 1, 1, 1, 1, 1), (0, 0, 3)])
def test_few_with_ties_are_counted(differences: tuple[int, ...]) -> None:
    moved = [item for item in differences if item]
    ranks = stats.rankdata(np.abs(moved))
    seen = sum(rank for rank, item in zip(ranks, moved, strict=True) if item > 0)
    sums = [sum(itertools.compress(ranks, signs)) for signs in itertools.product([0, 1], repeat=len(moved))]
    tail = min(sum(item <= seen for item in sums), sum(item >= seen for item in sums))
    assert wilcoxon_p(differences) == pytest.approx(min(1.0, 2.0 * tail / len(sums)))


def test_nothing_that_differs_is_no_evidence() -> None:
    assert wilcoxon_p([0.0, 0.0]) == 1.0
    assert wilcoxon_p([1.0]) == 1.0
