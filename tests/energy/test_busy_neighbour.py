"""A busy neighbour makes a training longer, not costlier: real training, real neighbours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.energy.checks.load import THRESHOLD
from sweep.energy.host.process import ProcessClock

pytestmark = pytest.mark.alone

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "repeatability.py"


def beside_over_alone(threads: int) -> dict[str, float]:
    """Medians over interleaved pairs of short trainings, alone and beside a spinning process for each core."""
    options = {"--threads": threads, "--neighbours": os.cpu_count(), "--batch-size": 512, "--steps": 6, "--runs": 5}
    command = [sys.executable, str(BENCHMARK), "--json", *(str(item) for pair in options.items() for item in pair)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=600, text=True)
    ratios: dict[str, float] = json.loads(done.stdout)
    return ratios


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_modelled_joules_are_stable_within_a_tenth(threads: int) -> None:
    """Measured anew, three times at most, where the neighbours do not disturb or something else does, too.

    The scheduler lets a short burst of work run on before it gives a neighbour its turn, so now and then a whole
    round passes almost undisturbed and shows nothing.
    """
    if ProcessClock().wait_s() is None:
        pytest.skip("this kernel does not count run-queue waits")
    rounds = []
    for _ in range(4):
        rounds.append(beside_over_alone(threads))
        disturbed = rounds[-1]["wall"] > 1.2 and rounds[-1]["wait_share"] > THRESHOLD
        if disturbed and abs(rounds[-1]["energy"] - 1) <= 0.1:
            return
    pytest.fail(f"beside neighbours over alone: {rounds}")
