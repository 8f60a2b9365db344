"""Tools that measure joules, each used for one window as its documentation says.

    sweep           a Recorder around our meter nvml, rapl or pyjoules, polled at its default interval
    zeus            ZeusMonitor.begin_window, end_window
    codecarbon      OfflineEmissionsTracker.start, stop; a tracker for each window
    pyJoules        EnergyContext around the window
    nvidia-smi      mean of nvmlDeviceGetPowerUsage, polled ten times a second, times duration (equation 1)

Only where tools look for sysfs is changed. zeus would synchronise CUDA before it reads; there is none here. Of
processors, the joules of whole packages are compared: zeus' ``cpu_energy`` and pyJoules' ``package_*`` summed, and
codecarbon's ``cpu_energy``.
"""

import statistics
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

sys.path.append(str(Path(__file__).parents[1]))

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder

J_PER_KWH = 3.6e6
SMI_INTERVAL_S = 0.1
PATIENCE_S = 10.0


class Found(NamedTuple):
    """What a tool says of one row in one window.

    Attributes:
        u_j: its standard uncertainty, that of the scale left out; ``None`` if it names none.
        polled_j: mean polled power times duration, where the tool tells that too.
    """

    energy_j: float | None
    u_j: float | None = None
    polled_j: float | None = None


class Tool(ABC):
    """A tool on some rows of a scene, which share its beginning and end of a window.

    Args:
        rows: names.
    """

    def __init__(self, rows: Sequence[str]) -> None:
        self.rows = list(rows)

    def prepare(self) -> None:  # noqa: B027 - few need it
        """Set up for a window, before it."""

    @abstractmethod
    def begin(self) -> None:
        """The window begins when this returns."""

    @abstractmethod
    def end(self) -> dict[str, Found]:
        """The window ends when this is called."""

    def close(self) -> None:  # noqa: B027
        """Leave nothing running."""


class Ours(Tool):
    """A recorder around one of our meters; a row is the sum of some of its domains."""

    def __init__(self, meter: Meter, domains: Mapping[str, Callable[[str], bool]]) -> None:
        super().__init__(list(domains))
        self._domains = domains
        self._recorder = Recorder(meter, warn=lambda text: None)
        self._recorder.__enter__()
        self._start_s = 0.0

    def begin(self) -> None:
        self._start_s = self._recorder.mark()

    def end(self) -> dict[str, Found]:
        end_s = self._recorder.mark()
        self._recorder.catch_up()
        energies = self._recorder.energy(self._start_s, end_s)
        found = {}
        for row, is_of in self._domains.items():
            parts = [energy for name, energy in energies.items() if is_of(name)]
            polled = [part.polled_j for part in parts if part.polled_j is not None]
            joules = [part.energy_j for part in parts if part.energy_j is not None]
            known = len(joules) == len(parts) > 0
            u_j = sum((part.u_random_j or 0.0) ** 2 for part in parts) ** 0.5
            found[row] = Found(sum(joules) if known else None, u_j if known else None, sum(polled) if polled else None)
        return found

    def close(self) -> None:
        self._recorder.__exit__(None, None, None)


class Zeus(Tool):
    """A ZeusMonitor; a row is one GPU, or all packages."""

    def __init__(self, rows: Sequence[str], monitor: Any, *, gpus: bool) -> None:
        super().__init__(rows)
        self._monitor = monitor
        self._gpus = gpus

    def begin(self) -> None:
        self._monitor.begin_window("window", sync_execution=False, restart=True)

    def end(self) -> dict[str, Found]:
        measured = self._monitor.end_window("window", sync_execution=False)
        if self._gpus:
            return {row: Found(measured.gpu_energy[index]) for index, row in enumerate(self.rows)}
        if measured.cpu_energy is None:
            raise RuntimeError("no cpu_energy")
        return {self.rows[0]: Found(sum(measured.cpu_energy.values()))}

    def close(self) -> None:
        if self._monitor.power_monitor is not None:
            self._monitor.power_monitor.stop()


class Carbon(Tool):
    """A codecarbon tracker of one GPU or of one powercap tree."""

    def __init__(self, row: str, interval_s: float, number: int, root: Path | None = None) -> None:
        super().__init__([row])
        self._interval_s = interval_s
        self._number, self._root = number, root
        self._tracker: Any = None

    def prepare(self) -> None:
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.core import cpu
        from codecarbon.external import hardware

        # it remembers what it found for trackers of the same options: a power for RAM tells the trees apart
        options = {"gpu_ids": [self._number]} if self._root is None else {"force_ram_power": self._number + 1}
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="FRA",
            measure_power_secs=self._interval_s,
            output_methods=[],
            log_level="critical",
            allow_multiple_runs=True,
            **options,
        )
        if self._root is None:
            self._tracker.get_detected_hardware()
            return
        folder = str(self._root / "class" / "powercap" / "intel-rapl" / "subsystem")
        available, interface = cpu.is_rapl_available, cpu.IntelRAPL
        with (
            mock.patch.object(cpu, "is_rapl_available", lambda: available(folder)),
            mock.patch.object(hardware, "IntelRAPL", lambda **options: interface(**{**options, "rapl_dir": folder})),
        ):
            self._tracker.get_detected_hardware()

    def begin(self) -> None:
        self._tracker.start()

    def end(self) -> dict[str, Found]:
        self._tracker.stop()
        data = self._tracker.final_emissions_data
        kwh = data.gpu_energy if self._root is None else data.cpu_energy
        return {self.rows[0]: Found(kwh * J_PER_KWH)}


class PyJoules(Tool):
    """An EnergyContext of one GPU or of all that pyJoules finds in a powercap tree."""

    def __init__(self, row: str, *, gpu: int | None = None, root: Path | None = None) -> None:
        super().__init__([row])
        self._gpu, self._root = gpu, root
        self._context: Any = None
        self._handler: Any = None

    def prepare(self) -> None:
        from pyJoules.device import rapl_device
        from pyJoules.device.nvidia_device import NvidiaGPUDevice, NvidiaGPUDomain
        from pyJoules.energy_meter import EnergyContext
        from pyJoules.handler import EnergyHandler

        self._handler = EnergyHandler()
        if self._root is None:
            NvidiaGPUDevice.available_domains()  # initialises NVML
            self._context = EnergyContext(handler=self._handler, domains=[NvidiaGPUDomain(self._gpu)])
            return
        with mock.patch.object(rapl_device, "RAPL_API_DIR", str(self._root / "class" / "powercap" / "intel-rapl")):
            self._context = EnergyContext(handler=self._handler)

    def begin(self) -> None:
        self._context.__enter__()

    def end(self) -> dict[str, Found]:
        self._context.__exit__(None, None, None)
        (sample,) = self._handler.traces[-1]
        if self._gpu is not None:
            return {self.rows[0]: Found(sample.energy[f"nvidia_gpu_{self._gpu}"] / 1e3)}
        return {self.rows[0]: Found(sum(uj for name, uj in sample.energy.items() if name.startswith("package")) / 1e6)}


class Smi(Tool):
    """Polls the power that nvidia-smi shows."""

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__(rows)
        self._watts: list[list[float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread()
        self._start_s = 0.0

    def begin(self) -> None:
        self._watts, self._start_s = [], time.monotonic()
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, Found]:
        duration_s = time.monotonic() - self._start_s
        self._stop.set()
        self._thread.join(PATIENCE_S)
        means_w = [statistics.fmean(column) for column in zip(*self._watts, strict=True)]
        return {row: Found(mean_w * duration_s) for row, mean_w in zip(self.rows, means_w, strict=True)}

    def _poll(self) -> None:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(len(self.rows))]
        while True:
            self._watts.append([pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3 for handle in handles])
            if self._stop.wait(SMI_INTERVAL_S):
                return


def gpu_tools(name: str, rows: Sequence[str], empty: Path) -> list[Tool]:
    """A tool by its name, on all GPUs; ``empty`` is a folder without processors."""
    if name in ("nvml", "pyjoules"):
        from sweep.energy.meters.nvml import NvmlMeter
        from sweep.energy.meters.pyjoules import PyJoulesMeter

        meter = NvmlMeter() if name == "nvml" else PyJoulesMeter(sysfs_root=str(empty))
        return [Ours(meter, {row: f"gpu:{index}".__eq__ for index, row in enumerate(rows)})]
    if name == "zeus":
        from zeus.monitor import ZeusMonitor

        return [Zeus(rows, ZeusMonitor(cpu_indices=[]), gpus=True)]
    if name in CARBON_INTERVALS_S:
        return [Carbon(row, CARBON_INTERVALS_S[name], index) for index, row in enumerate(rows)]
    if name == "pyJoules":
        return [PyJoules(row, gpu=index) for index, row in enumerate(rows)]
    return [Smi(rows)]


def tree_tools(name: str, roots: Mapping[str, Path]) -> list[Tool]:
    """A tool by its name, once for each powercap tree."""
    if name in ("rapl", "pyjoules"):
        from sweep.energy.meters.pyjoules import PyJoulesMeter
        from sweep.energy.meters.rapl import RaplMeter

        make = RaplMeter if name == "rapl" else PyJoulesMeter
        return _each(roots, lambda row, root: Ours(make(sysfs_root=str(root)), {row: _is_package}))
    if name == "zeus":
        return _each(roots, lambda row, root: Zeus([row], _zeus_on(root), gpus=False))
    if name in CARBON_INTERVALS_S:
        numbers = {row: number for number, row in enumerate(roots)}
        return _each(roots, lambda row, root: Carbon(row, CARBON_INTERVALS_S[name], numbers[row], root))
    return _each(roots, lambda row, root: PyJoules(row, root=root))


CARBON_INTERVALS_S = {"codecarbon": 15.0, "codecarbon, 1 s": 1.0}


class Refused(Tool):
    """A tool that could not be set up."""

    def __init__(self, rows: Sequence[str], error: Exception) -> None:
        super().__init__(rows)
        self._error = error

    def begin(self) -> None:
        raise self._error

    def end(self) -> dict[str, Found]:
        raise self._error


def _each(roots: Mapping[str, Path], make: Callable[[str, Path], Tool]) -> list[Tool]:
    tools: list[Tool] = []
    for row, root in roots.items():
        try:
            tools.append(make(row, root))
        except Exception as err:  # what a tool cannot do is a result
            tools.append(Refused([row], err))
    return tools


def _is_package(name: str) -> bool:
    return name.startswith("package:")


def _zeus_on(root: Path) -> Any:
    """A ZeusMonitor of the processors in a powercap tree."""
    from zeus.device import cpu
    from zeus.device.cpu import rapl
    from zeus.monitor import ZeusMonitor

    rapl.rapl_is_available.cache_clear()
    with (
        mock.patch.object(rapl, "RAPL_DIR", str(root / "class" / "powercap" / "intel-rapl")),
        mock.patch.object(cpu, "_cpus", None),
    ):
        monitor = ZeusMonitor(gpu_indices=[])
        monitor.begin_window("start the watchers", sync_execution=False)
        monitor.end_window("start the watchers", sync_execution=False)
    return monitor
