"""The whole 16-setup study on DSADS against a hand-written script: same model, data and epochs, whole processes.

A runs the command with everything it does (measuring, storage, test, report); B is ``_handwritten.py`` with the
number of epochs that A needed for each setup. A and B take turns.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _paired import Cost, report

ROOT = Path(__file__).parents[1]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}


def process_cost(command: list[str], folder: Path) -> Cost:
    """Seconds of a command, its children included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, env=ENV, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/dsads_12act_27ch_1920.npz")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("overrides", nargs="*", help="appended to the study's command")
    options = parser.parse_args()
    if not options.data.is_file():
        raise SystemExit(f"{options.data} is missing: give the DSADS npz with --data")
    costs: dict[str, list[Cost]] = {"hand-written script": [], "sweep": []}
    sweep = [sys.executable, "-m", "sweep", "+experiment=windows", f"objective.path={options.data.resolve()}"]
    sweep += ["objective.val_subjects=[6]", "objective.test_subjects=[7,8]", *options.overrides]
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            costs["sweep"].append(process_cost(sweep, Path(folder)))
            trials = f"{folder}/reports/windows/trials.csv"
            script = [sys.executable, str(ROOT / "benchmarks/_handwritten.py"), str(options.data.resolve()), trials]
            costs["hand-written script"].append(process_cost(script, ROOT))
    report("Whole study on DSADS, 16 setups", "python benchmarks/study.py", costs, "hand-written script")


if __name__ == "__main__":
    main()
