"""Spearman's correlation is that of scipy.stats."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from sweep.analysis.spearman import spearman

few = st.integers(-5, 5).map(float)


@given(st.lists(st.tuples(few, few), min_size=3, max_size=40))
def test_it_is_that_of_scipy_with_ties(pairs: list[tuple[float, float]]) -> None:
    one, other = zip(*pairs, strict=True)
    assume(len(set(one)) > 1)
    assume(len(set(other)) > 1)
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic, abs=1e-12)


def test_what_never_changes_has_none() -> None:
    assert spearman([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert spearman([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) is None
