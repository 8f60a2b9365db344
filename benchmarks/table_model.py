"""The modelled meter's watts against RAPL: eleven bare-metal servers of AWS under stepped load.

    git clone https://github.com/benjamindavyteads/turbostressreports
    python benchmarks/table_model.py turbostressreports

Each report (CC0; B. Davy, "Estimating AWS EC2 Instances Power Consumption", 2021) holds /proc/cpuinfo of a server and,
for each load, the watts of its packages and of its DRAM. The processor is read and looked up as the meter does it;
modelled power is packages x TDP (0.1 + 0.9 load). Needs the extra ``cpu-table``.
"""

import argparse
import math
import re
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from sweep.energy.host.core_power import FLEET_DYNAMIC_W, FLEET_STATIC_W, CorePower, core_power
from sweep.energy.host.processor import read_processor

MEMORY_GIB = {"c5": 192, "c5n": 192, "i3": 512, "m5": 384, "m5zn": 192, "r5": 768, "z1d": 384}
"""Memory of the metal instances, aws.amazon.com/ec2/instance-types."""
LOADS = (0, 10, 50, 100)
STEPPED = "CPUStress"


class Step(NamedTuple):
    """One load on one server, measured."""

    test: str
    load: int
    package_w: float
    memory_w: float


class Server(NamedTuple):
    """One report.

    Attributes:
        threads: logical cores of all packages.
        power: of one of them, as the meter models it.
    """

    label: str
    threads: int
    power: CorePower
    memory_gib: int
    steps: list[Step]


def steps_of(lines: Iterable[str]) -> list[Step]:
    """The measured rows of a report: ``test,threads,load,PkgWatt,RAMWatt,PkgTmp``."""
    rows = [line.strip().split(",") for line in lines if re.match(r"[A-Za-z]+,\d+,\d+,[\d.]+,[\d.]+,", line)]
    return [Step(row[0], int(row[2]), float(row[3]), float(row[4])) for row in rows]


def read_server(path: Path) -> Server:
    """A report: the processor as the meter sees it, and the measured steps."""
    lines = path.read_text(encoding="utf-8").replace('"', "").splitlines()
    cpuinfo = "\n".join(line for line in lines if re.match(r"[a-zA-Z ]+\t*:|$", line)).lstrip("\n")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cpuinfo").write_text(cpuinfo, encoding="utf-8")
        power = core_power(read_processor(Path(folder), "Linux"))
    threads = sum(line.startswith("processor\t") for line in lines)
    instance, when, where = path.stem.split("_")[:3]
    return Server(f"{instance}.metal {when} {where}", threads, power, MEMORY_GIB[instance], steps_of(lines))


def ratios(server: Server, static_w: float, dynamic_w: float) -> dict[int, float]:
    """Measured over modelled power of the packages by load in percent, of the test that steps it."""
    return {
        step.load: step.package_w / (server.threads * (static_w + dynamic_w * step.load / 100))
        for step in server.steps
        if step.test == STEPPED
    }


def spread(found: Iterable[float]) -> str:
    """Geometric mean of ratios, and their root mean square distance from 1 in logarithms."""
    logs = [math.log(ratio) for ratio in found]
    return f"{math.exp(statistics.fmean(logs)):.2f} (RMS ln {math.hypot(*logs) / math.sqrt(len(logs)):.2f})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def power_table(servers: Sequence[Server]) -> str:
    """Measured over modelled power of each server, and over all of them; by the table, and by fleet averages."""
    rows, by_table, by_fleet = [], [], []
    for server in servers:
        fleet = ratios(server, FLEET_STATIC_W, FLEET_DYNAMIC_W)
        by_fleet.append(fleet)
        found = {} if server.power.whole_server else ratios(server, server.power.static_w, server.power.dynamic_w)
        by_table += [found] if found else []
        tdp = "not in the table" if server.power.whole_server else server.power.origin
        cells = [f"{found[load]:.2f}" if found else "" for load in LOADS]
        rows.append([server.label, tdp, *cells, *(f"{fleet[load]:.2f}" for load in LOADS)])
    total = [spread(r[load] for r in many) for many in (by_table, by_fleet) for load in LOADS]
    rows.append(["geometric mean", "", *total])
    every = [spread(x for r in many for x in r.values()) for many in (by_table, by_fleet)]
    header = ["server", "processor", *(f"TDP, {load} %" for load in LOADS), *(f"fleet, {load} %" for load in LOADS)]
    return table(header, rows) + f"\n\nAll loads: {every[0]} by TDP, {every[1]} by fleet averages."


def memory_table(servers: Sequence[Server]) -> str:
    """Watts of DRAM for each GiB installed."""
    rows = []
    for server in servers:
        per_gib = {(step.test, step.load): step.memory_w / server.memory_gib for step in server.steps}
        stepped = [value for (test, load), value in per_gib.items() if test == STEPPED and load > 0]
        idle, most = per_gib[STEPPED, 0], max(per_gib.values())
        rows.append(
            [server.label, str(server.memory_gib), f"{idle:.2f}", f"{statistics.median(stepped):.2f}", f"{most:.2f}"]
        )
    return table(["server", "GiB", "idle W/GiB", "CPU load (median)", "memory load (most)"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a clone of the reports")
    paths = sorted(parser.parse_args().folder.glob("*_loadstep*.csv"))
    if not paths:
        parser.error("no *_loadstep*.csv in the folder: clone the repository named above")
    servers = [read_server(path) for path in paths]
    print(power_table(servers), memory_table(servers), sep="\n\n")


if __name__ == "__main__":
    main()
