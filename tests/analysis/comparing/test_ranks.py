"""Spearman's rho and its interval against cases of known truth and against SciPy."""

import numpy as np
import pytest
from scipy import stats

from sweep.analysis.comparing import words
from sweep.analysis.comparing.ranks import LEAST, rank

X = [3.0, 1.0, 4.0, 1.5, 5.0, 9.0, 2.0, 6.0]


@pytest.mark.parametrize(
    ("y", "rho"),
    [
        ([x**3 for x in X], 1.0),
        ([-x for x in X], -1.0),
        ([2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0], None),
    ],
)
def test_rho(y: list[float], rho: float | None) -> None:
    expected = float(stats.spearmanr(X, y).statistic) if rho is None else rho
    assert rank("energy", X, y, 0.95).rho == pytest.approx(expected)


def test_the_interval_covers_the_true_rho_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    r = 0.7
    truth = 6.0 / np.pi * np.arcsin(r / 2.0)  # Spearman's rho of a bivariate normal
    hits = 0
    for _ in range(60):
        x = rng.normal(size=40)
        found = rank("energy", list(x), list(r * x + np.sqrt(1 - r**2) * rng.normal(size=40)), 0.90)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 45 <= hits <= 60


def test_a_higher_level_gives_a_wider_interval_and_the_same_call_the_same_digits() -> None:
    y = [2.0, 2.5, 3.0, 1.0, 9.0, 5.0, 4.0, 8.0]
    wide, narrow = rank("energy", X, y, 0.99), rank("energy", X, y, 0.8)
    assert None not in (wide.low, narrow.low, wide.high, narrow.high)
    assert (wide.low or 0.0) < (narrow.low or 0.0) < (narrow.high or 0.0) <= (wide.high or 0.0)
    assert rank("energy", X, y, 0.8) == narrow


@pytest.mark.parametrize("n", range(LEAST))
def test_few_setups_have_no_interval_and_fewer_no_rho(n: int) -> None:
    found = rank("energy", X[:n], X[:n], 0.95)
    assert (found.low, found.high) == (None, None)
    assert (found.rho is None) == (n < 3)
    assert ("too few setups" if n < 3 else "no interval below") in words.rho(found)


def test_a_constant_side_has_no_rho() -> None:
    found = rank("quality", X, [1.0] * len(X), 0.95)
    assert found.rho is None
    assert words.rho(found) == "not known: one side has a single value"
