"""A processor's entry is found by its exact model, or not at all."""

from pathlib import Path

import pytest

from sweep.energy.host.cpu_table import Entry, find, installed_table, model_key

ROWS = """Name,TDP
AMD EPYC 7763,280.0
Intel Xeon Gold 6226R,150.0
Intel Xeon Gold 6226,125.0
Intel Xeon E5-2690,135.0
Intel Xeon E5-2690 v4,135.0
Intel Core i7-1165G7,28.0
AMD Ryzen 7 4800H,45.0
AMD FX-8350,125
Intel Xeon Platinum 8480+,350.0
Apple M1,10
Apple M1 Pro,30
Intel Atom E665CT,7
Intel Atom\xa0E665CT,3.6
AMD Ryzen 7 1700,65.0
AMD Ryzen 7 1700 Processor,65
Intel Celeron 1200,29.32.9
Intel Nothing 1,0.0
Intel Short 1
"""

KNOWN = {
    "AMD EPYC 7763 64-Core Processor": 280,
    "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz": 150,
    "Intel(R) Xeon(R) Gold 6226 CPU @ 2.70GHz": 125,
    "Intel(R) Xeon(R) CPU E5-2690 0 @ 2.90GHz": 135,
    "Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz": 135,
    "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz": 28,
    "AMD Ryzen 7 4800H with Radeon Graphics": 45,
    "AMD FX(tm)-8350 Eight-Core Processor": 125,
    "INTEL(R) XEON(R) PLATINUM 8480+": 350,
    "Apple M1": 10,
    "Apple M1 Pro": 30,
    "AMD Ryzen 7 1700 Eight-Core Processor": 65,
}
UNKNOWN = (
    "",
    "AMD EPYC",
    "AMD EPYC Processor",
    "AMD EPYC-Rome Processor",
    "AMD EPYC 7763P 64-Core Processor",
    "AMD EPYC 776",
    "Intel(R) Xeon(R) CPU @ 2.20GHz",
    "Intel Xeon Processor (Skylake, IBRS)",
    "Intel(R) Xeon(R) Gold 6226R X CPU @ 2.90GHz",
    "Intel(R) Xeon(R) CPU E5-2690 v3 @ 2.60GHz",
    "QEMU Virtual CPU version 2.5+",
    "Apple M1 Max",
    "Intel Celeron 1200",
    "Intel Nothing 1",
    "Intel Short 1",
    "Intel(R) Atom(TM) CPU E665CT @ 1.30GHz",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "cpu_power.csv"
    file.write_text(ROWS, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", KNOWN)
def test_a_model_is_found_in_any_dress(name: str, path: Path) -> None:
    entry = find(name, path)
    assert entry is not None
    assert entry.tdp_w == KNOWN[name]


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_names_no_model_of_the_table_matches_nothing(name: str, path: Path) -> None:
    assert find(name, path) is None


def test_the_entry_says_which_processor_it_is_of(path: Path) -> None:
    assert find("AMD EPYC 7763 64-Core Processor", path) == Entry("AMD EPYC 7763", 280.0)


def test_two_models_never_share_a_key(path: Path) -> None:
    keys = {name: model_key(name) for name in ("Intel Xeon Gold 6226R", "Intel Xeon Gold 6226", "Intel Xeon 6226")}
    assert len(set(keys.values())) == 3


def test_without_the_package_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.energy.host.cpu_table.DISTRIBUTION", "no-such-distribution")
    assert installed_table() is None


def test_a_package_without_the_file_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.energy.host.cpu_table.DISTRIBUTION", "pytest")
    monkeypatch.setattr("sweep.energy.host.cpu_table.FILE", "pytest/no-such-file.csv")
    assert installed_table() is None


TABLE = installed_table()


@pytest.mark.skipif(TABLE is None, reason="the extra cpu-table is not installed")
@pytest.mark.parametrize(
    ("name", "tdp_w"),
    [
        ("AMD EPYC 7763 64-Core Processor", 280),
        ("Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", 150),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", 145),
        ("AMD Ryzen 9 7950X 16-Core Processor", 170),
        ("Intel(R) N100", 6),
        ("AMD EPYC", None),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", None),
    ],
)
def test_the_installed_table(name: str, tdp_w: float | None) -> None:
    assert TABLE is not None
    entry = find(name, TABLE.path)
    assert (entry and entry.tdp_w) == tdp_w


@pytest.mark.skipif(TABLE is None, reason="the extra cpu-table is not installed")
def test_the_table_is_read_without_its_package() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from sweep.energy.meters.estimated import *; EstimatedMeter(); print('codecarbon' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
