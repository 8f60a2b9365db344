"""The benchmark of the processor table: a made report of a server whose watts are known."""

from pathlib import Path

import pytest

from benchmarks import table_model
from sweep.energy.host.cpu_table import Table

CPUINFO = """processor\t: {number}
model name\t: Intel(R) Xeon(R) Made 1000 CPU @ 3.00GHz
physical id\t: {package}
siblings\t: 4
flags\t\t: fpu

"""
STEPS = """CPUStress,8,0,40.00,10.00,42.60
CPUStress,8,10,40.00,20.00,42.60
CPUStress,8,50,110.00,20.00,42.60
CPUStress,8,100,100.00,20.00,42.60
VMStress,8,100,200.00,40.00,59.10
[36mINFO[0m[0096] [turbostat -q -c package]
"""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages of 100 W with four threads each: the model says 20, 38, 110 and 200 W."""
    csv = tmp_path / "cpu_power.csv"
    csv.write_text("Name,TDP\nIntel Xeon Made 1000,100\n")
    monkeypatch.setattr("sweep.energy.host.core_power.installed_table", lambda: Table(csv, "made"))
    path = tmp_path / "c5_May21_Mars_loadstep10.csv"
    path.write_text("".join(CPUINFO.format(number=n, package=n // 4) for n in range(8)) + "\n#---\n" + STEPS)
    return path


def test_measured_over_modelled_power(report: Path) -> None:
    server = table_model.read_server(report)
    assert server.threads == 8
    ratios = table_model.ratios(server, server.power.static_w, server.power.dynamic_w)
    assert ratios == pytest.approx({0: 40 / 20, 10: 40 / 38, 50: 1.0, 100: 0.5})


def test_lines_of_the_log_are_no_steps(report: Path) -> None:
    assert [step.test for step in table_model.read_server(report).steps] == ["CPUStress"] * 4 + ["VMStress"]


def test_spread_by_hand() -> None:
    assert table_model.spread([0.5, 2.0]) == "1.00 (RMS ln 0.69)"


def test_memory_for_each_gib(report: Path) -> None:
    assert table_model.memory_table([table_model.read_server(report)]).endswith("| 192 | 0.05 | 0.10 | 0.21 |")
