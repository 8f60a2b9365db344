"""Learning power from windows: right where they teach, not believed where they do not."""

import numpy as np
import pytest

from sweep.errors import LayerError, MeterError
from sweep.layers.attribution.power_fit import PowerFit, fit_power
from sweep.layers.attribution.windows import Floats, Windows

POWER = np.array([1.0, 1.3, 0.8, 1.1])
PRIOR = np.array([1.1, 1.2, 0.9, 1.0])


def planted(n: int = 600, *, noise: float = 0.01, drift: float = 0.03, scatter: float = 0.5, seed: int = 0) -> Windows:
    """Windows of known power: time of each owner scatters by ``scatter``, a drift, and noise on the joules."""
    random = np.random.default_rng(seed)
    seconds = random.lognormal(0.0, scatter, (n, len(POWER))) if scatter else np.ones((n, len(POWER)))
    scale = 1.0 + drift * np.linspace(-0.5, 0.5, n)
    return Windows(seconds @ POWER * scale * (1.0 + noise * random.standard_normal(n)), seconds)


def relative(power: Floats) -> Floats:
    """Power without its scale, which no window knows."""
    return power / power.mean()


def test_windows_that_differ_teach_power() -> None:
    fit = fit_power(planted(), PRIOR, 0.1)
    assert fit.accepted
    np.testing.assert_allclose(relative(fit.power), relative(POWER), rtol=5e-3)
    assert fit.fitted_error < 0.5 * fit.prior_error
    assert fit.delay is None


def test_deviations_are_as_large_as_their_covariance_says() -> None:
    squares = []
    for seed in range(30):
        fit = fit_power(planted(150, noise=0.03, seed=seed), PRIOR, 0.1)
        contrast = np.eye(len(POWER)) - 1 / len(POWER)
        error = contrast @ (np.log(fit.power) - np.log(POWER))
        squares.append(error**2 / np.diag(contrast @ fit.ln_cov @ contrast.T))
    assert 0.3 < np.mean(squares) < 1.5


def test_drift_of_the_scale_does_no_harm() -> None:
    still, drifting = (fit_power(planted(drift=drift), PRIOR, 0.1).power for drift in (0.0, 0.2))
    np.testing.assert_allclose(relative(drifting), relative(still), rtol=2e-3)


def test_windows_all_alike_teach_nothing() -> None:
    fit = fit_power(planted(scatter=0.0), PRIOR, 0.1)
    assert not fit.accepted
    assert fit.reason == "held-out windows fit no better than with the prior"
    np.testing.assert_array_equal(fit.power, PRIOR)
    np.testing.assert_allclose(fit.ln_cov, 0.01 * np.eye(len(PRIOR)))
    assert fit.fitted_error == pytest.approx(fit.prior_error, rel=1e-2)


def test_noise_is_not_learned() -> None:
    assert not any(fit_power(planted(scatter=0.01, noise=0.1, seed=seed), POWER, 0.1).accepted for seed in range(10))


def test_few_windows_are_not_asked() -> None:
    fit = fit_power(planted(99), PRIOR, 0.1)
    assert not fit.accepted
    assert fit.reason == "99 windows, 100 are needed"
    assert np.isnan(fit.prior_error)


def test_no_joules_teach_nothing() -> None:
    assert not fit_power(Windows(np.zeros(200), np.ones((200, 4))), PRIOR, 0.1).accepted


def test_holes_and_empty_windows_are_left_out() -> None:
    windows = planted()
    holes = windows.energy_j.copy()
    holes[::7] = np.nan
    seconds = windows.seconds.copy()
    holes[3], seconds[3] = 0.0, 0.0
    whole = (np.arange(len(holes)) % 7 > 0) & (np.arange(len(holes)) != 3)
    found, expected = fit_power(Windows(holes, seconds), PRIOR, 0.1), fit_power(windows.where(whole), PRIOR, 0.1)
    np.testing.assert_array_equal(found.power, expected.power)


def test_an_owner_without_time_keeps_its_prior() -> None:
    energy_j, seconds = planted()
    fit = fit_power(Windows(energy_j, np.hstack([seconds, np.zeros((len(energy_j), 1))])), [*PRIOR, 7.0], 0.1)
    assert fit.accepted
    assert fit.power[-1] == pytest.approx(7.0)
    assert fit.ln_cov[-1, -1] == pytest.approx(0.01)


def test_what_the_prior_rules_out_is_not_believed_but_counted_as_uncertainty() -> None:
    wrong = PRIOR * [2.0, 1.0, 1.0, 0.5]
    fit = fit_power(planted(), wrong, 0.1)
    assert not fit.accepted
    assert "the windows contradict the prior" in fit.reason
    np.testing.assert_array_equal(fit.power, wrong)
    assert np.sqrt(fit.ln_cov[0, 0]) > 0.3


def test_delays_that_explain_nothing_lift_the_doubt() -> None:
    windows = planted()
    late = Windows(windows.energy_j, np.roll(windows.seconds, 1, axis=0))
    fit = fit_power(windows, PRIOR * [2.0, 1.0, 1.0, 0.5], 0.1, delayed=[late])
    assert fit.accepted
    np.testing.assert_allclose(relative(fit.power), relative(POWER), rtol=2e-2)


def test_a_lag_is_found_among_the_delays_offered() -> None:
    windows = planted()
    late = Windows(np.roll(windows.energy_j, 1), windows.seconds)
    delayed = [Windows(late.energy_j, np.roll(windows.seconds, shift, axis=0)) for shift in (2, 1, 3)]
    fit = fit_power(late, PRIOR, 0.1, delayed=delayed)
    assert (fit.delay, fit.accepted, fit.reason) == (1, False, "the counter lags behind the marks")
    np.testing.assert_array_equal(fit.power, PRIOR)


@pytest.mark.parametrize("ln_sd", [0.0, -0.1, np.nan, np.inf])
def test_a_spread_must_be_positive(ln_sd: float) -> None:
    with pytest.raises(LayerError, match="give a standard deviation above 0"):
        fit_power(planted(), PRIOR, ln_sd)


def test_wrong_windows_and_priors_are_refused() -> None:
    windows = planted()
    with pytest.raises(LayerError, match="positive number for each of 4 owners"):
        fit_power(windows, PRIOR[:3], 0.1)
    with pytest.raises(MeterError, match="correct wraps"):
        fit_power(Windows(-windows.energy_j, windows.seconds), PRIOR, 0.1)


def test_the_same_windows_give_the_same_fit() -> None:
    first, second = (fit_power(planted(), PRIOR, 0.1) for _ in range(2))
    assert isinstance(first, PowerFit)
    np.testing.assert_array_equal(first.power, second.power)
