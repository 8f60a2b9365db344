"""Killed again and again at random moments, a study still finishes, and no finished run is repeated.

Each kill comes some time after the start, or after the first trial that ends: on a slow machine the start takes long.
SWEEP_CHAOS_KILLS sets how many (3 in the ordinary suite; ``make chaos`` does 40).
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from counting import until

from sweep.records import SETTLED, StopReason, StudyData
from sweep.study.plan import run_key
from sweep.study.store import StudyStore

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("SWEEP_CHAOS_KILLS", "3"))
REPEATS = max(2, KILLS // 3)
COMMAND = [
    *(sys.executable, "-m", "sweep", "objective=custom", "objective._target_=toy_tasks.Blobs"),
    *("++objective.epoch_s=0.02", "trainer.max_epochs=8", "trainer.patience=8"),
    *("study.name=chaos", f"study.repeats={REPEATS}"),
    *("search.space.batch_size=[16,32,64]", "search.space.lr=[0.1,0.01]"),
]
RUNS = 6 * REPEATS


def start(folder: Path) -> "subprocess.Popen[bytes]":
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"}
    log = (folder / "log.txt").open("ab")
    with log:
        return subprocess.Popen(COMMAND, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)


def recorded(folder: Path) -> int:
    """Files beside the database: one more with each trial that ends."""
    return len(list((folder / "reports" / "chaos" / "artifacts").glob("*")))


def read(folder: Path) -> StudyData:
    with StudyStore.open_to_read(folder / "reports" / "chaos") as store:
        return store.data()


@pytest.mark.slow
def test_a_study_survives_being_killed_at_random(tmp_path: Path) -> None:
    draw = random.Random(0)
    for _ in range(KILLS):
        before, process = recorded(tmp_path), start(tmp_path)
        if draw.random() < 0.7:
            until(lambda: recorded(tmp_path) > before or process.poll() is not None, patience_s=300.0)  # noqa: B023
        time.sleep(draw.uniform(0.0, 2.0))
        process.kill()
        process.wait()
    process = start(tmp_path)
    assert process.wait(timeout=300) == 0, (tmp_path / "log.txt").read_text()

    data = read(tmp_path)
    settled = Counter(run_key(r.params, r.repeat) for r in data.trials if r.stop_reason in SETTLED)
    assert len(settled) == RUNS
    assert set(settled.values()) == {1}
    assert {r.stop_reason for r in data.trials} <= SETTLED | {StopReason.KILLED}
    assert all(r.energy_spent_j is not None and r.energy_spent_j > 0 for r in data.trials)
    study = optuna.load_study(study_name="chaos", storage=f"sqlite:///{tmp_path}/reports/chaos/study.db")
    states = Counter(t.state.name for t in study.trials)
    assert states["COMPLETE"] == RUNS
    assert states["RUNNING"] == states["WAITING"] == 0
