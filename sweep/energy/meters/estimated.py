"""Modelled joules of this process, for machines without a sensor.

    E = static_power * (wall - lost) + dynamic_power * CPU time

CPU time is that of all threads of the process, less what was set apart; ``lost`` is the wall time that other
programs took from it (``sweep.energy.process``): a neighbour makes a run longer, not costlier.

Constants. Cloud Carbon Footprint's averages for a thread of the AWS fleet, 0.74 W idle and 3.5 W busy
(cloudcarbonfootprint.org/docs/methodology, appendix I), give the defaults: 0.74 W static for each core that the
process may use and 2.76 W for each busy one. CodeCarbon assumes 4 W a thread for a processor that it does not know
(DEFAULT_POWER_PER_CORE in codecarbon/core/cpu.py). Fleet averages by processor family span 0.5 to 3 W idle and 1.6
to 8.6 W busy, hence the relative scale uncertainty of 0.5. It is one factor for all intervals: comparisons on one
machine are much better than the absolute value, as far as work is CPU time.

Repeatability. The same seeded training 20 times on two shared cores (load 4.5): relative standard deviation 0.09 and
0.12 (``python benchmarks/repeatability.py --runs 20 --steps 40``), because the CPU time of the same work varies; hence
the relative random uncertainty of 0.1. Beside two busy neighbours, as a ratio to alone (``--neighbours 2``, medians
of 11 pairs, batch 512): 1.02, 0.99, 1.02 with one thread and 1.05, 1.02, 1.07 with two, while wall time grew 2.2 to
3.0 times; but 1.16 with two threads at batch 64, where the CPU time itself grows by 1.10 in many short parallel
regions. One reading costs 30 to 60 us of CPU time, the poller 0.03 % of a core at 1 s and 0.4 % at 0.1 s.

Limits: no memory, disk, or frequency; work that stalls on memory costs as much as work that computes; OpenMP
threads that spin are charged for it (set OMP_WAIT_POLICY=PASSIVE before torch loads); CPU time of child processes,
such as a DataLoader's workers, is not seen. Where the kernel does not tell the run-queue wait (macOS), static
power is charged to the whole wall time.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from sweep.energy.conditions import cpu_conditions
from sweep.energy.meter import Meter
from sweep.energy.process import ProcessClock, ThreadTimes, lost_s, usable_cores
from sweep.errors import MeterError
from sweep.records import Conditions, Domain, Joules, Provenance

STATIC_POWER_PER_CORE_W = 0.74
DYNAMIC_POWER_PER_CORE_W = 2.76
NAME = "cpu:process"


class EstimatedMeter(Meter):
    """Static power over time plus dynamic power over CPU time.

    Args:
        clock: counters of the process; positional only, so not an option of the config.
        static_power_w: power of the idle machine, in watts; ``None`` for 0.74 W a usable core.
        dynamic_power_w: additional power of one busy core, in watts.
        scale_u_rel: relative standard uncertainty of the scale.
        random_u_rel: relative standard uncertainty from one repetition to the next.
        poll_interval_s: seconds between two polled readings; marks are exact whatever it is.

    Raises:
        MeterError: for a negative power or uncertainty, or an interval that is not positive.
    """

    exact: ClassVar[bool] = True

    def __init__(
        self,
        clock: ProcessClock | None = None,
        /,
        *,
        static_power_w: float | None = None,
        dynamic_power_w: float = DYNAMIC_POWER_PER_CORE_W,
        scale_u_rel: float = 0.5,
        random_u_rel: float = 0.1,
        poll_interval_s: float = 1.0,
    ) -> None:
        if static_power_w is None:
            static_power_w = STATIC_POWER_PER_CORE_W * usable_cores()
        options = {
            "static_power_w": static_power_w,
            "dynamic_power_w": dynamic_power_w,
            "scale_u_rel": scale_u_rel,
            "random_u_rel": random_u_rel,
        }
        for name, value in options.items():
            if not value >= 0:
                raise MeterError(f"meter.{name}={value} is negative", f"set meter.{name} to 0 or more")
        if not poll_interval_s > 0:
            raise MeterError(f"meter.poll_interval_s={poll_interval_s} is not positive", "give seconds, e.g. 1.0")
        self.poll_interval_s = poll_interval_s
        self._clock = clock or ProcessClock()
        self._static_power_w = static_power_w
        self._dynamic_power_w = dynamic_power_w
        self._domain = Domain(
            name=NAME,
            provenance=Provenance.MODELLED,
            scale_u_rel=scale_u_rel,
            random_u_rel=random_u_rel,
            idle_power_w=static_power_w,
            source=f"model: {static_power_w:.4g} W static, {dynamic_power_w:.4g} W a busy core",
        )
        self._lock = threading.Lock()
        self._section = threading.local()
        self._apart = ThreadTimes(0.0, 0.0)
        self._is_open = False

    @property
    def domains(self) -> tuple[Domain, ...]:
        """One domain, the processor as far as this process uses it."""
        return (self._domain,)

    def open(self) -> None:
        """Start counting from here."""
        with self._lock:
            self._apart = ThreadTimes(0.0, 0.0)
            self._wall_s = self._clock.wall_s()
            self._cpu_s = self._clock.cpu_s()
            self._wait_s = self._clock.wait_s()
            self._energy_j = 0.0
            self._is_open = True

    def close(self) -> None:
        """Nothing to release."""
        self._is_open = False

    def read(self) -> Joules:
        """Modelled joules since ``open``; the calling thread's open section is left out.

        Raises:
            MeterError: if the meter is not open.
        """
        with self._lock:
            if not self._is_open:
                raise MeterError("the estimated meter is read while closed", "open it first")
            self._advance()
            return {NAME: self._energy_j}

    def conditions(self) -> Conditions:
        """Temperature and clock of the processor, where sysfs tells."""
        return cpu_conditions()

    def _advance(self) -> None:
        """Charge the interval since the last reading.

        A section that is still open on another thread is charged now and subtracted when it ends: until later
        work has made up for that, nothing more is charged, so joules never fall.
        """
        apart = _add(self._apart, self._own_section())
        wall_s = self._clock.wall_s()
        cpu_s = max(self._cpu_s, self._clock.cpu_s() - apart.cpu_s)
        wait_s = self._clock.wait_s()
        lost = 0.0
        if wait_s is not None and self._wait_s is not None:
            wait_s = max(self._wait_s, wait_s - (apart.wait_s or 0.0))
            lost = lost_s(wall_s - self._wall_s, cpu_s - self._cpu_s, wait_s - self._wait_s)
        self._energy_j += self._static_power_w * (wall_s - self._wall_s - lost)
        self._energy_j += self._dynamic_power_w * (cpu_s - self._cpu_s)
        self._wall_s, self._cpu_s, self._wait_s = wall_s, cpu_s, wait_s

    @contextmanager
    def set_apart(self) -> Iterator[None]:
        """Leave the calling thread's CPU time and run-queue wait out; static power is charged on.

        Sections may be nested; the outermost counts.
        """
        if self._section_start() is not None:
            yield
            return
        self._section.start = self._clock.thread()
        try:
            yield
        finally:
            with self._lock:
                self._apart = _add(self._apart, self._own_section())
                self._section.start = None

    def _section_start(self) -> ThreadTimes | None:
        start: ThreadTimes | None = getattr(self._section, "start", None)
        return start

    def _own_section(self) -> ThreadTimes:
        """What the calling thread spent in the section it is in."""
        start = self._section_start()
        if start is None:
            return ThreadTimes(0.0, 0.0)
        now = self._clock.thread()
        known = now.wait_s is not None and start.wait_s is not None
        return ThreadTimes(now.cpu_s - start.cpu_s, (now.wait_s or 0.0) - (start.wait_s or 0.0) if known else 0.0)


def _add(one: ThreadTimes, other: ThreadTimes) -> ThreadTimes:
    return ThreadTimes(one.cpu_s + other.cpu_s, (one.wait_s or 0.0) + (other.wait_s or 0.0))
