"""Meters against a known truth, ours beside zeus, codecarbon and pyJoules, and what a reading costs.

    python benchmarks/meters.py [--quick] [--only accuracy|cost]

*Accuracy.* Every tool runs in a process of its own and measures the same windows of the same boards and processors
(``_meter_scenes``), in real time: a fake NVIDIA driver under the real binding and powercap trees in files, both with
the ticks, averaging windows and faults that were measured on real ones, and a power whose integral is known. A window
lasts from the return of the tool's beginning to the call of its end, by ``time.monotonic``. Errors are relative to the
true joules of that window, so they contain the tick of the sensor, which no tool can look behind.

*Cost.* CPU time of one reading, and of the poller's thread at its default interval (``_meter_costs``).

Nothing here is a measurement of power. Whether NVIDIA's counter sums the whole power or the samples is not known: both
are scenes. Needs the extras ``zeus`` and ``cpu-table`` (codecarbon); a tool that is not installed says so.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from _meter_costs import print_costs
from _meter_scenes import COUNTERS, LEAD_S, LENGTHS, NO_COUNTER, PROCESSORS, QUICK_LENGTHS, Window, make_trees, schedule
from _meter_sysfs import MovingTrees
from _meter_tables import Result, coverage_line, error_table
from _meter_worker import Job
from _paired import machine

QUICK_LEAD_S = 8.0
OTHERS = ("zeus", "codecarbon", "codecarbon, 1 s", "pyJoules")
TOOLS: Mapping[str, Sequence[str]] = {
    COUNTERS: ("nvml", "pyjoules", *OTHERS, "nvidia-smi"),
    NO_COUNTER: ("nvml", *OTHERS, "nvidia-smi"),
    PROCESSORS: ("rapl", "pyjoules", *OTHERS),
}
TITLES = {
    COUNTERS: "GPUs with an energy counter",
    NO_COUNTER: "A GPU without an energy counter",
    PROCESSORS: "Processors, by powercap",
}
GROUPS_S = (0.33, 1.04, 5.06)
PATIENCE_S = 60.0


def measure(
    scene: str, lengths: Mapping[float, int], lead_s: float, seed: int, folder: Path
) -> dict[str, list[Result]]:
    """What each tool found in a scene."""
    windows = schedule(lengths, seed, lead_s)
    zero_s = time.monotonic()
    if scene != PROCESSORS:
        return run_tools(scene, windows, zero_s, seed, {}, folder)
    with MovingTrees(folder, make_trees(), windows, lambda: time.monotonic() - zero_s) as trees:
        found = run_tools(scene, windows, zero_s, seed, {name: str(root) for name, root in trees.roots.items()}, folder)
    delays = sorted(trees.delays_s)
    late = [1e3 * delays[int(share * (len(delays) - 1))] for share in (0.5, 0.99, 1.0)]
    print(
        f"\nThe files were written {late[0]:.2f} ms after their tick (median; 99 %: {late[1]:.2f}, all: {late[2]:.1f})."
    )
    return found


def run_tools(
    scene: str, windows: Sequence[Window], zero_s: float, seed: int, roots: dict[str, str], folder: Path
) -> dict[str, list[Result]]:
    """Start a process for each tool and wait for all of them."""
    (folder / "empty").mkdir(exist_ok=True)
    jobs = {tool: Job(tool, scene, seed, zero_s, list(windows), roots, str(folder)) for tool in TOOLS[scene]}
    processes = {tool: start(job) for tool, job in jobs.items()}
    until_s = zero_s + windows[-1].end_s + PATIENCE_S
    found = {}
    for tool, process in processes.items():
        try:
            output, _ = process.communicate(timeout=max(until_s - time.monotonic(), 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
        found[tool] = read_results(jobs[tool], windows, output)
    return found


def start(job: Job) -> subprocess.Popen[str]:
    """A process for one tool."""
    job.file.write_text(json.dumps(job._asdict()), encoding="utf-8")
    commands = Path(job.folder) / "bin"
    commands.mkdir(exist_ok=True)
    present = commands / "nvidia-smi"  # codecarbon asks whether there is one
    present.write_text(f"#!/bin/sh\nexit {int(job.scene == PROCESSORS)}\n", encoding="utf-8")
    present.chmod(0o755)
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("_meter_worker.py")), str(job.file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=job.folder,
        env={
            **os.environ,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # boards of several models
        },
    )


def read_results(job: Job, windows: Sequence[Window], output: str) -> list[Result]:
    """What a process wrote; a complaint on stderr if it is not all."""
    file = job.file.with_suffix(".result.json")
    if not file.exists():
        print(f"{job.tool} in {job.scene} ended without a result:\n{output[-2000:]}", file=sys.stderr)
        return []
    results = [Result(**item) for item in json.loads(file.read_text(encoding="utf-8"))]
    rows = {result.row for result in results}
    missed = len(windows) - 1 - len(results) // (len(rows) or 1)  # the first one is not told
    if missed:
        print(f"{job.tool} in {job.scene} came too late for {missed} of {len(windows)} windows", file=sys.stderr)
    return results


def accuracy(scenes: Sequence[str], *, quick: bool, seed: int) -> None:
    """Measure and print the tables."""
    for scene in scenes:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
            lengths, lead_s = (QUICK_LENGTHS, QUICK_LEAD_S) if quick else (LENGTHS[scene], LEAD_S)
            found = measure(scene, lengths, lead_s, seed, Path(folder))
        ours = next(iter(found))
        print(f"\n### {TITLES[scene]}\n")
        print(error_table(found, ours, GROUPS_S, "row"))
        print(f"\nTruth within 2 u: {coverage_line(found[ours])}.", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few short windows, and no board without a counter")
    parser.add_argument("--only", choices=("accuracy", "cost"))
    parser.add_argument("--scene", action="append", choices=tuple(LENGTHS), help="some of them")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"`python benchmarks/meters.py` on {machine()}, load {os.getloadavg()[0]:.1f}")
    if options.only != "cost":
        scenes = options.scene or ([COUNTERS, PROCESSORS] if options.quick else list(LENGTHS))
        accuracy(scenes, quick=options.quick, seed=options.seed)
    if options.only != "accuracy":
        print_costs(*((4, 1.5) if options.quick else (20, 30.0)))


if __name__ == "__main__":
    main()
