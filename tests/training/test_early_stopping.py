"""The state machine of early stopping, stepped by hand."""

import math

import pytest

from sweep.training.early_stopping import EarlyStopping


def run(state: EarlyStopping, values: list[float | None]) -> list[bool]:
    stops = []
    for value in values:
        state = state.advance(value)
        stops.append(state.stop)
    return stops


def test_stops_after_patience_stale_epochs() -> None:
    assert run(EarlyStopping(patience=2), [0.5, 0.6, 0.6, 0.55]) == [False, False, False, True]


def test_an_improvement_starts_the_count_again() -> None:
    assert run(EarlyStopping(patience=2), [0.5, 0.4, 0.6, 0.5, 0.5]) == [False, False, False, False, True]


def test_a_gain_within_min_delta_is_stale() -> None:
    assert run(EarlyStopping(patience=1, min_delta=0.1), [0.5, 0.59]) == [False, True]


def test_a_loss_is_minimised() -> None:
    assert run(EarlyStopping(patience=1, maximize=False), [1.0, 0.5, 0.7]) == [False, False, True]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_unknown_values_never_improve(value: float | None) -> None:
    state = EarlyStopping(patience=2).advance(0.5).advance(value)
    assert (state.best, state.stale) == (0.5, 1)


def test_advance_leaves_the_old_state_alone() -> None:
    state = EarlyStopping(patience=2)
    state.advance(0.5)
    assert state.best is None
