"""Energy of processor packages and their memory from RAPL, by Linux's powercap counters.

    E = energy_uj / 10^6, each domain on its own, raw: the counter starts over at ``range_j``

A file is opened once and read with ``pread``, which makes the kernel read the register anew. Which zones there are and
what their joules are worth: ``sweep.energy.powercap``. Needs the right to read ``energy_uj``, see ``GRANT`` there.

*Mirrored dies.* On AMD Zen 1 and 2 each die of a socket shows the counter of the whole socket (codecarbon #788, #1274),
and their sum is twice the truth or more. So the dies of a socket are read in turn, A B A, when the meter is opened: a B
that always lies between both A, give or take a tick, while A moves, is A's mirror and is left out. Two counters of
their own agree like that by chance once in 65 000 J / 1 J.

Limits: the whole package counts, whoever uses it. Neither power supply, fans nor disks are in it, nor DRAM where the
processor does not count it (AMD, most desktops). Zones that appear after ``open`` are not seen; one that went and came
back is. Temperature is that of the hottest package.
"""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from sweep.energy.host.conditions import cpu_conditions
from sweep.energy.meter import Meter, Problem, check_interval
from sweep.energy.powercap.access import GRANT, is_denied, why_absent, why_denied
from sweep.energy.powercap.domains import ADDITIVE, TICK_S, keep_wanted, make_domains, name_zones, safe_interval_s
from sweep.energy.powercap.zones import Zone, find_zones
from sweep.errors import MeterError
from sweep.records import Conditions, Domain, Joules

READ_TRIES = 3
EMPTY_S = 1e-3
"""A copy of the kernel's file is empty for a moment while somebody writes it anew."""
MIRROR_LOOKS = 3
MIRROR_PATIENCE = 25
"""Looks after which dies that stand still are taken for two: nothing speaks for a mirror."""
MIRROR_SLACK_J = 0.5
"""What a tick adds at 500 W."""


class _Counter:
    """One ``energy_uj``, kept open; opened anew if the zone was taken away and came back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def joules(self) -> float | None:
        """What the counter shows; ``None`` for a file that is gone, closed to us, or shows no number."""
        for _ in range(READ_TRIES):
            try:
                text = os.pread(self._opened(), 32, 0)
            except OSError:  # ENODEV: the driver was unloaded since
                self.close()
                continue
            if text:
                line = text.partition(b"\n")[0]
                return int(line) / 1e6 if line.isdigit() else None
            time.sleep(EMPTY_S)
        return None

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            self.close()
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        return self._descriptor


class _Source(NamedTuple):
    zone: Zone
    counter: _Counter


class RaplMeter(Meter):
    """The RAPL counters of all sockets.

    Args:
        sysfs_root: where sysfs is mounted; another folder in a container, or in a test.
        exclude: domains to leave out, e.g. ``dram:1``, or a kind of them, e.g. ``uncore``.
        poll_interval_s: seconds between two polled readings; lowered where a counter could start over in between.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    exact: bool = True
    rank: ClassVar[int | None] = 10
    covers: ClassVar[frozenset[str]] = frozenset({"cpu"})

    def __init__(
        self, *, sysfs_root: str = "/sys", exclude: tuple[str, ...] = (), poll_interval_s: float = 0.1
    ) -> None:
        check_interval(poll_interval_s)
        self.poll_interval_s = self._asked_interval_s = poll_interval_s
        self._sys = Path(sysfs_root).expanduser()
        self._exclude = exclude
        self._lock = threading.Lock()
        self._sources: dict[str, _Source] = {}
        self._domains: tuple[Domain, ...] = ()
        self._problems: list[Problem] = []

    def open(self) -> None:
        """Find the counters and open those that can be read.

        Raises:
            SensorAbsentError: if there is no RAPL zone.
            MeterError: if no whole package can be read.
            ConfigError: if a name in ``exclude`` is no domain.
        """
        self.close()
        zones = find_zones(self._sys)
        if not any(zone.folder.exists() for zone in zones):
            raise why_absent(self._sys, zones)
        named, self._problems = name_zones(zones)
        wanted = keep_wanted(self._exclude, named)
        with self._lock:
            for name, zone in named.items():
                if name in wanted:
                    self._acquire(name, zone)
            self._drop_mirrors()
            read = {name: source.zone for name, source in self._sources.items()}
        self._domains = make_domains(read, "read from powercap")
        self.poll_interval_s = safe_interval_s(self._asked_interval_s, self._domains)
        if not any(domain.additive for domain in self._domains):
            self.close()
            raise self._nothing_left(named)

    def close(self) -> None:
        """Let the files go."""
        with self._lock:
            for source in self._sources.values():
                source.counter.close()
            self._sources = {}

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The counters that can be read; none before the meter was opened."""
        return self._domains

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Counters that are there and are not read."""
        return tuple(self._problems)

    def read(self) -> Joules:
        """Joules of each counter, raw.

        Raises:
            MeterError: if the meter is not open, or none of its counters can be read now.
        """
        with self._lock:
            if not self._sources:
                raise MeterError("the RAPL meter is read while closed", "open it first")
            shown = {name: source.counter.joules() for name, source in self._sources.items()}
        if all(joules is None for joules in shown.values()):
            raise MeterError(
                f"none of {', '.join(shown)} can be read any more",
                "see whether the module intel_rapl_msr is still loaded",
            )
        return shown

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature and clock of the processor, for each package."""
        now = cpu_conditions(self._sys)
        return {domain.name: now for domain in self._domains if domain.kind == "package"}

    def _acquire(self, name: str, zone: Zone) -> None:
        """Open a counter, or say why not."""
        counter = _Counter(zone.counter)
        if counter.joules() is not None:
            self._sources[name] = _Source(zone, counter)
            return
        counter.close()
        if is_denied(zone.counter):
            self._problems.append(Problem(name, why_denied(zone.counter), GRANT))
        else:
            why = f"{zone.counter} is not there or shows no number"
            self._problems.append(Problem(name, why, "see what the kernel's log says of intel_rapl"))

    def _drop_mirrors(self) -> None:
        """Of dies that show the same counter, keep the first."""
        kept: list[str] = []
        for name, (zone, counter) in list(self._sources.items()):
            if zone.socket is None or zone.kind not in ADDITIVE:
                continue
            first = next((other for other in kept if self._is_mirror(other, zone, counter)), None)
            if first is None:
                kept.append(name)
                continue
            why = f"it mirrors {first}: both show the counter of the whole socket"
            self._problems.append(Problem(name, why, f"nothing to do: {first} has all the joules"))
            self._sources.pop(name).counter.close()

    def _is_mirror(self, first: str, zone: Zone, counter: _Counter) -> bool:
        other = self._sources[first]
        same_socket = (other.zone.kind, other.zone.socket) == (zone.kind, zone.socket)
        return same_socket and _agree(other.counter, counter)

    def _nothing_left(self, named: Mapping[str, Zone]) -> MeterError:
        """The error where nothing that adds up can be read: a missing right before any other reason."""
        for problem in sorted(self._problems, key=lambda problem: problem.mend != GRANT):
            if problem.what in named:
                return MeterError(f"{problem.what}: {problem.why}", problem.mend)
        return MeterError(
            f"meter.exclude leaves no whole package of {', '.join(named) or 'zones without a known name'}",
            "exclude less",
        )


def _agree(first: _Counter, other: _Counter) -> bool:
    """Whether the other counter always shows what the first does, and does so while that moves."""
    shown_j: set[float] = set()
    for look in range(1, MIRROR_PATIENCE + 1):
        before_j, between_j, after_j = first.joules(), other.joules(), first.joules()
        if before_j is None or not between_j or after_j is None:
            return False
        started_over = after_j < before_j
        if not started_over and not before_j - MIRROR_SLACK_J <= between_j <= after_j + MIRROR_SLACK_J:
            return False
        shown_j |= {before_j, after_j}
        if look >= MIRROR_LOOKS and len(shown_j) > 1:
            return True
        time.sleep(2 * TICK_S)
    return False
