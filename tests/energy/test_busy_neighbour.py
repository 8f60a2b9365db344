"""A busy neighbour makes a training longer, not costlier: real training, real neighbours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.energy.load import THRESHOLD
from sweep.energy.process import ProcessClock

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "repeatability.py"


def beside_over_alone(threads: int) -> dict[str, float]:
    """Medians over interleaved pairs of short trainings, alone and beside a spinning process for each core."""
    options = {"--threads": threads, "--neighbours": os.cpu_count(), "--batch-size": 512, "--steps": 2, "--runs": 11}
    command = [sys.executable, str(BENCHMARK), "--json", *(str(item) for pair in options.items() for item in pair)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=240, text=True)
    ratios: dict[str, float] = json.loads(done.stdout)
    return ratios


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_modelled_joules_are_stable_within_a_tenth(threads: int) -> None:
    """Measured anew, twice at most, where something else disturbs the runs that should be alone."""
    if ProcessClock().wait_s() is None:
        pytest.skip("this kernel does not count run-queue waits")
    energy = []
    for _ in range(3):
        ratios = beside_over_alone(threads)
        assert ratios["wall"] > 1.3, "the neighbours did not disturb, so this shows nothing"
        assert ratios["wait_share"] > THRESHOLD
        energy.append(ratios["energy"])
        if abs(energy[-1] - 1) <= 0.1:
            return
    pytest.fail(f"modelled joules beside neighbours over alone: {energy}")
