"""A training whose joules are known: layers of known power, run step by step under a counter that ticks.

    steps       data | forward layers | loss | backward layers | optimizer | rest, each duration with its own jitter
    power       P_l = lognormal, sd(ln P) 0.3; a scale that drifts; each run of a layer scatters a little
    counter     the true joules, seen at ticks only: period with jitter, quantised, late (lag, RC), some missed
    stamps      when a poller saw the tick, half a poll interval early or late
    marks       the exact times at which owners change

Tick behaviour as published: RAPL about 1 ms with jitter, in units of 61 uJ (Khan et al., RAPL in Action, TOMPECS 2018);
NVML 20 to 100 ms, in mJ, part of the boards sensing 25 ms of every 100 ms (Yang, Adamek, Armour, Part-time Power
Measurements, arXiv:2312.02741).

Shares no code with the estimator under test. Limits: one device, layers in sequence, power constant within one run of a
layer; a repeated layer draws the same power as a single one.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_FORWARD = 10
N_LAYERS = 2 * N_FORWARD
OTHERS = ("data", "loss", "optimizer", "rest")
N_OWNERS = N_LAYERS + len(OTHERS)
DATA, LOSS, OPTIMIZER, REST = range(N_LAYERS, N_OWNERS)
SEQUENCE = np.array([DATA, *range(N_FORWARD), LOSS, *range(N_FORWARD, N_LAYERS), OPTIMIZER, REST])
SHARE_OF_OTHERS = {DATA: 0.04, LOSS: 0.01, OPTIMIZER: 0.06, REST: 0.02}


@dataclass(frozen=True)
class Counter:
    """How a counter shows the true joules.

    Attributes:
        tick_s: mean seconds between two updates.
        tick_sd_s: standard deviation of one interval.
        stamp_s: poll interval; a tick is stamped within half of it.
        unit_j: resolution.
        missed: share of updates that the poller does not see.
        lag_s: dead time of the sensor.
        rc_s: time constant of the sensor's low pass.
        seen_s: seconds of each tick that are sensed; ``None`` if all are.
    """

    tick_s: float
    tick_sd_s: float
    stamp_s: float
    unit_j: float
    missed: float = 0.01
    lag_s: float = 0.0
    rc_s: float = 0.0
    seen_s: float | None = None


RAPL = Counter(tick_s=1e-3, tick_sd_s=2e-5, stamp_s=1e-4, unit_j=61e-6)
NVML = Counter(tick_s=0.1, tick_sd_s=5e-4, stamp_s=5e-3, unit_j=1e-3)
NVML_FAST = Counter(tick_s=0.02, tick_sd_s=5e-4, stamp_s=2e-3, unit_j=1e-3)
NVML_LAGGING = replace(NVML, lag_s=0.05, rc_s=0.05)
NVML_PART_TIME = replace(NVML, seen_s=0.025)


class Machine(NamedTuple):
    """What is to be found out.

    Attributes:
        power_w: (n_owners,) true power while an owner runs.
        duration_s: (n_owners,) mean duration of one run.
    """

    power_w: FloatArray
    duration_s: FloatArray


class Run(NamedTuple):
    """One training: segments in order of time.

    Attributes:
        owners: (n_segments,) who runs.
        edges_s: (n_segments + 1,) when segments begin; the last is the end.
        joules: (n_segments + 1,) true cumulative joules at ``edges_s``.
        steps: (n_segments,) step of each segment.
    """

    owners: IntArray
    edges_s: FloatArray
    joules: FloatArray
    steps: IntArray

    def between(self, start_s: float, end_s: float) -> FloatArray:
        """True joules of each owner from one time to another, (n_owners,)."""
        joules = np.interp(np.clip(self.edges_s, start_s, end_s), self.edges_s, self.joules)
        return np.bincount(self.owners, weights=np.diff(joules), minlength=N_OWNERS)


class Updates(NamedTuple):
    """Updates of a counter as the poller saw them: (n_updates,) seconds and cumulative joules."""

    stamps_s: FloatArray
    joules: FloatArray


def machine(rng: np.random.Generator, step_s: float, *, power_sd_ln: float = 0.3) -> Machine:
    """Owners with lognormal power and duration; a step lasts ``step_s`` on average."""
    power_w = 100.0 * np.exp(rng.normal(0.0, power_sd_ln, N_OWNERS))
    layers = np.exp(rng.normal(0.0, 0.7, N_LAYERS))
    others = np.array([SHARE_OF_OTHERS[owner] for owner in range(N_LAYERS, N_OWNERS)])
    layers *= (1.0 - others.sum()) / layers.sum()
    return Machine(power_w, step_s * np.concatenate([layers, others]))


def train(
    rng: np.random.Generator,
    machine: Machine,
    length_s: float,
    *,
    doped: bool = False,
    drift: float = 0.03,
    jitter: float = 0.08,
    stalls: float = 0.02,
    power_jitter: float = 0.02,
) -> Run:
    """Run steps for ``length_s`` seconds.

    Args:
        rng: source of all scatter.
        machine: durations and powers.
        length_s: at least one step is run.
        doped: repeat one random layer 4 to 11 times in each block of a second.
        drift: relative rise of all power from start to end.
        jitter: sd of ln of each duration; a fifth of it is common to the step.
        stalls: share of the steps that wait for data ten times as long.
        power_jitter: relative sd of power from one run of a layer to the next.
    """
    n_steps = max(1, round(length_s / machine.duration_s.sum() / (1.3 if doped else 1.0)))
    duration_s = machine.duration_s[SEQUENCE] * np.exp(rng.normal(0.0, jitter, (n_steps, len(SEQUENCE))))
    duration_s *= np.exp(rng.normal(0.0, jitter / 5, (n_steps, 1)))
    duration_s[:, 0] *= np.where(rng.random(n_steps) < stalls, 10.0, 1.0)
    if doped:
        duration_s *= _doping(rng, duration_s.sum(axis=1))
    spent_s = duration_s.ravel()
    edges_s = np.concatenate([[0.0], np.cumsum(spent_s)])
    owners = np.tile(SEQUENCE, n_steps)
    scale = 1.0 + drift * (edges_s[:-1] / edges_s[-1] - 0.5) + rng.normal(0.0, power_jitter, len(spent_s))
    joules = np.concatenate([[0.0], np.cumsum(spent_s * machine.power_w[owners] * scale)])
    return Run(owners, edges_s, joules, np.repeat(np.arange(n_steps), len(SEQUENCE)))


def _doping(rng: np.random.Generator, step_s: FloatArray) -> FloatArray:
    """Factors (n_steps, n_segments): in each block of a second one layer runs 4 to 11 times."""
    block = np.cumsum(step_s * 1.3).astype(int)
    layer = rng.integers(0, N_LAYERS, block.max() + 1)[block]
    times = rng.integers(4, 12, block.max() + 1)[block]
    return np.where(layer[:, None] == SEQUENCE, times[:, None], 1.0)


def updates(rng: np.random.Generator, run: Run, counter: Counter) -> Updates:
    """What a poller sees of a run."""
    end_s = run.edges_s[-1]
    intervals_s = rng.normal(counter.tick_s, counter.tick_sd_s, int(1.05 * end_s / counter.tick_s) + 2)
    ticks_s = np.cumsum(intervals_s) - counter.tick_s * rng.random()
    ticks_s = ticks_s[(ticks_s > counter.stamp_s) & (ticks_s < end_s - counter.stamp_s)]
    shown_j = _part_time(run, ticks_s, counter) if counter.seen_s else _delayed(run, ticks_s, counter)
    shown_j = np.floor(shown_j / counter.unit_j) * counter.unit_j
    stamps_s = ticks_s + counter.stamp_s * (rng.random(len(ticks_s)) - 0.5)
    seen = rng.random(len(ticks_s)) >= counter.missed
    return Updates(np.maximum.accumulate(stamps_s)[seen], shown_j[seen])


def _delayed(run: Run, ticks_s: FloatArray, counter: Counter, taps: int = 40) -> FloatArray:
    """Joules at ticks through a dead time and a low pass, the latter as a mean over delays of equal weight."""
    delays_s = counter.lag_s - counter.rc_s * np.log1p(-(np.arange(taps) + 0.5) / taps)
    if counter.rc_s == 0.0:
        delays_s = delays_s[:1]
    return np.mean([np.interp(ticks_s - delay_s, run.edges_s, run.joules) for delay_s in delays_s], axis=0)


def _part_time(run: Run, ticks_s: FloatArray, counter: Counter) -> FloatArray:
    """Each tick adds the mean power of the last ``seen_s`` before it times the whole interval."""
    seen_s = counter.seen_s or counter.tick_s
    seen_j = np.interp(ticks_s, run.edges_s, run.joules) - np.interp(ticks_s - seen_s, run.edges_s, run.joules)
    return np.cumsum(seen_j / seen_s * np.diff(ticks_s, prepend=ticks_s[0] - counter.tick_s))


def naive(run: Run, counter: Updates) -> FloatArray:
    """Joules of each owner (n_owners,) from a counter read at every mark: what moved since the last mark."""
    last = np.searchsorted(counter.stamps_s, run.edges_s, side="right")
    shown_j = np.concatenate([counter.joules[:1], counter.joules])[last]
    return np.bincount(run.owners, weights=np.diff(shown_j), minlength=N_OWNERS)
