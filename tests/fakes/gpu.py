"""A fake NVIDIA GPU: what its sensors show of a known power, and the faults that can befall it.

    P(t) ----> mean over [t_k - window, t_k] at each tick t_k = phase + k tick      instant power (field 186)
         ----> mean over [t_k - average, t_k]                                       nvmlDeviceGetPowerUsage
         ----> integral up to t_k, in whole millijoules                             the energy counter

Ticks and windows are those measured on more than 70 boards (Yang, Adamek, Armour, "Part-time Power Measurements:
nvidia-smi's Lack of Attention", arXiv 2312.02741): Volta 20 ms / 10 ms, Ampere 100 / 100, A100 and Hopper 100 / 25.
The mean over 1 s is what NVIDIA documents for nvmlDeviceGetPowerUsage on Ampere (except GA100) and newer. Whether the
counter sums the whole power or the sampled windows is not documented: ``counter_sums_samples`` does the latter.

Every fault is a function of time, so a test writes it down before it starts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pynvml
from fakes.power import Power, constant

ROUNDING_S = 1e-9
"""A tick that is due now has happened, whatever the last bit of the clock says."""


class Sensor(NamedTuple):
    """How a board measures itself.

    Attributes:
        tick_s: seconds between two updates.
        window_s: over which the power of an update is averaged.
        average_s: of nvmlDeviceGetPowerUsage; 0 where it is the power of the last update.
        counter: whether there is an energy counter (Volta and newer).
        instant: whether field 186 is there.
    """

    tick_s: float
    window_s: float
    average_s: float = 0.0
    counter: bool = True
    instant: bool = True


PASCAL = Sensor(0.020, 0.010, counter=False, instant=False)
VOLTA = Sensor(0.020, 0.010)
AMPERE = Sensor(0.100, 0.100, average_s=1.0)
A100 = Sensor(0.100, 0.025)
HOPPER = Sensor(0.100, 0.025, average_s=1.0)


class Failure(NamedTuple):
    """Device calls that return an error code for a while; all of them if ``calls`` is empty."""

    code: int
    at_s: float
    until_s: float
    calls: frozenset[str]


class Shift(NamedTuple):
    """A stretch in which the counter shows more than it counted."""

    by_j: float
    at_s: float
    until_s: float


class Stretch(NamedTuple):
    """A stretch of time."""

    at_s: float
    until_s: float


@dataclass
class FakeGpu:
    """One board.

    Attributes:
        power: the truth.
        phase_s: time of the first tick.
        lag_s: by which everything that it shows is late.
        dropped: whether the tick of this number did not happen.
        mig: whether it is sliced; ``None`` for boards that cannot be.
        processes: process id and bytes of each process that computes on it.
    """

    power: Power = field(default_factory=lambda: constant(200.0))
    name: str = "NVIDIA H100 80GB HBM3"
    uuid: str = "GPU-00000000-1111-2222-3333-444444444444"
    architecture: int = pynvml.NVML_DEVICE_ARCH_HOPPER
    sensor: Sensor = HOPPER
    phase_s: float = 0.0
    lag_s: float = 0.0
    dropped: Callable[[int], bool] = lambda tick: False
    counter_sums_samples: bool = False
    mig: bool | None = False
    virtualization: int = pynvml.NVML_GPU_VIRTUALIZATION_MODE_NONE
    processes: list[tuple[int, int]] = field(default_factory=list)
    temperature_c: int = 41
    sm_clock_mhz: int = 1980
    utilisation: float = 0.5
    memory_total_bytes: int = 80 << 30
    memory_used_bytes: int = 3 << 30
    power_limit_w: float = 700.0

    def __post_init__(self) -> None:
        self._failures: list[Failure] = []
        self._restarts: list[float] = [0.0]
        self._shifts: list[Shift] = []
        self._stuck: list[Stretch] = []
        self._removals: list[Stretch] = []
        self._sample_sums: dict[int, float] = {}

    # Faults

    def fail(self, code: int, at_s: float = -math.inf, until_s: float = math.inf, calls: tuple[str, ...] = ()) -> None:
        """Return an error code from these calls, or from all."""
        self._failures.append(Failure(code, at_s, until_s, frozenset(calls)))

    def restart_counter(self, at_s: float) -> None:
        """The counter starts at zero, as after a reload of the driver."""
        self._restarts.append(at_s)

    def stick(self, at_s: float, until_s: float = math.inf) -> None:
        """The counter stands still, and shows all that it counted afterwards."""
        self._stuck.append(Stretch(at_s, until_s))

    def jump(self, by_j: float, at_s: float, until_s: float = math.inf) -> None:
        """The counter shows more (or less) than it counted."""
        self._shifts.append(Shift(by_j, at_s, until_s))

    def remove(self, at_s: float, until_s: float = math.inf) -> None:
        """Falls off the bus; found again only by an initialisation after ``until_s``."""
        self._removals.append(Stretch(at_s, until_s))

    def failure(self, call: str, now_s: float) -> int:
        """The code that a call returns now."""
        for code, at_s, until_s, calls in self._failures:
            if at_s <= now_s < until_s and (not calls or call in calls):
                return code
        return int(pynvml.NVML_SUCCESS)

    def is_removed(self, now_s: float) -> bool:
        """Whether it is off the bus."""
        return any(at_s <= now_s < until_s for at_s, until_s in self._removals)

    def is_lost(self, since_s: float, now_s: float) -> bool:
        """Whether it fell off the bus after it was found."""
        return any(since_s < at_s <= now_s for at_s, _ in self._removals)

    # Sensors

    def instant_mw(self, now_s: float) -> int:
        """Power of the last update."""
        return self._mean_mw(self._last_tick_s(now_s), self.sensor.window_s)

    def usage_mw(self, now_s: float) -> int:
        """What nvmlDeviceGetPowerUsage returns."""
        return self._mean_mw(self._last_tick_s(now_s), self.sensor.average_s or self.sensor.window_s)

    def counter_mj(self, now_s: float) -> int:
        """What the energy counter shows."""
        for at_s, until_s in self._stuck:
            if at_s <= now_s < until_s:
                now_s = at_s
        tick_s = self._last_tick_s(now_s)
        start_s = max((at_s for at_s in self._restarts if at_s <= now_s), default=0.0)
        shifted_j = sum(by_j for by_j, at_s, until_s in self._shifts if at_s <= now_s < until_s)
        if self.counter_sums_samples:
            counted_j = self._sampled_j(tick_s) - self._sampled_j(start_s)
        else:
            counted_j = self.power.energy_j(start_s, max(tick_s, start_s))
        return max(int((counted_j + shifted_j) * 1e3 + 1e-6), 0)

    def _mean_mw(self, end_s: float, window_s: float) -> int:
        return int(self.power.mean_w(end_s - window_s, end_s) * 1e3 + 1e-6)

    def _tick(self, time_s: float) -> int:
        return math.floor((time_s - self.phase_s + ROUNDING_S) / self.sensor.tick_s)

    def _last_tick_s(self, now_s: float) -> float:
        tick = self._tick(now_s - self.lag_s)
        while self.dropped(tick):
            tick -= 1
        return self.phase_s + tick * self.sensor.tick_s

    def _sampled_j(self, time_s: float) -> float:
        """Sum of the sampled windows, each standing for its whole tick, up to a time after 0 s."""
        last = self._tick(time_s)
        if last <= 0:
            return 0.0
        known = max((tick for tick in self._sample_sums if tick <= last), default=0)
        total_j = self._sample_sums.get(known, 0.0)
        for tick in range(known + 1, last + 1):
            end_s = self.phase_s + tick * self.sensor.tick_s
            total_j += self.power.mean_w(end_s - self.sensor.window_s, end_s) * self.sensor.tick_s
        self._sample_sums[last] = total_j
        return total_j
