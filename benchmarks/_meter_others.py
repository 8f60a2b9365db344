"""Other libraries that measure joules: zeus, codecarbon and pyJoules, each used as its documentation says.

Only where they look for sysfs is changed. zeus would synchronise CUDA before it reads; there is none here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from _meter_tool import Found, Tool

J_PER_KWH = 3.6e6


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


def zeus_on(root: Path) -> Any:
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
        available, interface = cpu.is_rapl_available(folder), cpu.IntelRAPL
        with (
            mock.patch.object(cpu, "is_rapl_available", return_value=available),
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
