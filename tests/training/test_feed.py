"""Batches cover every sample once."""

import pytest
import torch

from sweep.objective import Split
from sweep.training.feed import batches, place

CPU = torch.device("cpu")


def split(n: int) -> Split:
    return Split(torch.arange(n, dtype=torch.float32).unsqueeze(1), torch.arange(n))


@pytest.mark.parametrize(
    ("n", "size", "sizes"), [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (3, 8, [3]), (8, 4, [4, 4]), (1, 1, [1])]
)
def test_sizes_and_no_last_batch_of_one(n: int, size: int, sizes: list[int]) -> None:
    assert [len(y) for _, y in batches(split(n), size, CPU)] == sizes


def test_shuffled_batches_hold_every_sample_once_with_its_target() -> None:
    seen = []
    for x, y in batches(place(split(50), CPU), 8, CPU, torch.Generator().manual_seed(0)):
        assert torch.equal(x.squeeze(1).long(), y)
        seen += y.tolist()
    assert sorted(seen) == list(range(50))
    assert seen != sorted(seen)
