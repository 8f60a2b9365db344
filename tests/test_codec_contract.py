"""The contract of codecs: normalisation and R2."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sweep.codec import R2, Range

FINITE = st.floats(-1e6, 1e6)


def test_columns_become_zero_to_one() -> None:
    scale = Range.of(np.array([[1.0, -5.0], [3.0, 5.0], [2.0, 0.0]]))
    assert scale.normalise(np.array([[1.0, -5.0], [3.0, 5.0], [2.0, 0.0]])).tolist() == [[0, 0], [1, 1], [0.5, 0.5]]


def test_a_constant_column_is_only_moved() -> None:
    values = np.array([[7.0], [7.0]])
    scale = Range.of(values)
    assert scale.normalise(values).tolist() == [[0.0], [0.0]]
    assert scale.restore(scale.normalise(values)).tolist() == values.tolist()


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=20))
def test_restoring_undoes_normalising(rows: list[tuple[float, float]]) -> None:
    values = np.array(rows)
    scale = Range.of(values)
    assert np.allclose(scale.restore(scale.normalise(values)), values, atol=1e-9 * scale.width.max())


def test_r2_of_known_numbers() -> None:
    metric = R2()
    metric.update(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    # first column: error 0 of 2; second: 4 + 16 of 2
    assert float(metric.compute()) == pytest.approx(1 - 20 / 4)
    assert metric.columns().tolist() == pytest.approx([1.0, -9.0])


def test_r2_does_not_depend_on_the_batches_nor_on_where_a_column_stands() -> None:
    draw = torch.Generator().manual_seed(1)
    target = torch.randn(40, 3, generator=draw, dtype=torch.float64) + 1e6
    output = target + 0.1 * torch.randn(40, 3, generator=draw, dtype=torch.float64)
    expected = 1 - (output - target).square().sum() / (target - target.mean(0)).square().sum()
    for size in (1, 7, 40):
        metric = R2()
        for batch in torch.arange(40).split(size):
            metric.update(output[batch], target[batch])
        assert float(metric.compute()) == pytest.approx(float(expected), abs=1e-9)


def test_a_constant_column_has_no_r2_of_its_own() -> None:
    metric = R2()
    metric.update(torch.tensor([[1.0, 5.0], [2.0, 5.0]]), torch.tensor([[1.0, 5.0], [2.0, 5.0]]))
    assert metric.columns().tolist() == [1.0]
