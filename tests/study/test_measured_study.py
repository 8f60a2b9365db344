"""Whole studies on measured joules: a fake tree of sysfs and a fake NVML under the real meters, in real time.

Trials last a second or so, and a reading may come a while after the time that it is stamped with: joules are held
against power to a half only, which still tells one domain from another, and one trial from two.
"""

import re
import time
from pathlib import Path

import pandas as pd
import pytest
from fakes.gpu import FakeGpu
from fakes.nvml import fake_nvml
from fakes.power import constant
from fakes.powercap import FakePowercap, intel

from sweep.__main__ import main
from sweep.records import Provenance, StudyData
from sweep.study.store import StudyStore

PACKAGE_W, CORE_W, DRAM_W, GPU_W = 42.0, 30.0, 7.0, 150.0
POWERS = {"0": PACKAGE_W, "0:0": CORE_W, "0:1": DRAM_W}
QUICK = [
    "objective=custom",
    "objective._target_=toy_tasks.Blobs",
    "++objective.epoch_s=0.1",
    "trainer.max_epochs=3",
    "search.space.batch_size=[16,64]",
    "search.space.lr=[0.1]",
    "study.name=measured",
    "study.idle_s=0.5",
]
ABOUT = 0.5


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> FakePowercap:
    return intel(tmp_path / "sys")


def gpu_board() -> FakeGpu:
    return FakeGpu(power=constant(GPU_W), utilisation=0.0)


def run(tree: FakePowercap, *args: str) -> int:
    with tree.running(POWERS), fake_nvml([gpu_board()]):
        return main([*QUICK, "meter=auto", f"meter.sysfs_root={tree.root}", *args])


def stored() -> StudyData:
    with StudyStore.open_to_read(Path("reports/measured")) as store:
        return store.data()


@pytest.mark.usefixtures("whole_page")
def test_a_study_on_measured_domains(tree: FakePowercap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.energy.checks.load.other_share", lambda before, after: 0.0)
    assert run(tree) == 0
    trials = pd.read_csv("reports/measured/trials.csv")
    for name, power_w in (("package:0", PACKAGE_W), ("dram:0", DRAM_W), ("gpu:0", GPU_W)):
        assert set(trials[f"provenance.{name}"]) == {"measured"}
        assert (trials[f"energy_j.{name}"] / trials["duration_s"]).tolist() == pytest.approx([power_w] * 2, rel=ABOUT)
    assert trials["energy_j"].tolist() == pytest.approx(
        (trials["energy_j.package:0"] + trials["energy_j.dram:0"] + trials["energy_j.gpu:0"]).tolist()
    )
    assert trials["energy_dynamic_j"].abs().max() < trials["energy_j"].max()  # constant power: all of it is idle
    assert trials["energy_polled_j.gpu:0"].notna().all()
    (session,) = stored().sessions
    assert session.test_j["gpu:0"] is not None
    assert session.trials_j["gpu:0"] == pytest.approx(trials["energy_j.gpu:0"].sum())
    assert {idle.domain: idle.power_w for idle in session.idle_before} == pytest.approx(
        {"package:0": PACKAGE_W, "core:0": CORE_W, "dram:0": DRAM_W, "gpu:0": GPU_W}, rel=ABOUT
    )
    assert {idle.domain for idle in session.idle_after} == {idle.domain for idle in session.idle_before}
    report = Path("reports/measured/report.html").read_text(encoding="utf-8")
    assert all(name in report for name in ("package:0", "dram:0", "gpu:0"))


def test_no_model_stands_beside_a_measured_processor(tree: FakePowercap) -> None:
    assert run(tree, "search.n_trials=1") == 0
    assert {domain.provenance for domain in stored().study.domains} == {Provenance.MEASURED}


def test_a_processor_that_nothing_measures_is_modelled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with fake_nvml([gpu_board()]):
        assert main([*QUICK, "meter=auto", f"meter.sysfs_root={tmp_path / 'empty'}", "search.n_trials=1"]) == 0
    found = {domain.name: domain.provenance for domain in stored().study.domains}
    assert found["gpu:0"] == Provenance.MEASURED
    assert found["cpu:process"] == Provenance.MODELLED


@pytest.mark.fault("a counter stands still from the beginning", "a study ends before its first trial and names it")
def test_a_domain_that_counts_nothing_is_refused(tree: FakePowercap, capsys: pytest.CaptureFixture[str]) -> None:
    with tree.running({"0": PACKAGE_W, "0:0": CORE_W}), fake_nvml([gpu_board()]):
        assert main([*QUICK, "meter=auto", f"meter.sysfs_root={tree.root}"]) == 2
        error = capsys.readouterr().err
        assert re.search(r"dram:0 counted nothing in \d", error)
        assert "meter.exclude=[dram:0]" in error
        assert stored().trials == []
        assert (
            main([*QUICK, "meter=auto", f"meter.sysfs_root={tree.root}", "meter.exclude=[dram:0]", "study.name=b"]) == 0
        )


@pytest.mark.fault("a domain vanishes between two trials", "the study ends with what has run, and resumes")
def test_a_lost_domain_ends_the_study(
    tree: FakePowercap, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.study.instruments.LOST_S", 1.0)
    gpu = gpu_board()
    ended = "sweep.report.console.Progress.trial_ended"

    def remove(*_: object) -> None:
        gpu.remove(time.monotonic())
        time.sleep(1.5)

    with tree.running(POWERS), fake_nvml([gpu]), monkeypatch.context() as patch:
        patch.setattr(ended, remove)
        assert main([*QUICK, "meter=auto", f"meter.sysfs_root={tree.root}"]) == 2
    assert "gpu:0 could not be read" in capsys.readouterr().err
    (trial,) = stored().trials
    assert trial.energy_j is not None
    assert run(tree) == 0
    assert len(stored().trials) == 2


def test_what_was_recorded_can_be_played(tree: FakePowercap) -> None:
    assert run(tree, "meter.record=true", "search.n_trials=1") == 0
    recording = Path("reports/measured/recordings/session-0.jsonl")
    assert recording.is_file()
    args = [*QUICK, "meter=replay", f"meter.path={recording}", "meter.repeat=true", "search.n_trials=1"]
    assert main([*args, "study.name=played"]) == 0
    with StudyStore.open_to_read(Path("reports/played")) as store:
        data = store.data()
    assert {d.name: d.provenance for d in data.study.domains} == dict.fromkeys(
        ["gpu:0", "package:0", "core:0", "dram:0"], Provenance.REPLAYED
    )
    spent = data.trials[0].domains["package:0"]
    assert spent.energy_j == pytest.approx(PACKAGE_W * data.trials[0].duration_s, rel=ABOUT)


@pytest.mark.parametrize("value", ["yes", "1"])
def test_record_is_a_truth_value(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, f"meter.record={value}"]) == 2
    assert "meter.record=" in capsys.readouterr().err


def test_contaminated_trials_run_again_on_request(tree: FakePowercap, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sweep.energy.checks.load.other_share", lambda before, after: 0.4)
        assert run(tree, "study.idle_s=0") == 0
    assert [trial.load.domains for trial in stored().trials if trial.load] == [["package:0", "core:0", "dram:0"]] * 2
    monkeypatch.setattr("sweep.energy.checks.load.other_share", lambda before, after: 0.0)
    monkeypatch.setattr("sweep.energy.checks.load.lost_s", lambda *_: 0.0)
    assert run(tree, "study.idle_s=0") == 0
    assert len(stored().trials) == 2  # not unasked
    assert run(tree, "study.idle_s=0", "study.redo=contaminated") == 0
    trials = stored().trials
    assert len(trials) == 4
    assert [trial.params for trial in trials[2:]] == [trial.params for trial in trials[:2]] or {
        str(trial.params) for trial in trials[2:]
    } == {str(trial.params) for trial in trials[:2]}
    assert run(tree, "study.idle_s=0", "study.redo=contaminated") == 0
    assert len(stored().trials) == 4
    ledger = stored().sessions
    assert [len(session.trials) for session in ledger] == [2, 2]


def test_redo_tries_a_run_once_a_session(tree: FakePowercap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.energy.checks.load.other_share", lambda before, after: 0.4)
    for trials in (2, 4):
        assert run(tree, "study.idle_s=0", "study.redo=contaminated") == 0
        assert len(stored().trials) == trials


def test_cooling_down_and_warming_up_come_before_the_joules_of_a_trial(tree: FakePowercap) -> None:
    assert run(tree, "study.idle_s=0", "study.cooldown_s=0.4", "study.warmup_s=0.4", "search.n_trials=1") == 0
    (trial,), (session,) = stored().trials, stored().sessions
    assert session.duration_s > trial.duration_s + 0.8
    assert trial.domains["gpu:0"].energy_j == pytest.approx(GPU_W * trial.duration_s, rel=ABOUT)
