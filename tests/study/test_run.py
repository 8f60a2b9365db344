"""A study from its config to its records: finishing, resuming, failing, being killed, and refusing to be mixed."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import optuna
import pandas as pd
import pytest

from sweep.__main__ import main
from sweep.records import State, StopReason, StudyData, total_j
from sweep.study.store import StudyStore

ROOT = Path(__file__).parents[2]
QUICK = ["objective=custom", "objective._target_=toy_tasks.Blobs", "trainer.max_epochs=3", "study.name=quick"]
FOUR = ["search.space.batch_size=[16,64]", "search.space.lr=[0.1,0.01]"]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data_of(folder: str | Path = "reports/quick") -> StudyData:
    with StudyStore.open_to_read(Path(folder)) as store:
        return store.data()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the four setups have run, and what was printed."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.chdir(folder)
        assert main([*QUICK, *FOUR]) == 0
    return folder, out.getvalue()


@pytest.fixture
def finished(once: tuple[Path, str]) -> str:
    """A copy of it here, and what was printed."""
    folder, printed = once
    shutil.copytree(folder / "reports", "reports")
    return printed


def process(*args: str) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "sweep", *args],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.usefixtures("whole_page")
def test_a_study_leaves_everything_that_is_promised(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, *FOUR]) == 0
    out = capsys.readouterr().out
    folder = Path("reports/quick")
    for name in ("report.html", "study.db", "trials.csv", "epochs.csv", "layers.csv", "config.yaml", "artifacts"):
        assert (folder / name).exists(), name
    assert "+experiment=recommended" in out
    trials = pd.read_csv(folder / "trials.csv")
    assert len(trials) == 4
    assert set(trials.state) == {"COMPLETE"}
    assert {(r["param.batch_size"], r["param.lr"]) for _, r in trials.iterrows()} == {
        (16, 0.1),
        (16, 0.01),
        (64, 0.1),
        (64, 0.01),
    }
    assert not Path("outputs").exists()
    assert not list(Path().glob("*.log"))


@pytest.mark.usefixtures("finished")
def test_parts_sum_to_wholes() -> None:
    data = data_of()
    for record in data.trials:
        for name, domain in record.domains.items():
            parts = total_j(row.energy_j[name] for row in record.activities)
            assert parts == pytest.approx(domain.energy_j, rel=1e-9)
        assert record.energy_j == record.energy_spent_j
        energies = [p.energy_j for p in record.trajectory if p.energy_j is not None]
        assert energies == sorted(energies)
        assert record.energy_j is not None
        assert energies[-1] <= record.energy_j
    (session,) = data.sessions
    for name, joules in session.trials_j.items():
        assert joules == pytest.approx(sum(r.domains[name].energy_j or 0 for r in data.trials), rel=1e-9)
        whole, test = session.energy_j[name], session.test_j[name]
        assert whole is not None
        assert test is not None
        assert joules is not None
        assert whole > joules + test > joules


@pytest.mark.usefixtures("finished")
def test_the_recommended_setups_are_tested_once() -> None:
    first = data_of().tests
    assert first
    assert all(0 <= test.quality <= 1 for test in first)
    assert main([*QUICK, *FOUR]) == 0
    assert data_of().tests == first


@pytest.mark.usefixtures("finished")
def test_the_same_command_again_runs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = data_of()
    assert main([*QUICK, *FOUR]) == 0
    assert "nothing was run" in capsys.readouterr().out
    assert data_of().trials == before.trials


def test_a_capped_study_goes_on_where_it_ended() -> None:
    assert main([*QUICK, *FOUR, "search.n_trials=1"]) == 0
    assert main([*QUICK, *FOUR, "study.repeats=2"]) == 0
    trials = data_of().trials
    assert sorted((r.params["batch_size"], r.params["lr"], r.repeat) for r in trials) == sorted(
        (b, lr, k) for b in (16, 64) for lr in (0.1, 0.01) for k in (0, 1)
    )
    assert len({r.seed for r in trials}) == 8


def test_the_printed_command_trains_the_recommendation(finished: str) -> None:
    command = next(line for line in finished.splitlines() if "+experiment=recommended" in line)
    args = command.split("python -m sweep ")[1].split()
    assert main(args) == 0
    (record,) = data_of("reports/quick-recommended").trials
    with StudyStore.open_to_read(Path("reports/quick")) as store:
        assert record.params in [r.params for r in store.records()]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "qmc"])
def test_samplers_choose_and_repeat_setups(sampler: str) -> None:
    space = ["++search.vary.lr={low:0.001,high:0.1,log:true}", "search.space.batch_size=[16,64]"]
    assert main([*QUICK, *space, f"search.sampler={sampler}", "search.n_trials=6", "study.repeats=2"]) == 0
    trials = data_of().trials
    assert len(trials) == 6
    setups = {msgspec.json.encode(r.params, order="sorted") for r in trials}
    assert len(setups) == 3
    assert main([*QUICK, *space, f"search.sampler={sampler}", "search.n_trials=8", "study.repeats=2"]) == 0
    assert len({msgspec.json.encode(r.params, order="sorted") for r in data_of().trials}) == 4


def test_a_diverged_trial_fails_at_once_keeps_its_joules_and_is_not_repeated() -> None:
    args = [
        *QUICK,
        "objective._target_=toy_tasks.Diverging",
        "trainer.optimizer=sgd",
        "search.space.batch_size=[16]",
        "search.space.lr=[0.01,10000.0]",
    ]
    assert main(args) == 0
    bad = next(r for r in data_of().trials if r.params["lr"] == 10000.0)
    assert (bad.state, bad.stop_reason) == (State.FAIL, StopReason.DIVERGED)
    assert bad.energy_spent_j is not None
    assert bad.energy_spent_j > 0
    assert "not finite" in (bad.message or "")
    assert main(args) == 0
    assert len(data_of().trials) == 2


def test_a_crashed_trial_is_kept_and_taken_again_by_the_next_run(tmp_path: Path) -> None:
    args = [*QUICK, *FOUR, "objective._target_=toy_tasks.CrashesOnce", f"++objective.marker={tmp_path}/marker"]
    assert main(args) == 1
    crashed = [r for r in data_of().trials if r.stop_reason == StopReason.CRASHED]
    assert len(crashed) == 1
    assert "out of memory, say" in (crashed[0].message or "")
    assert main(args) == 0
    done = [r for r in data_of().trials if r.state == State.COMPLETE]
    assert len(done) == 4
    assert len(data_of().trials) == 5


@pytest.mark.usefixtures("whole_page")
def test_a_study_that_only_crashes_ends_early_with_a_report() -> None:
    assert main([*QUICK, *FOUR, "objective._target_=toy_tasks.AlwaysCrashes"]) == 1
    assert len(data_of().trials) == 3
    assert Path("reports/quick/report.html").is_file()


@pytest.mark.slow
def test_kill_9_loses_no_finished_trial_and_repeats_none(tmp_path: Path) -> None:
    args = [
        *QUICK,
        *FOUR,
        "objective._target_=toy_tasks.KillsItself",
        f"++objective.marker={tmp_path}/marker",
        "++objective.step=130",
        "trainer.max_epochs=20",
        "trainer.patience=20",
    ]
    first = process(*args)
    first.communicate(timeout=300)
    assert first.returncode == -9
    finished = [r.number for r in data_of().trials]
    assert main(args) == 0
    data = data_of()
    assert len([r for r in data.trials if r.state == State.COMPLETE]) == 4
    assert [r.number for r in data.trials if r.number in finished] == finished
    killed = [r for r in data.trials if r.stop_reason == StopReason.KILLED]
    assert len(killed) == 1
    assert killed[0].energy_spent_j is not None
    assert killed[0].energy_spent_j > 0
    study = optuna.load_study(study_name="quick", storage="sqlite:///reports/quick/study.db")
    assert not [t for t in study.trials if t.state.name in ("RUNNING", "WAITING")]


def test_a_trial_killed_before_its_first_epoch_is_said_to_have_unknown_joules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*QUICK, *FOUR, "search.n_trials=1"]) == 0
    optuna.load_study(study_name="quick", storage="sqlite:///reports/quick/study.db").ask()
    assert main([*QUICK, *FOUR]) == 0
    assert "trial 1 was killed" in capsys.readouterr().err.replace("\n", " ")
    assert {r.number for r in data_of().trials} == {0, 2, 3, 4}


@pytest.mark.usefixtures("whole_page")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_cleanly_and_the_setup_is_taken_again(number: signal.Signals, tmp_path: Path) -> None:
    args = [
        *QUICK,
        *FOUR,
        "objective._target_=toy_tasks.KillsItself",
        f"++objective.marker={tmp_path}/marker",
        f"++objective.number={int(number)}",
        "++objective.step=30",
        "trainer.max_epochs=40",
        "trainer.patience=40",
    ]
    running = process(*args)
    out, _ = running.communicate(timeout=300)
    assert running.returncode == 130, out
    (record,) = data_of().trials
    assert (record.state, record.stop_reason) == (State.FAIL, StopReason.INTERRUPTED)
    assert record.energy_spent_j is not None
    assert record.energy_spent_j > 0
    assert Path("reports/quick/report.html").is_file()
    assert main([*args, "search.n_trials=1"]) == 0
    again = data_of().trials[-1]
    assert (again.params, again.repeat, again.seed) == (record.params, record.repeat, record.seed)
    assert again.state == State.COMPLETE


@pytest.mark.parametrize(
    ("change", "topic"),
    [
        ("trainer.patience=3", "trainer.patience"),
        ("search.space.lr=[0.1]", "space.lr"),
        ("++objective.n=100", "objective.n"),
        ("meter.dynamic_power_w=1.0", "domains"),
    ],
)
def test_another_study_in_the_same_folder_is_refused_with_the_difference(
    change: str, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = [*QUICK, *FOUR, "meter=estimated"]
    assert main([*quick, "search.n_trials=1"]) == 0
    args = [a for a in quick if a.split("=")[0] != change.split("=")[0]]
    assert main([*args, change]) == 2
    error = capsys.readouterr().err
    assert topic in error
    assert "study.import_from=reports/quick" in error


@pytest.mark.usefixtures("finished")
def test_import_takes_over_what_still_applies() -> None:
    wider = ["search.space.batch_size=[16,32]", "search.space.lr=[0.1,0.01]", "study.name=wider"]
    args = [*QUICK[:-1], *wider, "study.import_from=reports/quick"]
    assert main(args) == 0
    data = data_of("reports/wider")
    imported = [r for r in data.trials if r.imported_from]
    assert {r.params["batch_size"] for r in imported} == {16}
    assert len(imported) == 2
    assert len(data.trials) == 4
    assert main(args) == 0
    assert len(data_of("reports/wider").trials) == 4


@pytest.mark.usefixtures("finished")
def test_import_takes_nothing_that_was_trained_differently() -> None:
    other = [*[a for a in QUICK if "name" not in a and "epochs" not in a], *FOUR, "trainer.max_epochs=2"]
    assert main([*other, "study.name=other", "study.import_from=reports/quick"]) == 0
    assert not [r for r in data_of("reports/other").trials if r.imported_from]


def test_a_second_process_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with StudyStore.create(Path("reports/quick"), "quick", "accuracy"):
        assert main([*QUICK, *FOUR]) == 2
    assert "another process works on reports/quick" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"not a database at all " * 50, None])
def test_a_foreign_or_broken_study_file_is_refused_and_left_alone(
    content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("reports/quick/study.db")
    path.parent.mkdir(parents=True)
    if content is None:
        import sqlite3

        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE customers (name TEXT)")
        connection.commit()
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    assert main([*QUICK, *FOUR]) == 2
    assert "study.db" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("reports").write_text("a file")
    assert main([*QUICK, *FOUR]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("whole_page")
def test_a_hostile_study_name_stays_below_reports_and_is_escaped() -> None:
    name = "study.name='../../<script>alert(1)</script>'"
    assert main([*QUICK[:-1], *FOUR, "search.n_trials=1", name]) == 0
    (folder,) = Path("reports").iterdir()
    assert "<script>alert(1)" not in (folder / "report.html").read_text()


def test_a_batch_larger_than_the_training_set_is_the_full_batch() -> None:
    assert main([*QUICK, "search.space.batch_size=[4096]", "search.space.lr=[0.1]"]) == 0
    (record,) = data_of().trials
    assert record.effective_batch_size == 66


@pytest.mark.usefixtures("finished")
def test_report_is_rebuilt_from_the_records_without_torch() -> None:
    report = Path("reports/quick/report.html")
    report.unlink()
    code = (
        "import sys; from sweep.__main__ import main; code = main(['report', 'reports/quick']);"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"}, check=False
    )
    assert done.returncode == 0
    assert report.is_file()
