"""Temperature and clock of the CPU, from Linux's sysfs.

    temperature   thermal/thermal_zone*/{type,temp}            zones that name the package (x86_pkg_temp, cpu-thermal)
                  hwmon/hwmon*/{name,temp*_label,temp*_input}  the package's own sensor (coretemp, k10temp, ...)
    clock         devices/system/cpu/cpu*/cpufreq/scaling_cur_freq

Millidegrees and kilohertz there (Documentation/driver-api/thermal/sysfs-api.rst, hwmon/sysfs-interface.rst and
admin-guide/pm/cpufreq.rst in the kernel tree), degrees and megahertz here. Of several packages the hottest counts;
the clock is the mean over the cores.

Limits: idle cores count in the mean clock. ``/proc/cpuinfo`` is not asked: without cpufreq its "cpu MHz" is a
constant of the boot. Virtual machines and containers mostly show neither: ``None``. A reading costs about 20 us a
core, so it is taken between epochs.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

from sweep.records import Conditions

ZONES = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "cpu0-thermal", "soc_thermal", "soc-thermal")
"""Types of thermal zones of the whole package, by rising doubt."""

SENSORS = {
    "coretemp": ("Package id ",),
    "k10temp": ("Tdie", "Tctl"),
    "zenpower": ("Tdie", "Tctl"),
    "cpu_thermal": ("",),
}
"""Labels of the package's sensor for each hwmon driver, the better first. Tctl is Tdie plus an offset on some chips,
and all there is on others. A sensor without a label has the label ``""``."""


def cpu_conditions(sys: Path = Path("/sys")) -> Conditions:
    """Temperature and mean clock now; ``None`` for what no sensor tells.

    Args:
        sys: where sysfs is mounted.
    """
    return Conditions(temperature_c=_temperature_c(sys), clock_mhz=_clock_mhz(sys))


def _temperature_c(sys: Path) -> float | None:
    """The hottest package: of the first kind of sensor that answers."""
    zones = [(_read(zone / "type"), zone / "temp") for zone in sys.glob("class/thermal/thermal_zone*")]
    kinds = [[path for name, path in zones if name == kind] for kind in ZONES]
    kinds += [list(_inputs(sys, driver, label)) for driver, labels in SENSORS.items() for label in labels]
    for paths in kinds:
        found = [milli for path in paths if (milli := _number(path)) is not None]
        if found:
            return max(found) / 1e3
    return None


def _inputs(sys: Path, driver: str, label: str) -> Iterator[Path]:
    """Temperature inputs of one hwmon driver whose label begins with ``label``; an empty one stands for none."""
    for folder in sys.glob("class/hwmon/hwmon*"):
        if _read(folder / "name") == driver:
            for path in sorted(folder.glob("temp*_input")):
                own = _read(path.with_name(path.name.replace("_input", "_label"))) or ""
                if own.startswith(label) and bool(own) == bool(label):
                    yield path


def _clock_mhz(sys: Path) -> float | None:
    files = sys.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    clocks_khz = [khz for path in files if (khz := _number(path))]  # a core that is offline reads 0 or not at all
    return statistics.fmean(clocks_khz) / 1e3 if clocks_khz else None


def _number(path: Path) -> float | None:
    text = _read(path)
    try:
        return None if text is None else float(int(text))
    except ValueError:
        return None


def _read(path: Path) -> str | None:
    """A file of sysfs; ``None`` if it is missing, or its sensor does not answer."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
