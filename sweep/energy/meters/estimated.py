"""Modelled joules of this process, for machines without a sensor.

    cpu:process     static power x (wall - lost) + dynamic power x CPU time
    memory:process  watts a GiB x integral of the memory held, over the same time

CPU time is that of all threads of the process, less what was set apart; ``lost`` is the wall time that other programs
took from it (``sweep.energy.host.process``): a neighbour makes a run longer, not costlier. Static power is that of
the cores which the process may use, as the container allows (``sweep.energy.host.container``), not of the machine.

Constants. Watts of a core come from the processor's TDP where its model name is in CodeCarbon's table, else from
averages of a fleet (``sweep.energy.host.core_power``); the domain's note says which and why. Memory: 0.392 W a GiB,
Cloud Carbon Footprint's mean of the 0.375 and 0.408 W that Crucial and Micron state for DDR4. CodeCarbon's 5 W a
module are 0.63 to 0.08 W a GiB for modules of 8 to 64 GiB, and RAPL on servers showed 0.26 to 0.44 W for each GiB
installed under CPU load and 0.6 to 1.2 W under memory load (docs/modelled.md): relative scale uncertainty 0.6. Only
what the process holds is charged, never what the machine has. The fleet averages are of whole servers with their
memory, so with them ``memory:process`` is shown and not added.

Repeatability. The same seeded training 20 times on two shared cores (load 4.5): relative standard deviation 0.09 and
0.12 (``python benchmarks/repeatability.py --runs 20 --steps 40``), because the CPU time of the same work varies; hence
the relative random uncertainty of 0.1. Beside two busy neighbours, as a ratio to alone (``--neighbours 2``, medians
of 11 pairs, batch 512): 1.02, 0.99, 1.02 with one thread and 1.05, 1.02, 1.07 with two, while wall time grew 2.2 to
3.0 times; but 1.16 with two threads at batch 64, where the CPU time itself grows by 1.10 in many short parallel
regions. One reading costs 30 to 60 us of CPU time, the poller 0.03 % of a core at 1 s and 0.4 % at 0.1 s.

Limits: no disk, network or frequency; work that stalls on memory costs as much as work that computes (what that does
to the joules of layers: docs/modelled.md); OpenMP threads that spin are charged for it (set OMP_WAIT_POLICY=PASSIVE
before torch loads); CPU time and memory of child processes, such as a DataLoader's workers, are not seen. Where the
kernel does not tell the run-queue wait (macOS), static power is charged to the whole wall time; where it does not tell
the memory held (macOS, Windows), ``memory:process`` is not listed.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from sweep.energy.host.conditions import cpu_conditions
from sweep.energy.host.container import held_bytes, read_limits
from sweep.energy.host.core_power import SCALE_U_REL, CorePower, core_power
from sweep.energy.host.process import ProcessClock, ThreadTimes, lost_s
from sweep.energy.host.processor import read_processor
from sweep.energy.meter import Meter, check_interval
from sweep.errors import MeterError
from sweep.records import Conditions, Domain, Joules, Provenance, Scope

NAME = "cpu:process"
MEMORY = "memory:process"
MEMORY_SCALE_U_REL = 0.6
DEFAULT_ROOTS = ("/proc", "/sys")
"""Where Linux has them; other systems do without."""
_GIB = 1 << 30
_OWN = CorePower(0.0, 0.0, SCALE_U_REL, "as set", "", whole_server=False)
"""Stands for the processor's model where both powers are set."""


class EstimatedMeter(Meter):
    """Static power over time, dynamic power over CPU time, memory power over what is held.

    Args:
        clock: counters of the process; positional only, so not an option of the config.
        static_power_w: power of the cores that the process may use while they idle, in watts; ``None`` for that of
            the processor's model, a core, times these cores.
        dynamic_power_w: additional power of one busy core, in watts; ``None`` for that of the processor's model.
        memory_power_w_per_gib: power of memory held, in watts a GiB; 0 leaves the domain out.
        scale_u_rel: relative standard uncertainty of the processor's scale; ``None`` for 0.65 with averages of a fleet
            and 0.4 otherwise.
        random_u_rel: relative standard uncertainty from one repetition to the next.
        poll_interval_s: seconds between two polled readings; marks are exact whatever it is.
        proc_root: where procfs is mounted.
        sysfs_root: where sysfs is mounted, cgroups below ``fs/cgroup``.

    Raises:
        MeterError: for a negative power or uncertainty, an interval that no poller keeps, or a root that is no folder.
    """

    exact: bool = True
    is_model: ClassVar[bool] = True
    rank: ClassVar[int | None] = 90
    covers: ClassVar[frozenset[str]] = frozenset({"cpu"})

    def __init__(
        self,
        clock: ProcessClock | None = None,
        /,
        *,
        static_power_w: float | None = None,
        dynamic_power_w: float | None = None,
        memory_power_w_per_gib: float = 0.392,
        scale_u_rel: float | None = None,
        random_u_rel: float = 0.1,
        poll_interval_s: float = 1.0,
        proc_root: str = "/proc",
        sysfs_root: str = "/sys",
    ) -> None:
        options = {
            "static_power_w": static_power_w,
            "dynamic_power_w": dynamic_power_w,
            "memory_power_w_per_gib": memory_power_w_per_gib,
            "scale_u_rel": scale_u_rel,
            "random_u_rel": random_u_rel,
        }
        _check(options, poll_interval_s, {"proc_root": proc_root, "sysfs_root": sysfs_root})
        self.poll_interval_s = poll_interval_s
        self._proc, self._sysfs = Path(proc_root), Path(sysfs_root)
        self._clock = clock or ProcessClock(self._proc)
        self._limits = read_limits(self._proc, self._sysfs)
        own = None if static_power_w is None or dynamic_power_w is None else _OWN
        core = own or core_power(read_processor(self._proc))
        self._static_w = core.static_w * self._limits.cores if static_power_w is None else static_power_w
        self._dynamic_w = core.dynamic_w if dynamic_power_w is None else dynamic_power_w
        self._domains = [self._cpu_domain(core, core.scale_u_rel if scale_u_rel is None else scale_u_rel, random_u_rel)]
        self._memory_w_per_gib = memory_power_w_per_gib
        if memory_power_w_per_gib > 0 and self._held_gib() is not None:
            self._domains.append(self._memory_domain(core, random_u_rel))
        self._lock = threading.Lock()
        self._section = threading.local()
        self._apart = ThreadTimes(0.0, 0.0)
        self._is_open = False

    def _cpu_domain(self, core: CorePower, scale_u_rel: float, random_u_rel: float) -> Domain:
        cores = f"static power is that of {self._limits.cores:.4g} cores, which this process may use"
        return Domain(
            name=NAME,
            provenance=Provenance.MODELLED,
            scope=Scope.PROCESS,
            scale_u_rel=scale_u_rel,
            random_u_rel=random_u_rel,
            idle_power_w=self._static_w,
            source=f"model: {self._static_w:.4g} W static, {self._dynamic_w:.4g} W a busy core; {core.origin}",
            note="; ".join(part for part in (core.note, cores) if part),
        )

    def _memory_domain(self, core: CorePower, random_u_rel: float) -> Domain:
        within = f"; not added, because the {core.origin} hold that of memory" if core.whole_server else ""
        return Domain(
            name=MEMORY,
            provenance=Provenance.MODELLED,
            scope=Scope.PROCESS,
            scale_u_rel=MEMORY_SCALE_U_REL,
            random_u_rel=random_u_rel,
            additive=not core.whole_server,
            idle_power_w=0.0,
            source=f"model: {self._memory_w_per_gib:.4g} W a GiB held",
            note=f"memory that this process holds, not what the machine has{within}",
        )

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The processor as far as this process uses it, and the memory that it holds, where the system tells."""
        return tuple(self._domains)

    def open(self) -> None:
        """Start counting from here."""
        with self._lock:
            self._apart = ThreadTimes(0.0, 0.0)
            self._wall_s = self._clock.wall_s()
            self._cpu_s = self._clock.cpu_s()
            self._wait_s = self._clock.wait_s()
            self._cpu_j = self._memory_j = self._active_s = self._memory_s = 0.0
            self._memory_gib = self._held_gib()
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
            joules: Joules = {NAME: self._cpu_j}
            if len(self._domains) > 1:
                joules[MEMORY] = self._memory_j if self._advance_memory() else None
            return joules

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature and clock of the processor, where sysfs tells, and the memory held."""
        state = {NAME: cpu_conditions(self._sysfs), MEMORY: Conditions(memory_bytes=held_bytes(self._proc))}
        return {domain.name: state[domain.name] for domain in self._domains}

    def _advance(self) -> None:
        """Charge the processor for the interval since the last reading.

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
        active_s = wall_s - self._wall_s - lost
        self._cpu_j += self._static_w * active_s + self._dynamic_w * (cpu_s - self._cpu_s)
        self._active_s += active_s
        self._wall_s, self._cpu_s, self._wait_s = wall_s, cpu_s, wait_s

    def _advance_memory(self) -> bool:
        """Charge the memory up to now, by the mean of what was held then and is held now; whether that is known."""
        held_gib = self._held_gib()
        if held_gib is None:
            return False
        before_gib = held_gib if self._memory_gib is None else self._memory_gib
        mean_w = self._memory_w_per_gib * (before_gib + held_gib) / 2
        self._memory_j += mean_w * (self._active_s - self._memory_s)
        self._memory_gib, self._memory_s = held_gib, self._active_s
        return True

    def _held_gib(self) -> float | None:
        """Memory of this process, not more than its container may have."""
        held = held_bytes(self._proc)
        limit = self._limits.memory_bytes
        return None if held is None else (held if limit is None else min(held, limit)) / _GIB

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


def _check(numbers: Mapping[str, float | None], poll_interval_s: float, roots: Mapping[str, str]) -> None:
    """Refuse options without meaning."""
    for name, value in numbers.items():
        if value is not None and not value >= 0:
            raise MeterError(f"meter.{name}={value} is negative", f"set meter.{name} to 0 or more")
    check_interval(poll_interval_s, 1.0)
    for name, root in roots.items():
        if root not in DEFAULT_ROOTS and not Path(root).is_dir():
            raise MeterError(f"meter.{name}={root} is no folder", f"leave meter.{name} out for the machine's own")
