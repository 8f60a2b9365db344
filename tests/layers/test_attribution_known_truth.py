"""Attribution of simulated trainings whose joules are known, under counters that tick, jitter, miss and lag."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from benchmarks import _simulated as simulated
from benchmarks._simulated import NVML, NVML_LAGGING, NVML_PART_TIME, RAPL, Counter, Run, Updates
from sweep.errors import MeterError
from sweep.layers.attribution.power_fit import PowerFit, fit_power
from sweep.layers.attribution.uncertainty import uncertainty
from sweep.layers.attribution.windows import Floats, Windows, occupancy, response_delays, sensed, shared_out

N_OWNERS, N_LAYERS = simulated.N_OWNERS, simulated.N_LAYERS
REPLAY_SD = 0.1
SEEDS = range(4)


class Case(NamedTuple):
    """One training as an observer sees it, and what is true."""

    run: Run
    updates: Updates
    windows: Windows
    replay: Floats
    truth: Floats

    @property
    def large(self) -> Any:
        """Layers above 1 % of the energy."""
        return (np.arange(N_OWNERS) < N_LAYERS) & (self.truth > 0.01 * self.truth.sum())

    def rmspe(self, rows: Floats) -> float:
        """Relative error over large layers."""
        return float(np.sqrt(np.mean((rows[self.large] / self.truth[self.large] - 1.0) ** 2)))

    def log(self) -> tuple[Any, ...]:
        """Arguments of ``occupancy``."""
        return self.run.edges_s[:-1], self.run.owners, self.run.edges_s[-1], self.updates.stamps_s, N_OWNERS


def case(
    seed: int, step_s: float, counter: Counter, *, length_s: float = 60.0, power_sd_ln: float = 0.3, **options: Any
) -> Case:
    rng = np.random.default_rng(seed)
    machine = simulated.machine(rng, step_s, power_sd_ln=power_sd_ln)
    replay = machine.power_w * np.exp(rng.normal(0.0, REPLAY_SD, N_OWNERS))
    run = simulated.train(rng, machine, length_s, **options)
    updates = simulated.updates(rng, run, counter)
    late = updates.stamps_s > 0.5
    updates = Updates(updates.stamps_s[late], updates.joules[late])
    truth = run.between(updates.stamps_s[0], updates.stamps_s[-1])
    found = Case(run, updates, Windows(np.diff(updates.joules), np.zeros((0, 0))), replay, truth)
    return found._replace(windows=found.windows._replace(seconds=occupancy(*found.log())))


def fitted(found: Case) -> PowerFit:
    return fit_power(found.windows, found.replay, REPLAY_SD)


@pytest.mark.parametrize("ticks", [0.01, 0.37, 0.8, 1.5, 2.25])
def test_a_counter_read_at_every_mark_errs_by_the_law_of_ticks(ticks: float) -> None:
    """Relative error sqrt(f (1 - f)) / x for a layer of x ticks, f = frac(x)."""
    n = 20_000
    gaps = np.random.default_rng(1).uniform(1.0, 2.0, n)
    edges_s = np.concatenate([[0.0], np.cumsum(np.column_stack([gaps, np.full(n, ticks)]).ravel())])
    owners = np.column_stack([np.zeros(n, dtype=np.int64), np.arange(1, n + 1)]).ravel()
    run = Run(owners, edges_s, edges_s * 1.0, np.zeros_like(owners))
    stamps_s = np.arange(0.0, edges_s[-1])
    read_j = simulated.naive(run, Updates(stamps_s, stamps_s))[1 : n + 1]
    fraction = ticks % 1.0
    error = np.sqrt(np.mean((read_j / ticks - 1.0) ** 2))
    assert error == pytest.approx(np.sqrt(fraction * (1.0 - fraction)) / ticks, rel=0.08)
    if ticks < 1.0:
        assert np.mean(read_j == 0.0) == pytest.approx(1.0 - ticks, abs=0.02)


@pytest.mark.parametrize("counter", [RAPL, NVML])
def test_equal_powers_are_shared_by_time(counter: Counter) -> None:
    found = case(0, 20e-3, counter, length_s=20.0, power_sd_ln=0.0)
    assert found.rmspe(shared_out(found.windows)) < 0.01


@pytest.mark.parametrize("counter", [RAPL, NVML, NVML_PART_TIME])
@pytest.mark.parametrize("step_s", [5e-3, 10e-3, 0.1])
def test_weights_err_by_little_more_than_they_are_wrong(counter: Counter, step_s: float) -> None:
    found = case(3, step_s, counter, length_s=20.0)
    machine_j = np.bincount(found.run.owners, np.diff(found.run.joules), N_OWNERS)
    power_w = machine_j / np.bincount(found.run.owners, np.diff(found.run.edges_s), N_OWNERS)
    prior_error = np.sqrt(np.mean((found.replay / power_w - 1.0)[found.large] ** 2))
    assert found.rmspe(shared_out(found.windows, found.replay)) <= 1.2 * prior_error


@pytest.mark.parametrize(("step_s", "bound"), [(5e-3, 0.05), (50e-3, 0.01)])
def test_regression_on_fine_ticks(step_s: float, bound: float) -> None:
    errors = []
    for seed in SEEDS:
        found = case(seed, step_s, RAPL, length_s=15.0)
        fit = fitted(found)
        assert fit.accepted
        errors.append(found.rmspe(shared_out(found.windows, fit.power)))
    assert np.median(errors) <= bound


def test_regression_on_doped_steps_serves_ordinary_ones() -> None:
    errors = []
    for seed in SEEDS:
        doped, plain = case(seed, 10e-3, NVML, doped=True), case(seed, 10e-3, NVML)
        fit = fitted(doped)
        assert fit.accepted
        errors.append(plain.rmspe(shared_out(plain.windows, fit.power)))
    assert np.median(errors) <= 0.05


@pytest.mark.parametrize(
    ("step_s", "counter", "options"),
    [
        pytest.param(0.1, NVML, {"jitter": 0.002, "stalls": 0.0}, id="phase-locked"),
        pytest.param(0.1, NVML, {}, id="nearly phase-locked"),
        pytest.param(1.0, NVML_LAGGING, {}, id="lag ignored"),
        pytest.param(10e-3, NVML, {}, id="steps alike"),
        pytest.param(10e-3, NVML_PART_TIME, {}, id="part-time sensor"),
    ],
)
def test_regression_is_never_much_worse_than_the_prior(step_s: float, counter: Counter, options: Any) -> None:
    for seed in SEEDS:
        found = case(seed, step_s, counter, **options)
        final, prior = (found.rmspe(shared_out(found.windows, power)) for power in (fitted(found).power, found.replay))
        assert final <= 1.1 * prior


def test_a_lag_is_refused_unless_delays_are_offered_and_then_mended() -> None:
    grid = [(lag, rc) for lag in (0.02, 0.04, 0.06) for rc in (0.0, 0.02, 0.04, 0.06)]
    before, after = [], []
    for seed in SEEDS:
        found = case(seed, 1.0, NVML_LAGGING)
        assert not fitted(found).accepted
        seconds = [sensed(*found.log(), response_delays(lag, rc)) for lag, rc in grid]
        delayed = [found.windows._replace(seconds=item) for item in seconds]
        fit = fit_power(found.windows, found.replay, REPLAY_SD, delayed=delayed)
        assert fit.delay is not None
        assert sum(grid[fit.delay]) == pytest.approx(0.1, abs=0.03)
        before.append(found.rmspe(shared_out(found.windows, fit.power)))
        after.append(found.rmspe(shared_out(delayed[fit.delay], fit.power)))
    assert np.median(after) < 0.8 * np.median(before)


def test_late_stamps_are_found_and_their_windows_fitted_in_turn() -> None:
    found = case(1, 1.0, NVML)
    late_s = 0.005
    found = found._replace(updates=Updates(found.updates.stamps_s[:-1] + late_s, found.updates.joules[:-1]))
    lags_s = (0.0, 0.002, 0.004, 0.006, 0.01)
    windows = [Windows(found.windows.energy_j[:-1], sensed(*found.log(), [lag_s])) for lag_s in lags_s]
    first = fit_power(windows[0], found.replay, REPLAY_SD, delayed=windows[1:])
    assert first.delay in {1, 2}
    fit = fit_power(windows[1 + first.delay], found.replay, REPLAY_SD, delayed=windows)
    assert fit.accepted
    assert found.rmspe(shared_out(windows[1 + first.delay], fit.power)) < 0.06


def test_a_prompt_sensor_is_not_taken_for_a_late_one() -> None:
    for seed in SEEDS:
        found = case(seed, 1.0, NVML)
        seconds = [sensed(*found.log(), response_delays(lag, 0.0)) for lag in (0.02, 0.05, 0.1)]
        delayed = [found.windows._replace(seconds=item) for item in seconds]
        fit = fit_power(found.windows, found.replay, REPLAY_SD, delayed=delayed)
        assert (fit.delay, fit.accepted) == (None, True)


def test_intervals_cover_what_is_true() -> None:
    hits = []
    for step_s, counter, options in ((5e-3, RAPL, {}), (10e-3, NVML, {}), (1.0, NVML, {}), (1.0, NVML_LAGGING, {})):
        for seed in range(5):
            found = case(seed, step_s, counter, length_s=20.0 if counter is RAPL else 60.0, **options)
            fit = fitted(found)
            u = uncertainty(found.windows, fit.power, fit.ln_cov, seed=seed)
            error = np.abs(shared_out(found.windows, fit.power) - found.truth)
            hits.append((error < 1.96 * u)[found.large].mean())
    assert np.mean(hits) >= 0.9


def test_missed_ticks_only_make_windows_longer() -> None:
    all_seen, half_seen = (case(2, 5e-3, replace(RAPL, missed=missed), length_s=20.0) for missed in (0.0, 0.5))
    assert len(half_seen.windows.energy_j) < 0.55 * len(all_seen.windows.energy_j)
    for found in (all_seen, half_seen):
        fit = fitted(found)
        assert fit.accepted
        assert found.rmspe(shared_out(found.windows, fit.power)) < 0.06


def test_a_counter_that_wraps_is_refused_and_one_whose_wrap_was_mended_is_not() -> None:
    found = case(2, 10e-3, NVML, length_s=20.0)
    wrapped = np.diff(found.updates.joules % 500.0)
    with pytest.raises(MeterError, match="correct wraps"):
        shared_out(Windows(wrapped, found.windows.seconds))
    mended = Windows(np.where(wrapped < 0.0, wrapped + 500.0, wrapped), found.windows.seconds)
    np.testing.assert_allclose(shared_out(mended), shared_out(found.windows), rtol=1e-9)
