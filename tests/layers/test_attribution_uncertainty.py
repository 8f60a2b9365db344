"""Uncertainty of rows: known where the windows tell, as wide as the powers are unknown where they do not."""

import numpy as np
import pytest

from sweep.errors import MeterError
from sweep.layers.attribution.uncertainty import uncertainty
from sweep.layers.attribution.windows import Windows, shared_out


def test_an_owner_alone_in_its_windows_is_known_whatever_its_power() -> None:
    seconds = np.array([[1.0, 1.0, 0.0]] * 190 + [[0.0, 0.0, 2.0]] * 10)
    windows = Windows(np.full(200, 20.0), seconds)
    u = uncertainty(windows, None, 0.5, seed=0)
    rows = shared_out(windows)
    assert u[2] / rows[2] < 1e-12
    assert u[0] / rows[0] > 0.2


def test_two_owners_in_fixed_proportion_are_as_unsure_as_their_powers() -> None:
    windows = Windows(np.full(100, 10.0), np.tile([1.0, 3.0], (100, 1)))
    sd = np.array([0.05, 0.08])
    expected = 1000.0 * 0.25 * 0.75 * np.hypot(*sd)
    np.testing.assert_allclose(uncertainty(windows, None, sd, seed=1, draws=4000), [expected, expected], rtol=0.05)


def test_powers_that_are_known_together_add_nothing() -> None:
    windows = Windows(np.full(100, 10.0), np.tile([1.0, 3.0], (100, 1)))
    together = np.full((2, 2), 0.04)
    assert (uncertainty(windows, None, together, seed=1) < 1e-9).all()


def test_power_that_varies_from_block_to_block_is_seen() -> None:
    random = np.random.default_rng(3)
    seconds = np.tile([1.0, 0.0], (1000, 1))
    scatter = random.lognormal(0.0, 0.2, 1000)
    u = uncertainty(Windows(10.0 * scatter, seconds), None, 1e-6, seed=2, draws=2000)
    assert u[0] == pytest.approx(1e4 * 0.2 / np.sqrt(1000), rel=0.3)
    assert u[1] == 0.0


def test_many_windows_are_as_unsure_as_the_same_ones_merged() -> None:
    random = np.random.default_rng(3)
    seconds = random.lognormal(0.0, 0.2, (6000, 3))
    windows = Windows(seconds @ [1.0, 2.0, 3.0], seconds)
    merged = Windows(windows.energy_j.reshape(-1, 6).sum(1), seconds.reshape(-1, 6, 3).sum(1))
    u, again = (uncertainty(item, [1.0, 2.0, 3.0], 0.1, seed=5) for item in (windows, merged))
    np.testing.assert_allclose(u, again, rtol=0.1)


def test_a_hole_is_unknown_and_nothing_is_certain() -> None:
    windows = Windows(np.array([1.0, np.nan, 2.0]), np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    u = uncertainty(windows, None, 0.1, seed=0)
    assert np.isnan(u[0])
    assert u[2] == 0.0
    assert uncertainty(Windows(np.zeros(0), np.zeros((0, 2))), None, 0.1, seed=0).tolist() == [0.0, 0.0]
    with pytest.raises(MeterError, match="correct wraps"):
        uncertainty(Windows(np.array([-1.0]), np.ones((1, 2))), None, 0.1, seed=0)


def test_the_seed_decides() -> None:
    windows = Windows(np.full(50, 10.0), np.tile([1.0, 3.0], (50, 1)))
    first, same, other = (uncertainty(windows, None, 0.1, seed=seed)[0] for seed in (1, 1, 2))
    assert first == same != other
