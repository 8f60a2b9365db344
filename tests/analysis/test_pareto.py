"""The Pareto front: against the definition, by brute force, and on planted trajectories."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.analysis.pareto import envelope, hypervolume, nondominated
from sweep.analysis.setups import setups
from tests.factories import repeats, sixteen, study

POINTS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), max_size=30)


def _dominates(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] >= other[0] and one[1] <= other[1] and one != other


@given(POINTS)
def test_the_mask_is_the_definition(points: list[tuple[int, int]]) -> None:
    mask = nondominated([q for q, _ in points], [e for _, e in points])
    assert list(mask) == [not any(_dominates(other, point) for other in points) for point in points]


@given(POINTS)
def test_the_hypervolume_counts_unit_cells(points: list[tuple[int, int]]) -> None:
    cells = sum(
        any(q >= quality + 1 and e <= energy for q, e in points)
        for quality, energy in itertools.product(range(9), range(1, 9))
    )
    area = hypervolume([q for q, _ in points], [e for _, e in points], reference=(0.0, 9.0))
    assert area == pytest.approx(cells)


def test_nothing_has_no_area_and_an_empty_mask() -> None:
    assert hypervolume([], [], (0.0, 1.0)) == 0.0
    assert nondominated([], []).shape == (0,)


def test_the_envelope_takes_points_from_the_middle_of_trajectories() -> None:
    cheap = repeats({"lr": 0.1}, [(0.5, 0.6)], epoch_j=10.0)
    costly = repeats({"lr": 0.01}, [(0.4, 0.9, 0.8)], first=1, epoch_j=15.0)
    front = envelope(setups(study(cheap + costly)))
    assert [(p.setup.params["lr"], p.epoch, p.energy_j) for p in front] == [
        (0.1, 1, 10.0),
        (0.1, 2, 20.0),
        (0.01, 2, 30.0),
    ]


def test_of_equal_quality_the_earliest_epoch_stands_on_the_front() -> None:
    front = envelope(setups(study(repeats({"lr": 0.1}, [(0.5, 0.7, 0.7, 0.6)]))))
    assert [point.epoch for point in front] == [1, 2]


def test_no_point_of_the_planted_study_beats_its_envelope() -> None:
    groups = setups(sixteen())
    front = envelope(groups)
    points = [point for setup in groups for point in setup.candidates]
    assert all(any(f.quality >= point.quality and f.energy_j <= point.energy_j for f in front) for point in points)
    assert [point.energy_j for point in front] == sorted(point.energy_j for point in front)
