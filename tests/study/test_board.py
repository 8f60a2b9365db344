"""Keeping Optuna dashboard current: when it is done, what it costs, and what happens when it fails."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from clocks import FakeTime
from fakes.powercap import intel
from optuna_dashboard import get_note

from sweep.__main__ import Reports, main
from sweep.observer import StudyView, TrialView
from sweep.records import StudyData, StudyRecord, TestResult, TrialRecord
from sweep.study import board
from sweep.study.board import SHARE, Board
from sweep.study.store import StudyStore
from tests.factories import study, trial

POWER_W = 42.0
PAUSE_S = 0.6
TASK = ["objective=custom", "objective._target_=toy_tasks.Blobs", "trainer.max_epochs=2", "study.name=s"]
SPACE = ["search.space.batch_size=[16,64]", "search.space.lr=[0.1]"]


class Stage:
    """Store and reporter of a study whose redrawing takes a known time."""

    def __init__(self, took_s: float, clock: FakeTime) -> None:
        self.took_s, self.clock = took_s, clock
        self.shown: list[str] = []

    def data(self) -> StudyData:
        return study([trial()])

    def show(self, view: StudyView) -> None:
        self.shown.append(view.note)

    def write(self, data: StudyData, folder: Path) -> Path:
        raise NotImplementedError

    def study_view(self, data: StudyData) -> StudyView:
        self.clock.now_s += self.took_s
        return StudyView("drawn")

    def trial_view(self, study: StudyRecord, record: TrialRecord, tests: Sequence[TestResult] = ()) -> TrialView:
        raise ZeroDivisionError("no layers\nat all")


def board_of(stage: Stage, said: list[str]) -> Board:
    store: Any = stage
    return Board(store, stage, said.append, stage.clock)


@pytest.mark.parametrize("trial_s", [0.1, 5.0, 60.0])
def test_redrawing_takes_a_small_part_of_the_time_however_long_trials_are(trial_s: float) -> None:
    stage = Stage(0.7, FakeTime())
    kept = board_of(stage, [])
    for _ in range(2000):
        stage.clock.now_s += trial_s
        kept.keep_current()
    while_running_s = (len(stage.shown) - 1) * stage.took_s
    assert while_running_s <= SHARE * stage.clock.now_s
    assert while_running_s >= 0.4 * SHARE * min(stage.clock.now_s, 2000 * stage.took_s / SHARE)


def test_the_first_trial_is_shown_at_once_and_a_long_trial_always() -> None:
    stage = Stage(0.7, FakeTime())
    kept = board_of(stage, [])
    for seconds in (0.1, 0.1, 0.1, 3600.0, 3600.0):
        stage.clock.now_s += seconds
        kept.keep_current()
    assert len(stage.shown) == 3


def test_what_cannot_be_shown_is_said_once() -> None:
    said: list[str] = []
    kept = board_of(Stage(0.1, FakeTime()), said)
    for number in range(3):
        assert kept.trial_view(study().study, trial(number)) == TrialView("")
    assert said == ["the note of trial 0 cannot be shown in Optuna dashboard (no layers at all); the records are whole"]


@pytest.mark.usefixtures("whole_page")
def test_a_study_whose_figures_fail_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Reports, data: StudyData) -> StudyView:
        raise ValueError("cannot be drawn")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Reports, "study_view", fail)
    assert main([*TASK, *SPACE]) == 0
    assert capsys.readouterr().err.count("cannot be shown in Optuna dashboard (cannot be drawn)") == 1
    assert Path("reports/s/report.html").is_file()
    with StudyStore.open_to_read(Path("reports/s")) as store:
        assert len(store.records()) == 2


def test_what_redrawing_spends_is_the_searchs_and_no_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a meter of known, constant power: joules are watts times seconds, so seconds that leak would be seen."""
    drawn: list[int] = []

    def slow(self: Reports, data: StudyData) -> StudyView:
        drawn.append(len(data.trials))
        time.sleep(PAUSE_S)
        return StudyView(f"{len(data.trials)} trials")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Reports, "study_view", slow)
    monkeypatch.setattr(board, "SHARE", 1e9)  # after every trial
    tree = intel(tmp_path / "sys")
    with tree.running({"0": POWER_W, "0:0": 30.0, "0:1": 7.0}):
        meter = ["meter=rapl", f"meter.sysfs_root={tree.root}", "study.idle_s=0"]
        assert main([*TASK, *SPACE, *meter, "++objective.epoch_s=0.05"]) == 0
    assert drawn == [0, 1, 2, 2]
    with StudyStore.open_to_read(Path("reports/s")) as store:
        data = store.data()
        assert get_note(store.study) == "2 trials"
    (session,) = data.sessions
    trials_s = sum(record.duration_s for record in data.trials)
    trials_j, spent_j = session.trials_j["package:0"], session.energy_j["package:0"]
    assert trials_j is not None
    assert spent_j is not None
    assert trials_j == pytest.approx(POWER_W * trials_s, abs=0.5 * POWER_W * PAUSE_S)
    assert session.duration_s >= trials_s + 2 * PAUSE_S
    assert spent_j - trials_j >= 0.9 * POWER_W * 2 * PAUSE_S


def test_a_resumed_study_is_shown_before_its_next_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*TASK, *SPACE, "search.n_trials=1"]) == 0
    drawn: list[int] = []
    study_view = Reports.study_view

    def watched(self: Reports, data: StudyData) -> StudyView:
        drawn.append(len(data.trials))
        return study_view(self, data)

    monkeypatch.setattr(Reports, "study_view", watched)
    assert main([*TASK, *SPACE]) == 0
    assert (drawn[0], drawn[-1]) == (1, 2)


def test_a_tested_trial_says_so_in_its_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*TASK, *SPACE]) == 0
    with StudyStore.open_to_read(Path("reports/s")) as store:
        tested = {result.number for result in store.data().tests}
        notes = {frozen.number: get_note(store._trial(frozen)) for frozen in store.trials()}
    assert tested
    assert {number for number, note in notes.items() if "On test data" in note} == tested
