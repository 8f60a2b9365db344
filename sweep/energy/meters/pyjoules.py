"""Energy of processors and GPUs by pyJoules' device drivers, one short read at a time.

    E = RaplDevice.get_energy() / 10^6        microjoules, raw: a wrap is the recorder's affair
    E = NvidiaGPUDevice.get_energy() / 10^3   millijoules

pyJoules (https://github.com/powerapi-ng/pyJoules, 0.5.1) without its traces, for comparison with work that was measured
by it. What its drivers lack is added: units, ranges, files closed after reading, and one driver for each domain, so
that one that fails takes no other with it. Zones, names and what their joules are worth: ``sweep.energy.powercap``;
GPUs are those that torch sees, under its numbers: ``sweep.energy.nvml``.

Limits: pyJoules knows zone N only if it is called ``package-N``, so no sockets of several dies, none behind a ``psys``,
and no platform; MMIO zones neither. Each file is opened for each reading. GPUs without an energy counter (before
Volta) are not read.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sweep.energy.host.conditions import cpu_conditions
from sweep.energy.meter import Meter, Problem, check_interval
from sweep.energy.nvml.driver import Driver
from sweep.energy.nvml.gpu import Gpu
from sweep.energy.nvml.visible import ORDER, VARIABLE, Board, visible
from sweep.energy.powercap.access import GRANT, is_denied, why_absent, why_denied
from sweep.energy.powercap.domains import keep_wanted, make_domains, name_zones, safe_interval_s
from sweep.energy.powercap.zones import MSR, Zone, find_zones
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Conditions, Domain, Joules

_ROOT_LOCK = threading.Lock()
"""pyJoules keeps its sysfs root in a constant of its module."""


class _Part(NamedTuple):
    """A domain and how pyJoules reads it."""

    domain: Domain
    read_j: Callable[[], float]


class PyJoulesMeter(Meter):
    """What pyJoules can read of this machine.

    Args:
        sysfs_root: where sysfs is mounted; another folder in a container, or in a test.
        exclude: domains to leave out, e.g. ``dram:1``, or a kind of them, e.g. ``gpu``.
        poll_interval_s: seconds between two polled readings; lowered where a counter could start over in between.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    exact: bool = True

    def __init__(
        self, *, sysfs_root: str = "/sys", exclude: tuple[str, ...] = (), poll_interval_s: float = 0.1
    ) -> None:
        check_interval(poll_interval_s)
        self.poll_interval_s = self._asked_interval_s = poll_interval_s
        self._sys = Path(sysfs_root).expanduser()
        self._exclude = exclude
        self._attended: str | None = None
        self._taken = ExitStack()
        self._parts: dict[str, _Part] = {}
        self._domains: tuple[Domain, ...] = ()
        self._problems: list[Problem] = []
        self._lock = threading.Lock()

    def attend(self, device: str) -> None:
        """Of the GPUs, read only the one that works."""
        kind, _, number = device.partition(":")
        self._attended = f"gpu:{number or 0}" if kind == "cuda" else None

    def open(self) -> None:
        """Let pyJoules find its devices.

        Raises:
            SensorAbsentError: if there is neither a RAPL zone nor a GPU.
            MeterError: if pyJoules is not installed, or can read nothing that adds up.
            ConfigError: if a name in ``exclude`` is no domain.
        """
        self.close()
        self._problems = []
        try:
            parts = {part.domain.name: part for part in (*self._processors(), *self._gpus())}
            wanted = keep_wanted(self._exclude, parts)
            self._parts = {name: part for name, part in parts.items() if name in wanted and self._answers(part)}
            self._domains = tuple(part.domain for part in self._parts.values())
            if not any(domain.additive for domain in self._domains):
                raise self._nothing()
        except BaseException:
            self.close()
            raise
        self.poll_interval_s = safe_interval_s(self._asked_interval_s, self._domains)

    def close(self) -> None:
        """Give NVML back as often as it was taken."""
        with self._lock:
            self._parts = {}
            self._taken.close()

    @property
    def domains(self) -> tuple[Domain, ...]:
        """What pyJoules can read; none before the meter was opened."""
        return self._domains

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What pyJoules does not recognise or cannot read."""
        return tuple(self._problems)

    def read(self) -> Joules:
        """Joules of each counter, raw; ``None`` where pyJoules raises, or returns no energy.

        Raises:
            MeterError: if the meter is not open, or none of its counters can be read now.
        """
        with self._lock:
            if not self._parts:
                raise MeterError("the pyJoules meter is read while closed", "open it first")
            shown = {name: _joules(part) for name, part in self._parts.items()}
        if all(joules is None for joules in shown.values()):
            raise MeterError(f"pyJoules reads none of {', '.join(shown)} any more", "try meter=rapl or meter=nvml")
        return shown

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature and clock of the processor, for each package."""
        now = cpu_conditions(self._sys)
        return {domain.name: now for domain in self._domains if domain.kind == "package"}

    def _processors(self) -> list[_Part]:
        """What pyJoules finds below the sysfs root, and problems for what it does not."""
        named, self._problems = name_zones(find_zones(self._sys))
        with _sysfs_root(self._sys) as rapl:
            devices = {
                name: device for device, name in ((device, _name(device, named)) for device in _devices(rapl)) if name
            }
        for name, zone in named.items():
            if name not in devices:
                why = f"pyJoules does not recognise {zone.label} at {zone.address}"
                self._problems.append(Problem(name, why, "take meter=rapl, which reads it"))
        domains = make_domains({name: named[name] for name in devices}, "read by pyJoules from powercap")
        return [_Part(domain, _scaled(devices[domain.name], 1e6)) for domain in domains]

    def _gpus(self) -> list[_Part]:
        """What pyJoules finds of the GPUs that torch sees."""
        try:
            driver = Driver()
        except SensorAbsentError:
            return []
        except MeterError as err:
            self._problems.append(Problem("gpu", err.problem, err.mend))
            return []
        self._taken.callback(driver.close)
        try:
            handles = [
                driver.call("nvmlDeviceGetHandleByIndex", index) for index in range(driver.call("nvmlDeviceGetCount"))
            ]
            boards = [
                Board(driver.call("nvmlDeviceGetUUID", handle), driver.call("nvmlDeviceGetName", handle))
                for handle in handles
            ]
            seen = visible(os.environ.get(VARIABLE), os.environ.get(ORDER), boards)
            gpus = [
                (index, Gpu(driver, ordinal, handles[index], time.monotonic, self._asked_interval_s))
                for ordinal, index in enumerate(seen)
            ]
            return [part for index, gpu in gpus if (part := self._gpu(driver, index, gpu)) is not None]
        except driver.error as err:
            self._problems.append(Problem("gpu", f"NVIDIA's driver refuses ({err})", "run nvidia-smi"))
        except MeterError as err:  # a slice of a GPU, or numbers that may mean several
            self._problems.append(Problem("gpu", err.problem, err.mend))
        return []

    def _gpu(self, driver: Driver, index: int, gpu: Gpu) -> _Part | None:
        """One GPU; ``None`` if it is not to be read, or cannot be."""
        from pyJoules.device.nvidia_device import NvidiaGPUDevice, NvidiaGPUDomain

        if self._attended is not None and gpu.name != self._attended:
            return None
        obstacle = gpu.obstacle()
        if obstacle is None and not gpu.has_counter:
            obstacle = Problem(gpu.name, f"{gpu.model} has no energy counter for pyJoules", "take meter=nvml")
        if obstacle is not None:
            self._problems.append(obstacle)
            return None
        device = NvidiaGPUDevice()  # initialises NVML once more, and never gives it back
        self._taken.callback(_shut_down, driver)
        device.configure([NvidiaGPUDomain(index)])
        domain = msgspec.structs.replace(gpu.domain(), source=f"NVML energy counter of {gpu.model}, read by pyJoules")
        return _Part(domain, _scaled(device, 1e3))

    def _answers(self, part: _Part) -> bool:
        """Whether a first reading succeeds; if not, a problem."""
        if _joules(part) is not None:
            return True
        name = part.domain.name
        zone = next((zone for zone in find_zones(self._sys) if zone.domain == name), None)
        if zone is not None and is_denied(zone.counter):
            self._problems.append(Problem(name, why_denied(zone.counter), GRANT))
        else:
            self._problems.append(Problem(name, "pyJoules reads no energy", "try meter=rapl or meter=nvml"))
        return False

    def _nothing(self) -> MeterError:
        """The error where nothing that adds up can be read: a missing right before any other reason."""
        zones = find_zones(self._sys)
        ours = [problem for problem in self._problems if not problem.what.startswith(MSR)]
        for problem in sorted(ours, key=lambda problem: problem.mend != GRANT):
            return MeterError(f"{problem.what}: {problem.why}", problem.mend)
        if not any(zone.folder.exists() for zone in zones):
            return why_absent(self._sys, zones)
        return MeterError("meter.exclude leaves nothing that adds up", "exclude less")


@contextmanager
def _sysfs_root(sys: Path) -> Iterator[Any]:
    """PyJoules' RAPL module, with its root below ours.

    Raises:
        MeterError: if pyJoules is not installed.
    """
    try:
        from pyJoules.device import rapl_device
    except ImportError as err:
        raise MeterError(f"pyJoules cannot be imported ({err})", "pip install pyjoules") from err
    with _ROOT_LOCK:
        before = rapl_device.RAPL_API_DIR
        rapl_device.RAPL_API_DIR = str(sys / "class" / "powercap" / MSR)
        try:
            yield rapl_device
        finally:
            rapl_device.RAPL_API_DIR = before


def _devices(rapl: Any) -> list[Any]:
    """One driver for each RAPL domain that pyJoules finds."""

    class ClosingRaplDevice(rapl.RaplDevice):  # type: ignore[misc]
        def _read_energy_value(self, api_file: Any) -> float:
            with api_file:
                return float(super()._read_energy_value(api_file))

    found = []
    with suppress(rapl.NoSuchDeviceError):
        for domain in rapl.RaplDevice.available_domains():
            device = ClosingRaplDevice()
            device.configure([domain])
            found.append(device)
    return found


def _name(device: Any, named: Mapping[str, Zone]) -> str | None:
    """Our name for what a driver reads: that of the zone at its number, or of the part of it with its name."""
    (domain,) = device.get_configured_domains()
    kind, address = domain.get_domain_name(), f"{MSR}:{domain.socket}"
    return next((name for name, zone in named.items() if zone.kind == kind and zone.is_within(address)), None)


def _shut_down(driver: Driver) -> None:
    with suppress(driver.error):
        driver.call("nvmlShutdown")


def _scaled(device: Any, units_a_joule: float) -> Callable[[], float]:
    return lambda: float(device.get_energy()[0]) / units_a_joule


def _joules(part: _Part) -> float | None:
    """Joules of a part now."""
    try:
        joules = part.read_j()
    except Exception:  # whatever the library, the driver or the file raises
        return None
    return joules if math.isfinite(joules) and joules >= 0 else None
