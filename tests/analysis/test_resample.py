"""Intervals from draws."""

import math

import numpy as np
import pytest

from sweep.analysis.resample import all_bounds, bounds


def test_many_rows_of_draws_have_the_bounds_of_each_alone() -> None:
    draws = np.random.default_rng(0).normal(size=(5, 400))
    draws[1, :200], draws[2] = math.inf, math.inf
    alone = [bounds(row, 0.9, 8) for row in draws]
    assert list(zip(*all_bounds(draws, 0.9, 8).tolist(), strict=True)) == alone


def test_many_draws_of_a_normal_number_have_its_bounds() -> None:
    draws = np.random.default_rng(0).normal(size=200_000)
    assert bounds(draws, 0.95, 1_000_000) == pytest.approx((-1.96, 1.96), abs=0.02)
