"""Sharing: an exact partition whatever the marks, the edges and the weights are; what is unknown or wrong is said."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import LayerError, MeterError
from sweep.layers.attribution.windows import (
    Windows,
    composition,
    expand,
    merge,
    occupancy,
    response_delays,
    sensed,
    shared_out,
)

N_OWNERS = 5


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[float], list[int], float, list[float]]:
    """Marks from 0 s on, their owners, their end, and window edges inside."""
    gaps = draw(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40))
    starts = np.cumsum([0.0, *gaps[:-1]])
    end_s = float(starts[-1] + gaps[-1] + 0.5)
    owners = draw(st.lists(st.integers(0, N_OWNERS - 1), min_size=len(starts), max_size=len(starts)))
    cuts = draw(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20, unique=True))
    edges = np.unique(np.array(sorted(cuts)) * end_s)
    return [float(start) for start in starts], owners, end_s, [float(edge) for edge in edges]


@given(log=logs(), seed=st.integers(0, 2**32 - 1))
def test_rows_sum_to_the_joules_and_none_is_negative(log: Any, seed: int) -> None:
    starts, owners, end_s, edges = log
    seconds = occupancy(starts, owners, end_s, edges, N_OWNERS)
    random = np.random.default_rng(seed)
    energy_j = random.exponential(10.0, len(seconds)) * (seconds.sum(axis=1) > 0)
    rows = shared_out(Windows(energy_j, seconds), random.lognormal(0.0, 2.0, N_OWNERS))
    assert abs(rows.sum() - energy_j.sum()) <= 1e-9 * max(energy_j.sum(), 1e-300)
    assert (rows >= 0.0).all()


@given(log=logs())
def test_windows_hold_exactly_the_time_of_their_edges(log: Any) -> None:
    starts, owners, end_s, edges = log
    seconds = occupancy(starts, owners, end_s, edges, N_OWNERS)
    np.testing.assert_allclose(seconds.sum(axis=1), np.diff(edges), rtol=1e-9, atol=1e-12)


@given(log=logs())
def test_seconds_are_those_of_a_plain_loop(log: Any) -> None:
    starts, owners, end_s, edges = log
    expected = np.zeros((max(len(edges) - 1, 0), N_OWNERS))
    for begin, end, owner in zip(starts, [*starts[1:], end_s], owners, strict=True):
        for window, (left, right) in enumerate(pairwise(edges)):
            expected[window, owner] += max(0.0, min(end, right) - max(begin, left))
    np.testing.assert_allclose(occupancy(starts, owners, end_s, edges, N_OWNERS), expected, atol=1e-12)


def test_occupancy_by_hand() -> None:
    seconds = occupancy([0.0, 1.0, 2.5], [0, 1, 0], 4.0, [0.5, 2.0, 4.0], 2)
    np.testing.assert_allclose(seconds, [[0.5, 1.0], [1.5, 0.5]])


def test_no_windows_no_rows() -> None:
    assert occupancy([0.0], [0], 1.0, [0.5], 3).shape == (0, 3)
    assert shared_out(Windows(np.zeros(0), np.zeros((0, 3)))).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("edges", [[-1.0, 2.0], [1.0, 5.0]])
def test_windows_beyond_the_marks_are_refused(edges: list[float]) -> None:
    with pytest.raises(LayerError, match="reach beyond the marks: cut them"):
        occupancy([0.0, 1.0], [0, 1], 4.0, edges, 2)


@pytest.mark.parametrize(
    ("starts", "owners", "edges"),
    [([1.0, 0.0], [0, 1], [1.0, 2.0]), ([0.0, 1.0], [0, 1], [1.0, 1.0]), ([0.0, 1.0], [0, 2], [1.0, 2.0])],
)
def test_wrong_arguments_are_refused(starts: list[float], owners: list[int], edges: list[float]) -> None:
    with pytest.raises(ValueError, match=r"must not fall|do not fit"):
        occupancy(starts, owners, 4.0, edges, 2)


def test_power_weighs_time_within_a_window_only() -> None:
    windows = Windows(np.array([10.0, 6.0]), np.array([[1.0, 1.0], [0.0, 2.0]]))
    np.testing.assert_allclose(shared_out(windows), [5.0, 11.0])
    np.testing.assert_allclose(shared_out(windows, [4.0, 1.0]), [8.0, 8.0])


def test_a_common_factor_of_the_power_cancels() -> None:
    windows = Windows(np.array([10.0, 6.0]), np.array([[1.0, 3.0], [2.0, 1.0]]))
    np.testing.assert_allclose(shared_out(windows, [4.0, 1.0]), shared_out(windows, [4e6, 1e6]))


def test_a_hole_leaves_its_owners_unknown_and_the_others_known() -> None:
    windows = Windows(np.array([10.0, np.nan, 3.0]), np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 2.0]]))
    rows = shared_out(windows)
    assert np.isnan(rows).tolist() == [True, False, False]
    np.testing.assert_allclose(rows[1:], [6.0, 2.0])


@pytest.mark.parametrize("energy_j", [-262143.0, np.inf])
def test_a_wrap_is_refused(energy_j: float) -> None:
    with pytest.raises(MeterError, match=r"counters only rise: correct wraps"):
        shared_out(Windows(np.array([3.0, energy_j]), np.ones((2, 2))))


def test_joules_without_time_are_refused_and_nothing_at_all_is_not() -> None:
    seconds = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert shared_out(Windows(np.array([3.0, 0.0]), seconds)).sum() == 3.0
    with pytest.raises(LayerError, match="no owner has time in it: give time without marks to the row rest"):
        shared_out(Windows(np.array([3.0, 1.0]), seconds))


@pytest.mark.parametrize("power", [[1.0], [1.0, 0.0], [1.0, -2.0], [1.0, np.nan]])
def test_a_power_that_is_none_is_refused(power: list[float]) -> None:
    with pytest.raises(LayerError, match="one positive number for each of 2 owners"):
        shared_out(Windows(np.ones(2), np.ones((2, 2))), power)


@pytest.mark.parametrize("seconds", [np.ones(2), np.ones((3, 2)), np.array([[1.0, -1.0], [1.0, 1.0]])])
def test_shapes_and_negative_seconds_are_refused(seconds: Any) -> None:
    with pytest.raises(ValueError, match=r"does not fit|negative"):
        shared_out(Windows(np.ones(2), seconds), np.ones(seconds.shape[-1]))


@given(n=st.integers(1, 50), at_most=st.integers(1, 60))
def test_merging_keeps_joules_and_time(n: int, at_most: int) -> None:
    random = np.random.default_rng(n)
    windows = Windows(random.random(n), random.random((n, 3)))
    merged = merge(windows, at_most)
    assert len(merged.energy_j) == min(n, at_most)
    np.testing.assert_allclose(merged.energy_j.sum(), windows.energy_j.sum())
    np.testing.assert_allclose(merged.seconds.sum(axis=0), windows.seconds.sum(axis=0))


def test_merging_joins_neighbours_and_keeps_a_hole_a_hole() -> None:
    windows = Windows(np.array([1.0, 2.0, np.nan, 4.0]), np.eye(4))
    merged = merge(windows, 2)
    assert merged.energy_j[0] == 3.0
    assert np.isnan(merged.energy_j[1])
    with pytest.raises(ValueError, match="keep at least 1"):
        merge(windows, 0)


def test_an_unmarked_pass_is_spread_by_what_the_marked_ones_were_made_of() -> None:
    passes = composition([[1.0, 3.0, 0.0], [3.0, 5.0, 0.0]])
    np.testing.assert_allclose(passes.shares, [1 / 3, 2 / 3, 0.0])
    spread = expand(np.array([[1.0, 0.0, 6.0], [0.0, 2.0, 0.0]]), 2, passes.shares)
    np.testing.assert_allclose(spread, [[3.0, 4.0, 0.0], [0.0, 2.0, 0.0]])


def test_a_marked_step_stands_for_its_weight() -> None:
    np.testing.assert_allclose(composition([[1.0, 0.0], [0.0, 1.0]], [3.0, 1.0]).shares, [0.75, 0.25])


def test_uncertainty_of_a_composition_is_its_scatter_over_repetitions() -> None:
    random = np.random.default_rng(0)
    mean = np.array([1.0, 2.0, 4.0])
    drawn = [composition(mean * random.lognormal(0.0, 0.2, (30, 3))) for _ in range(400)]
    scatter = np.std([item.shares for item in drawn], axis=0) / np.mean([item.shares for item in drawn], axis=0)
    np.testing.assert_allclose(np.mean([item.rel_u for item in drawn], axis=0), scatter, rtol=0.15)


def test_composition_of_few_or_no_marked_steps() -> None:
    assert np.isnan(composition([[1.0, 1.0]]).rel_u).all()
    for nothing in (np.zeros((0, 2)), np.zeros((3, 2))):
        with pytest.raises(LayerError, match="mark at least one step"):
            composition(nothing)


def test_a_late_sensor_shows_what_was_before() -> None:
    log: tuple[Any, ...] = ([0.0, 2.0], [0, 1], 6.0)
    np.testing.assert_allclose(sensed(*log, [2.0, 4.0], 2, [0.0]), [[0.0, 2.0]])
    np.testing.assert_allclose(sensed(*log, [2.0, 4.0], 2, [2.0]), [[2.0, 0.0]])
    np.testing.assert_allclose(sensed(*log, [2.0, 4.0], 2, [0.0, 2.0]), [[1.0, 1.0]])
    with pytest.raises(LayerError, match="reach beyond the marks"):
        sensed(*log, [2.0, 4.0], 2, [3.0])
    with pytest.raises(ValueError, match="at least one delay"):
        sensed(*log, [2.0, 4.0], 2, [])


def test_delays_of_a_low_pass_have_its_mean() -> None:
    assert response_delays(0.05, 0.0).tolist() == [0.05]
    delays = response_delays(0.05, 0.02, taps=2000)
    assert delays.min() > 0.05
    assert delays.mean() == pytest.approx(0.07, rel=1e-2)
