"""Sensors of the CPU, read from fake sysfs trees."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sweep.energy.host.conditions import cpu_conditions
from sweep.records import Conditions

INTEL = {
    "class/thermal/thermal_zone0/type": "acpitz\n",
    "class/thermal/thermal_zone0/temp": "27800\n",
    "class/thermal/thermal_zone1/type": "x86_pkg_temp\n",
    "class/thermal/thermal_zone1/temp": "61000\n",
}
CORETEMP = {
    "class/hwmon/hwmon3/name": "coretemp\n",
    "class/hwmon/hwmon3/temp1_label": "Package id 0\n",
    "class/hwmon/hwmon3/temp1_input": "55000\n",
    "class/hwmon/hwmon3/temp2_label": "Core 0\n",
    "class/hwmon/hwmon3/temp2_input": "58000\n",
}
RYZEN = {
    "class/hwmon/hwmon0/name": "nvme\n",
    "class/hwmon/hwmon0/temp1_label": "Composite\n",
    "class/hwmon/hwmon0/temp1_input": "80000\n",
    "class/hwmon/hwmon1/name": "k10temp\n",
    "class/hwmon/hwmon1/temp1_label": "Tctl\n",
    "class/hwmon/hwmon1/temp1_input": "77250\n",
    "class/hwmon/hwmon1/temp2_label": "Tdie\n",
    "class/hwmon/hwmon1/temp2_input": "50250\n",
}
RASPBERRY = {"class/hwmon/hwmon0/name": "cpu_thermal\n", "class/hwmon/hwmon0/temp1_input": "48312\n"}


def _tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "temperature_c"),
    [
        pytest.param(INTEL, 61.0, id="thermal zone of the package"),
        pytest.param(CORETEMP, 55.0, id="package and not core"),
        pytest.param(INTEL | CORETEMP, 61.0, id="zone before hwmon"),
        pytest.param(RYZEN, 50.25, id="Tdie before Tctl"),
        pytest.param(RASPBERRY, 48.312, id="sensor without label"),
        pytest.param(
            INTEL | {"class/thermal/thermal_zone2/type": "x86_pkg_temp", "class/thermal/thermal_zone2/temp": "70500"},
            70.5,
            id="hottest of two packages",
        ),
        pytest.param({"class/thermal/thermal_zone0/type": "acpitz", "class/thermal/thermal_zone0/temp": "1"}, None),
        pytest.param(CORETEMP | {"class/hwmon/hwmon3/temp1_input": "N/A"}, None, id="unreadable"),
        pytest.param({}, None, id="no sensor"),
    ],
)
def test_temperature_is_that_of_the_package_in_degrees(
    tmp_path: Path, files: Mapping[str, str], temperature_c: float | None
) -> None:
    assert cpu_conditions(_tree(tmp_path, files)).temperature_c == temperature_c


def test_a_zone_that_does_not_answer_leaves_the_word_to_hwmon(tmp_path: Path) -> None:
    root = _tree(tmp_path, INTEL | CORETEMP)
    (root / "class/thermal/thermal_zone1/temp").unlink()
    assert cpu_conditions(root).temperature_c == 55.0


def test_clock_is_the_mean_over_the_cores_that_are_online(tmp_path: Path) -> None:
    cores = {"cpu0": "3000000\n", "cpu1": "2000000\n", "cpu10": "1000000\n", "cpu11": "0\n"}
    files = {f"devices/system/cpu/{core}/cpufreq/scaling_cur_freq": khz for core, khz in cores.items()}
    files["devices/system/cpu/cpufreq/policy0/scaling_cur_freq"] = "9000000"
    (tmp_path / "devices/system/cpu/cpu12").mkdir(parents=True)
    assert cpu_conditions(_tree(tmp_path, files)).clock_mhz == 2000.0


def test_without_cpufreq_the_clock_is_not_known(tmp_path: Path) -> None:
    assert cpu_conditions(_tree(tmp_path, {"devices/system/cpu/cpu0/topology/core_id": "0"})).clock_mhz is None


def test_links_are_followed_as_sysfs_has_them(tmp_path: Path) -> None:
    _tree(tmp_path / "devices/virtual/thermal/thermal_zone0", {"type": "x86_pkg_temp", "temp": "42000"})
    _tree(tmp_path / "devices/system/cpu/cpufreq/policy0", {"scaling_cur_freq": "1500000"})
    (tmp_path / "class/thermal").mkdir(parents=True)
    (tmp_path / "devices/system/cpu/cpu0").mkdir()
    (tmp_path / "class/thermal/thermal_zone0").symlink_to(tmp_path / "devices/virtual/thermal/thermal_zone0")
    (tmp_path / "devices/system/cpu/cpu0/cpufreq").symlink_to(tmp_path / "devices/system/cpu/cpufreq/policy0")
    assert cpu_conditions(tmp_path) == Conditions(temperature_c=42.0, clock_mhz=1500.0)
