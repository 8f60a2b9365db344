"""Tools that measure joules, each used for one window as its documentation says.

    sweep           a Recorder around our meter nvml, rapl or pyjoules, polled at its default interval
    zeus            ZeusMonitor.begin_window, end_window
    codecarbon      OfflineEmissionsTracker.start, stop; a tracker for each window
    pyJoules        EnergyContext around the window
    nvidia-smi      mean of nvmlDeviceGetPowerUsage, polled ten times a second, times duration (equation 1)

Of processors, the joules of whole packages are compared: zeus' ``cpu_energy`` and pyJoules' ``package_*`` summed, and
codecarbon's ``cpu_energy``.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from _meter_others import Carbon, PyJoules, Zeus, zeus_on
from _meter_tool import Ours, Refused, Smi, Tool

CARBON_INTERVALS_S = {"codecarbon": 15.0, "codecarbon, 1 s": 1.0}


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
        return _each(roots, lambda row, root: Zeus([row], zeus_on(root), gpus=False))
    if name in CARBON_INTERVALS_S:
        numbers = {row: number for number, row in enumerate(roots)}
        return _each(roots, lambda row, root: Carbon(row, CARBON_INTERVALS_S[name], numbers[row], root))
    return _each(roots, lambda row, root: PyJoules(row, root=root))


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
