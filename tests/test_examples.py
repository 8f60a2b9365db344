"""The documentation of the monitor is a script, and it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]


def test_the_monitors_example_runs(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "examples" / "monitor.py"), str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for told in ("modelled", "make data", "accuracy", "optimizer", "Wrote"):
        assert told in done.stdout
    frame = pd.read_csv(tmp_path / "energy.csv")
    assert abs(frame["share"].sum() - 1.0) < 1e-9
    assert {"0", "2", "6"} <= set(frame.loc[frame["pass"] == "backward", "layer"])
    assert (tmp_path / "energy.html").stat().st_size > 1_000_000
