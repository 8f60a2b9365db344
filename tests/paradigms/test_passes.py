"""Work repeated until it is long enough."""

import pytest
import torch

from sweep.errors import ConfigError
from sweep.paradigms._passes import Passes, check_min_s, repeat

CPU = torch.device("cpu")


def test_work_is_repeated_until_the_time_has_passed() -> None:
    now = [10.0]

    def work() -> None:
        now[0] += 0.4

    passes = repeat(work, 1.0, CPU, lambda: now[0])
    assert passes.n == 3
    assert passes.duration_s == pytest.approx(1.2)


def test_work_is_done_once_at_least() -> None:
    done = []
    assert repeat(lambda: done.append(1), 0.0, CPU, lambda: 5.0) == Passes(1, 0.0)
    assert done == [1]


@pytest.mark.parametrize("min_s", [-1.0, float("inf"), float("nan")])
def test_a_duration_that_cannot_be_is_refused(min_s: float) -> None:
    with pytest.raises(ConfigError, match=r"paradigms\.x\.min_s"):
        check_min_s(min_s, "paradigms.x")
