"""Factors of intervals are those of scipy.stats."""

import pytest
from scipy import stats

from sweep.analysis.coverage import normal, student


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("df", [1, 2, 7, 100_000])
def test_student(confidence: float, df: int) -> None:
    assert student(confidence, df) == pytest.approx(stats.t.interval(confidence, df)[1], rel=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_normal(confidence: float) -> None:
    assert normal(confidence) == pytest.approx(stats.norm.interval(confidence)[1], rel=1e-12)
