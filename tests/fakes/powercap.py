"""A sysfs tree with RAPL counters, laid out as the kernel does, under any folder.

    devices/virtual/powercap/intel-rapl/                       the control type
        enabled  uevent  subsystem -> ../../../../class/powercap
        intel-rapl:0/                                          a zone: name, energy_uj, max_energy_range_uj, ...
            device -> ../../intel-rapl
            intel-rapl:0:0/                                    its subzone
    class/powercap/intel-rapl      -> ../../devices/virtual/powercap/intel-rapl
    class/powercap/intel-rapl:0    -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0
    class/powercap/intel-rapl:0:0  -> ../../devices/virtual/powercap/intel-rapl/intel-rapl:0/intel-rapl:0:0

Each zone is a 32-bit register that counts units of energy and starts over (drivers/powercap/intel_rapl_common.c);
``energy_uj`` shows it in microjoules. On Intel a unit is 61.035 uJ, so the register starts over at 262.1 kJ; on AMD
15.258 uJ and 65.5 kJ. Counters are written in place, in one write of fixed width: a reader that keeps the file open
sees every value whole, padded with line feeds (the kernel pads nothing).

Limits: no driver behind it. A removed zone leaves an unlinked file where the kernel's says ENODEV, and a tree owned by
root can be read by root: ``denied`` stands in for the permission.
"""

import builtins
import errno
import io
import os
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from fakes.power import Power

REGISTER = 1 << 32
INTEL_RANGE_J = REGISTER * 61.035e-6
AMD_RANGE_J = REGISTER * 15.258e-6
WIDTH = 24
"""Bytes of every counter file, the padding included."""
TICK_S = 1e-3


class Zone:
    """One power zone: a register that counts units of energy.

    Args:
        folder: its folder under ``devices``.
        range_j: joules at which the register starts over.
        start_j: joules counted before, since the machine was started.
    """

    def __init__(self, folder: Path, name: str, range_j: float, max_power_w: float | None, start_j: float) -> None:
        self.folder = folder
        self.name = name
        self.unit_j = range_j / REGISTER
        self.total_j = start_j
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "enabled").write_text("0\n")
        (folder / "uevent").write_text("")
        (folder / "max_energy_range_uj").write_text(f"{int((REGISTER - 1) * self.unit_j * 1e6)}\n")
        if max_power_w is not None:
            (folder / "constraint_0_name").write_text("long_term\n")
            (folder / "constraint_0_max_power_uw").write_text(f"{int(max_power_w * 1e6)}\n")
            (folder / "constraint_0_power_limit_uw").write_text(f"{int(max_power_w * 1e6)}\n")
        self._descriptor = os.open(self.counter, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o400)
        self._close = weakref.finalize(self, os.close, self._descriptor)
        self.write(self.shown_uj())

    @property
    def counter(self) -> Path:
        """The file ``energy_uj``."""
        return self.folder / "energy_uj"

    @property
    def range_j(self) -> float:
        """Joules at which the register starts over."""
        return REGISTER * self.unit_j

    def shown_uj(self) -> int:
        """What the register shows, in microjoules: whole units, without the passes before."""
        return int(int(self.total_j / self.unit_j) % REGISTER * self.unit_j * 1e6)

    def write(self, value: object) -> None:
        """Write any content into the counter's file in place, e.g. garbage."""
        os.pwrite(self._descriptor, f"{value}\n".encode().ljust(WIDTH, b"\n"), 0)


class FakePowercap:
    """A sysfs root whose RAPL counters are moved by hand, by a clock, or in real time.

    Zones are addressed as the kernel numbers them: ``0`` for ``intel-rapl:0``, ``0:1`` for its second subzone; those of
    another control type by their whole name, e.g. ``intel-rapl-mmio:0``.

    Attributes:
        root: what stands for ``/sys``.
        zones: by address.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.zones: dict[str, Zone] = {}
        (root / "class" / "powercap").mkdir(parents=True)
        (root / "devices" / "virtual" / "powercap").mkdir(parents=True)
        self._synced_s: float | None = None

    def add(
        self,
        address: str,
        name: str,
        *,
        range_j: float = INTEL_RANGE_J,
        max_power_w: float | None = None,
        start_j: float = 0.0,
    ) -> Zone:
        """Add a zone below its parent, with the links that the kernel makes."""
        full = address if address.startswith("intel") else f"intel-rapl:{address}"
        control, *numbers = full.split(":")
        folder = self._control_type(control)
        for depth in range(len(numbers)):
            folder /= ":".join([control, *numbers[: depth + 1]])
        zone = Zone(folder, name, range_j, max_power_w, start_j)
        self.zones[address] = zone
        (folder / "device").symlink_to(f"../../{folder.parent.name}")
        (folder / "subsystem").symlink_to("../" * (4 + len(numbers)) + "class/powercap")
        self._link(folder)
        return zone

    def _control_type(self, control: str) -> Path:
        folder = self.root / "devices" / "virtual" / "powercap" / control
        if not folder.exists():
            folder.mkdir()
            (folder / "enabled").write_text("1\n")
            (folder / "uevent").write_text("")
            (folder / "subsystem").symlink_to("../../../../class/powercap")
            self._link(folder)
        return folder

    def _link(self, folder: Path) -> None:
        target = Path("../..") / folder.relative_to(self.root)
        (self.root / "class" / "powercap" / folder.name).symlink_to(target)

    def advance(self, joules: Mapping[str, float] | float) -> None:
        """Count joules by address, or as many in each zone, starting over at the range."""
        steps = joules if isinstance(joules, Mapping) else dict.fromkeys(self.zones, joules)
        for address, step_j in steps.items():
            zone = self.zones[address]
            zone.total_j += step_j
            zone.write(zone.shown_uj())

    def set_counter(self, address: str, joules: float) -> None:
        """Let the register show this, as after a restart."""
        zone = self.zones[address]
        zone.total_j = joules
        zone.write(zone.shown_uj())

    def remove(self, address: str) -> None:
        """Take a zone and its subzones away, as a driver that is unloaded does."""
        folder = self.zones[address].folder
        for link in (self.root / "class" / "powercap").iterdir():
            if link.name == folder.name or link.name.startswith(f"{folder.name}:"):
                link.unlink()
        shutil.rmtree(folder)
        self.zones = {key: zone for key, zone in self.zones.items() if zone.folder.exists()}

    def sync(self, now_s: float, powers: Mapping[str, Power]) -> None:
        """Count what each zone spent since the last call, by address.

        Call it from the clock that is handed to the recorder, and each reading finds the joules of its own time.
        """
        then_s = now_s if self._synced_s is None else self._synced_s
        self._synced_s = now_s
        self.advance({address: power.energy_j(then_s, now_s) for address, power in powers.items()})

    @contextmanager
    def running(self, powers_w: Mapping[str, float], tick_s: float = TICK_S) -> Iterator[None]:
        """Count in real time at constant powers, by address, until the block ends.

        Each update counts up to the whole tick that ``time.monotonic`` has reached, so none is lost to a late thread.
        Whoever reads by ``os.pread`` finds the tick of that moment, however late the thread is.
        """
        start_s = time.monotonic()
        start_j = {address: self.zones[address].total_j for address in powers_w}
        stop, counting, pread = threading.Event(), threading.Lock(), os.pread

        def update() -> None:
            with counting:
                passed_s = (time.monotonic() - start_s) // tick_s * tick_s
                for address, power_w in powers_w.items():
                    zone = self.zones.get(address)
                    if zone is not None:
                        zone.total_j = start_j[address] + power_w * passed_s
                        zone.write(zone.shown_uj())

        def read(*args: int) -> bytes:
            update()
            return pread(*args)

        def tick() -> None:
            while not stop.wait(tick_s):
                update()

        thread = threading.Thread(target=tick, name="fake powercap", daemon=True)
        thread.start()
        try:
            with mock.patch.object(os, "pread", read):
                yield
        finally:
            stop.set()
            thread.join()
            update()

    @contextmanager
    def denied(self, *addresses: str) -> Iterator[None]:
        """Refuse to open the counters of these zones (none named: of all), even for root.

        Descriptors that are open already go on reading, as the kernel's do.
        """
        closed = {os.path.realpath(self.zones[address].counter) for address in addresses or self.zones}
        with (
            mock.patch.object(os, "open", _refusing(os.open, closed)),
            mock.patch.object(io, "open", _refusing(io.open, closed)),
            mock.patch.object(builtins, "open", _refusing(builtins.open, closed)),
        ):
            yield


def _refusing(opener: Callable[..., Any], closed: set[str]) -> Callable[..., Any]:
    def refuse(file: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(file, int) and os.path.realpath(os.fspath(file)) in closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(file))
        return opener(file, *args, **options)

    return refuse


def intel(root: Path, sockets: int = 1, *, start_j: float = 0.0) -> FakePowercap:
    """A server: for each socket a package with ``core`` and ``dram`` inside."""
    tree = FakePowercap(root)
    for socket in range(sockets):
        tree.add(f"{socket}", f"package-{socket}", max_power_w=150.0, start_j=start_j)
        tree.add(f"{socket}:0", "core", start_j=start_j)
        tree.add(f"{socket}:1", "dram", range_j=AMD_RANGE_J, max_power_w=40.0, start_j=start_j)
    return tree


def laptop(root: Path) -> FakePowercap:
    """A laptop: one package with core and uncore, the whole platform beside it, and the package by MMIO again."""
    tree = FakePowercap(root)
    tree.add("0", "package-0", max_power_w=28.0)
    tree.add("0:0", "core")
    tree.add("0:1", "uncore")
    tree.add("1", "psys")
    tree.add("intel-rapl-mmio:0", "package-0", max_power_w=28.0)
    return tree


def epyc(root: Path) -> FakePowercap:
    """An AMD server: a package with ``core``, no DRAM, no limits."""
    tree = FakePowercap(root)
    tree.add("0", "package-0", range_j=AMD_RANGE_J)
    tree.add("0:0", "core", range_j=AMD_RANGE_J)
    return tree


def dies(root: Path, start_j: tuple[float, ...], *, socket: int = 0) -> FakePowercap:
    """A socket of several dies, each with a package counter of its own that shows ``start_j``."""
    tree = FakePowercap(root)
    for die, joules in enumerate(start_j):
        tree.add(f"{die}", f"package-{socket}-die-{die}", range_j=AMD_RANGE_J, start_j=joules)
    return tree
