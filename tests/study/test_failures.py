"""What goes wrong while a study runs: it ends with what it has, and says what happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from counting import until

from sweep.__main__ import main
from sweep.energy.recording import read_recording, write_recording
from sweep.records import StopReason, StudyData
from sweep.report.console import Progress
from sweep.study.store import StudyStore

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests" / "recordings" / "estimated.jsonl"
TASK = ["objective=custom", "trainer.max_epochs=2", "study.name=s"]
TWO = ["search.space.batch_size=[16,64]", "search.space.lr=[0.1]"]


def task(name: str, *args: str) -> list[str]:
    return [*TASK, *TWO, f"objective._target_={name}", *args]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data() -> StudyData:
    with StudyStore.open_to_read(Path("reports/s")) as store:
        return store.data()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("NoParameters", "ValueError: the model (Identity) has no parameters to train"),
        ("NanQuality", "ValueError: the quality was not a finite number in any of 2 epochs"),
    ],
)
def test_a_task_that_cannot_be_trained_is_a_record_that_says_why(
    name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(task(f"faulty_tasks.{name}")) == 1
    assert f"trial 0 crashed: {reason}; its note and trials.csv say where\n" in capsys.readouterr().err
    assert {record.stop_reason for record in data().trials} == {StopReason.CRASHED}
    message = pd.read_csv("reports/s/trials.csv").message[0]
    assert message.startswith(reason)
    assert "Traceback" in message


def test_three_crashes_in_a_row_end_the_study_and_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*task("toy_tasks.AlwaysCrashes"), "search.space.batch_size=[1,2,4,8]"]) == 1
    assert "3 trials crashed in a row: no further one is tried" in capsys.readouterr().err
    assert len(data().trials) == 3


@pytest.mark.parametrize("name", ["FloatQuality", "OneStridedSample"])
def test_odd_but_valid_tasks_run(name: str) -> None:
    assert main(task(f"faulty_tasks.{name}")) == 0
    assert {record.state for record in data().trials} == {"COMPLETE"}


@pytest.mark.usefixtures("whole_page")
def test_a_test_split_that_does_not_fit_costs_the_test_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(task("faulty_tasks.UnfitTestSplit")) == 0
    assert "could not be tested (RuntimeError: " in capsys.readouterr().err
    assert data().tests == []
    assert Path("reports/s/report.html").is_file()


@pytest.mark.usefixtures("whole_page")
def test_data_that_fail_for_a_later_setup_leave_a_report_of_the_earlier_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = [*TASK, "objective._target_=faulty_tasks.SecondSetupHasNoData", "search.space.batch_size=[16]"]
    space = ["search.space.lr=[0.1]", "++search.vary.objective.variant=[0,1,2]"]
    seed = next(  # of an order in which the setup without data is neither the first nor the last one
        seed for seed in range(9) if [p["objective.variant"] for p in _order(seed)][1] == 1
    )
    assert main([*args, *space, f"study.seed={seed}"]) == 2
    assert "error: variant 1 is not recorded: choose another" in capsys.readouterr().err
    assert len(data().trials) == 1
    assert Path("reports/s/report.html").is_file()


def _order(seed: int) -> list[dict[str, Any]]:
    from sweep.records import Dimension
    from sweep.study.search_space import planned_runs

    values = {"batch_size": [16], "lr": [0.1], "paradigm": ["baseline"], "objective.variant": [0, 1, 2]}
    dims = [Dimension(name=name, key=name, values=items) for name, items in values.items()]
    return [params for params, _ in planned_runs(dims, 1, seed)]


def test_a_recording_that_ends_makes_joules_unknown_and_never_zero(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.study.instruments.LOST_S", float("inf"))  # or a slow first trial would end the study
    recording = read_recording(RECORDING)
    write_recording("short.jsonl", msgspec.structs.replace(recording, readings=recording.readings[:3]))
    assert main(task("toy_tasks.Blobs", "meter=replay", "meter.path=short.jsonl", "++objective.epoch_s=0.05")) == 0
    said = capsys.readouterr()
    assert said.err.count("has no joules, so it cannot stand on the front") == 1
    assert "no setup can stand on the front" in said.out
    assert {record.energy_j for record in data().trials} == {None}
    assert pd.read_csv("reports/s/trials.csv").energy_j.isna().all()


def test_a_full_disk_ends_the_study_with_one_line_and_it_resumes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[bool] = []
    upload = StudyStore._upload

    def fail(self: StudyStore, owner: Any, record: Any, name: str) -> str:
        if name == "trial-1.json":
            raise OSError(28, "No space left on device")
        return upload(self, owner, record, name)

    with monkeypatch.context() as patch:
        patch.setattr(StudyStore, "_upload", fail)
        patch.setattr(Progress, "study_ended", lambda self: ended.append(True))
        assert main(task("toy_tasks.Blobs")) == 1
    notice, error = capsys.readouterr().err.splitlines()
    assert notice.startswith("no joule here is measured")
    assert error.startswith("error: reports/s can no longer be written ([Errno 28] No space left on device): make room")
    assert ended == [True]
    assert main(task("toy_tasks.Blobs")) == 0
    assert [record.params["batch_size"] for record in data().trials if record.state == "COMPLETE"] in (
        [16, 64],
        [64, 16],
    )


def test_another_seed_is_another_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(task("toy_tasks.Blobs")) == 0
    assert main(task("toy_tasks.Blobs", "study.seed=1")) == 2
    assert "differs in seed: 0 -> 1: set study.name" in capsys.readouterr().err


def test_a_damaged_record_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(task("toy_tasks.Blobs")) == 0
    damaged = next(path for path in Path("reports/s/artifacts").iterdir() if b'"trajectory"' in path.read_bytes())
    damaged.write_bytes(damaged.read_bytes()[:100])
    for args in (task("toy_tasks.Blobs"), ["report", "reports/s"]):
        assert main(args) == 2
        assert f"({damaged}) is not a readable TrialRecord" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_the_data_are_loaded_nothing_is_written(number: signal.Signals) -> None:
    marker = Path("loading")
    running = subprocess.Popen(
        [sys.executable, "-m", "sweep", *task("faulty_tasks.SlowToLoad", f"++objective.marker={marker}")],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(marker.exists, patience_s=120.0)
    running.send_signal(number)
    out, _ = running.communicate(timeout=120)
    assert (running.returncode, out) == (130, "interrupted\n")
    assert not Path("reports").exists()
