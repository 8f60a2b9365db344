"""The price of marking, from logs whose steps take known times."""

import numpy as np
import pytest

from sweep.layers.attribution.price import LEAST, MarkingPrice
from sweep.layers.marking.owners import BACKWARD, DATA, FIRST_LAYER, FORWARD, LOSS, LOSS_BACKWARD, OPTIMIZER, REST

PLAIN = [(DATA, 0.5), (FORWARD, 2.0), (LOSS, 0.1), (BACKWARD, 4.0), (OPTIMIZER, 1.0)]
MARKED = [
    (REST, 0.2),  # attaching
    (FIRST_LAYER, 2.1),
    (LOSS, 0.1),
    (LOSS_BACKWARD, 0.3),
    (FIRST_LAYER + 1, 3.9),
    (OPTIMIZER, 1.0),
    (REST, 0.05),  # forgetting
]


def folded(n_plain: int, n_marked: int, first_s: float = 2.1) -> MarkingPrice:
    price = MarkingPrice()
    log: list[tuple[int, float]] = []
    marked = []
    for index in range(n_marked):
        step = [(owner, first_s if index == 0 and owner == FIRST_LAYER else seconds) for owner, seconds in MARKED]
        marked.append((len(log) + 1, len(log) + len(step) - 1, 1))
        log += step
    log += PLAIN * n_plain
    price.fold(np.array([owner for owner, _ in log]), np.array([seconds for _, seconds in log]), marked)
    return price


def test_the_price_is_attaching_and_what_the_passes_take_longer() -> None:
    assert folded(20, 12).step_s() == pytest.approx(0.2 + (2.1 + 0.3 + 3.9) + 0.05 - (2.0 + 4.0))


def test_the_first_step_of_a_training_does_not_count() -> None:
    assert folded(20, LEAST + 1, first_s=1000.0).step_s() == pytest.approx(0.55)


@pytest.mark.parametrize(("n_plain", "n_marked"), [(LEAST - 1, 50), (50, LEAST), (0, 50), (50, 0)])
def test_too_few_steps_of_a_kind_tell_no_price(n_plain: int, n_marked: int) -> None:
    assert folded(n_plain, n_marked).step_s() is None
