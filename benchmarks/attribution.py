"""Joules of layers against known truth: a counter read in each hook, sharing by time, with weights, with a regression.

Twenty layers and four other rows of known power run for a minute under counters that tick (``_simulated.py``). Each way
of attributing sees marks and counter updates only. Replay weights are the true powers with a 10 % error. Marks are on
every step, or on one step in ten at random; then a regression has only the windows whose layers were all marked.

    python benchmarks/attribution.py
    python benchmarks/attribution.py --seeds 5 --json attribution.json

RMSPE over layers above 1 % of the energy: median over the seeds, and least to most. ``worst/replay``: the largest ratio
of the final error to that of the replay weights. ``covers``: share of true values inside nominal 95 % intervals.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one process a core instead; read when numpy is loaded

import _simulated as simulated
import numpy as np
from _simulated import N_FORWARD, N_LAYERS, N_OWNERS, Counter, Run, Updates

from sweep.layers.attribution.power_fit import PowerFit, fit_power
from sweep.layers.attribution.uncertainty import uncertainty
from sweep.layers.attribution.windows import (
    Floats,
    Windows,
    composition,
    expand,
    occupancy,
    response_delays,
    sensed,
    shared_out,
)

REPLAY_SD = 0.1
POWER_SD = 0.3
LENGTH_S = 60.0
ONE_IN = 10
FORWARD, BACKWARD = N_OWNERS, N_OWNERS + 1
STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RESPONSES = tuple((lag, rc) for lag in STEPS for rc in STEPS if lag or rc)
STAMPS = tuple((lag, 0.0) for lag in (-0.05, 0.02, 0.04, 0.06, 0.1))
"""Delays that are offered, as dead time and time constant in ticks; the true ones are not among them."""


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Attributes:
        step_s: mean seconds of a step.
        counter: what is read.
        doped: powers are fitted on another minute, in which a random layer runs 4 to 11 times in each second.
        delays: dead times and time constants that are offered to the fit, in ticks.
        late_s: by how much updates are stamped too late.
        jitter: of durations, as ``simulated.train`` takes it.
        stalls: likewise.
    """

    name: str
    step_s: float
    counter: Counter
    doped: bool = False
    delays: tuple[tuple[float, float], ...] = ()
    late_s: float = 0.0
    jitter: float = 0.08
    stalls: float = 0.02


SCENARIOS = (
    Scenario("RAPL, 5 ms steps", 5e-3, simulated.RAPL),
    Scenario("RAPL, 50 ms steps", 50e-3, simulated.RAPL),
    Scenario("the same, stamped 50 us late", 50e-3, simulated.RAPL, late_s=5e-5),
    Scenario("the same, delays offered", 50e-3, simulated.RAPL, late_s=5e-5, delays=STAMPS),
    Scenario("NVML 100 ms, 10 ms steps", 10e-3, simulated.NVML),
    Scenario("NVML 100 ms, 100 ms steps", 0.1, simulated.NVML),
    Scenario("the same, phase-locked", 0.1, simulated.NVML, jitter=0.002, stalls=0.0),
    Scenario("NVML 100 ms, 1 s steps", 1.0, simulated.NVML),
    Scenario("the same, delays offered", 1.0, simulated.NVML, delays=RESPONSES),
    Scenario("NVML, lag 50 + RC 50 ms ignored, 1 s steps", 1.0, simulated.NVML_LAGGING),
    Scenario("the same, delays offered", 1.0, simulated.NVML_LAGGING, delays=RESPONSES),
    Scenario("NVML 100 ms, doped, 10 ms steps", 10e-3, simulated.NVML, doped=True),
    Scenario("NVML 20 ms, 10 ms steps", 10e-3, simulated.NVML_FAST),
    Scenario("NVML sensing 25 of 100 ms, 10 ms steps", 10e-3, simulated.NVML_PART_TIME),
)


class Seen(NamedTuple):
    """What an attribution may use.

    Attributes:
        windows: of the whole run, unmarked passes spread by their mean composition.
        complete: (n_windows,) whether all layers of the window were marked.
        ln_u: (n_owners,) relative standard uncertainty of time that was spread.
        delayed: the windows as late sensors would show them.
    """

    windows: Windows
    complete: np.ndarray
    ln_u: Floats
    delayed: list[Windows]


class Outcome(NamedTuple):
    """Errors of one seed in percent; hits of the intervals among ``layers`` large ones."""

    naive: float
    by_time: float
    replay: float
    final: float
    accepted: bool
    delayed: bool
    hits: dict[str, int]
    layers: int


def see(run: Run, updates: Updates, marked: np.ndarray, delays_s: list[Floats]) -> Seen:
    """Marks and updates as an observer has them; layers are known on marked steps only."""
    owners = run.owners.copy()
    unmarked = ~marked[run.steps]
    owners[unmarked & (run.owners < N_FORWARD)] = FORWARD
    owners[unmarked & (run.owners >= N_FORWARD) & (run.owners < N_LAYERS)] = BACKWARD
    step_s = np.bincount(run.steps * N_OWNERS + run.owners, np.diff(run.edges_s)).reshape(-1, N_OWNERS)[marked]
    forward, backward = step_s.copy(), step_s.copy()
    forward[:, N_FORWARD:] = 0.0
    backward[:, :N_FORWARD] = backward[:, N_LAYERS:] = 0.0
    passes = [composition(np.pad(part, ((0, 0), (0, 2)))) for part in (forward, backward)]

    def spread(seconds: Floats) -> Floats:
        return expand(expand(seconds, FORWARD, passes[0].shares), BACKWARD, passes[1].shares)[:, :N_OWNERS]

    log = (run.edges_s[:-1], owners, float(run.edges_s[-1]), updates.stamps_s, N_OWNERS + 2)
    seconds = occupancy(*log)
    energy_j = np.diff(updates.joules)
    ln_u = np.nan_to_num(passes[0].rel_u + passes[1].rel_u)[:N_OWNERS] * (1.0 - marked.mean())
    return Seen(
        Windows(energy_j, spread(seconds)),
        seconds[:, [FORWARD, BACKWARD]].sum(axis=1) == 0.0,
        ln_u,
        [Windows(energy_j, spread(sensed(*log, delays))) for delays in delays_s],
    )


def observe(
    rng: np.random.Generator, scenario: Scenario, machine: simulated.Machine, *, one_in: int, doped: bool
) -> Any:
    """A run, its counter's updates after the first second, and what is seen of both."""
    run = simulated.train(rng, machine, LENGTH_S, doped=doped, jitter=scenario.jitter, stalls=scenario.stalls)
    updates = simulated.updates(rng, run, scenario.counter)
    inside = (updates.stamps_s > 1.0) & (updates.stamps_s < run.edges_s[-1] - 0.1)  # as far as delays reach
    updates = Updates(updates.stamps_s[inside] + scenario.late_s, updates.joules[inside])
    marked = rng.random(run.steps[-1] + 1) < 1.0 / one_in
    marked[rng.integers(len(marked), size=2)] = True
    tick_s = scenario.counter.tick_s
    delays_s = [response_delays(lag * tick_s, rc * tick_s) for lag, rc in scenario.delays]
    return run, updates, see(run, updates, marked, delays_s)


def fitted(scenario: Scenario, taught: Seen, replay: Floats) -> tuple[PowerFit, int | None]:
    """Powers, and which delayed windows to use; these are fitted in turn if their delay is a mere dead time."""
    complete = [windows.where(taught.complete) for windows in (taught.windows, *taught.delayed)]
    fit = fit_power(complete[0], replay, REPLAY_SD, delayed=complete[1:])
    delay = fit.delay
    if delay is not None and scenario.delays[delay][1] == 0.0:
        fit = fit_power(complete[1 + delay], replay, REPLAY_SD, delayed=complete)
    return fit, delay


def outcome(scenario: Scenario, one_in: int, seed: int) -> Outcome:
    """One seed of one scenario."""
    rng = np.random.default_rng([seed, one_in])
    machine = simulated.machine(rng, scenario.step_s, power_sd_ln=POWER_SD)
    replay = machine.power_w * np.exp(rng.normal(0.0, REPLAY_SD, N_OWNERS))
    run, updates, seen = observe(rng, scenario, machine, one_in=one_in, doped=False)
    taught = observe(rng, scenario, machine, one_in=1, doped=True)[2] if scenario.doped else seen
    fit, delay = fitted(scenario, taught, replay)
    final = seen.windows if delay is None else seen.delayed[delay]
    truth = run.between(updates.stamps_s[0], updates.stamps_s[-1])
    large = (np.arange(N_OWNERS) < N_LAYERS) & (truth > 0.01 * truth.sum())

    def rmspe(energy_j: Floats) -> float:
        return float(100.0 * np.sqrt(np.mean((energy_j[large] / truth[large] - 1.0) ** 2)))

    def hits(windows: Windows, power: Floats, ln_cov: Floats) -> int:
        u = uncertainty(windows, power, ln_cov + np.diag(seen.ln_u**2), seed=seed)
        return int((np.abs(shared_out(windows, power) - truth) < 1.96 * u)[large].sum())

    equal, unit = np.ones(N_OWNERS), np.eye(N_OWNERS)
    return Outcome(
        naive=rmspe(simulated.naive(run, updates)),
        by_time=rmspe(shared_out(seen.windows)),
        replay=rmspe(shared_out(seen.windows, replay)),
        final=rmspe(shared_out(final, fit.power)),
        accepted=fit.accepted,
        delayed=delay is not None,
        hits={
            "by time": hits(seen.windows, equal, POWER_SD**2 * unit),
            "replay": hits(seen.windows, replay, REPLAY_SD**2 * unit),
            "final": hits(final, fit.power, fit.ln_cov),
        },
        layers=int(large.sum()),
    )


def spread(outcomes: list[Outcome], of: Callable[[Outcome], float]) -> str:
    """Median, and least to most."""
    values = [of(item) for item in outcomes]
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def row(scenario: Scenario, one_in: int, outcomes: list[Outcome]) -> str:
    """One line of the table."""
    layers = sum(item.layers for item in outcomes)
    cells = [
        scenario.name,
        "all" if one_in == 1 else f"1 in {one_in}",
        f"{statistics.median(item.naive for item in outcomes):.0f}",
        spread(outcomes, lambda item: item.by_time),
        spread(outcomes, lambda item: item.replay),
        spread(outcomes, lambda item: item.final),
        f"{sum(item.accepted for item in outcomes)} of {len(outcomes)}",
        f"{max(item.final / item.replay for item in outcomes):.2f}",
        *(f"{100 * sum(item.hits[kind] for item in outcomes) / layers:.0f}" for kind in outcomes[0].hits),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--json", type=Path, help="keep the errors of each seed")
    options = parser.parse_args()
    print(f"`python benchmarks/attribution.py --seeds {options.seeds}`\n")
    print("| scenario | marked | naive | by time | replay weights | + regression | accepted | worst/replay", end="")
    print(" | covers: by time | replay | final |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    kept: list[dict[str, Any]] = []
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for scenario in SCENARIOS:
            for one_in in (1, ONE_IN):
                outcomes = list(pool.map(partial(outcome, scenario, one_in), range(options.seeds)))
                print(row(scenario, one_in, outcomes), flush=True)
                kept += [{"scenario": scenario.name, "one_in": one_in, **item._asdict()} for item in outcomes]
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
