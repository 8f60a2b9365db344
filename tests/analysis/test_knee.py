"""The knee of planted fronts."""

import pytest

from sweep.analysis.knee import knee
from sweep.analysis.pareto import FrontPoint, envelope
from sweep.analysis.setups import setups
from tests.factories import repeats, study


def _front(qualities: tuple[float, ...], epoch_j: float = 1.0) -> tuple[FrontPoint, ...]:
    return envelope(setups(study(repeats({"lr": 0.1}, [qualities, qualities], epoch_j=epoch_j))))


def test_a_planted_knee_is_found_with_its_height() -> None:
    # By hand: after epoch 3, x = 2/9 and y = 0.8 / 0.87, so the height is 0.697 of the range
    found = knee(_front((0.1, 0.5, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97)))
    assert found is not None
    assert found.point.epoch == 3
    assert found.height == pytest.approx(0.8 / 0.87 - 2 / 9)
    assert found.quality_height == pytest.approx(0.8 - 2 / 9 * 0.87)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e9])
def test_the_unit_of_joules_does_not_matter(factor: float) -> None:
    found = knee(_front((0.1, 0.5, 0.9, 0.91, 0.92, 0.93), epoch_j=factor))
    assert found is not None
    assert found.point.epoch == 3


@pytest.mark.parametrize(
    "qualities",
    [
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),  # straight
        (0.1, 0.11, 0.13, 0.2, 0.4, 0.9),  # the other way round
        (0.5, 0.9, 0.91),  # short
        (0.5,),
    ],
)
def test_a_straight_or_short_front_has_none(qualities: tuple[float, ...]) -> None:
    assert knee(_front(qualities)) is None


def test_no_front_has_none() -> None:
    assert knee(()) is None
