"""The command line as a user meets it: help, errors, exit codes, and what is imported for them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sweep.__main__ import main
from sweep.cli.fetch import _progress_bar
from sweep.study.store import StudyStore

HEAVY = ("torch", "optuna", "pandas", "plotly")
ROOT = Path(__file__).parents[2]


def run_light(*args: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a fresh interpreter, which then tells what heavy modules it had loaded."""
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from sweep.__main__ import main; code = main(sys.argv[1:]);"
        f"print('HEAVY', [m for m in {HEAVY} if m in sys.modules]); sys.exit(code)"
    )
    return subprocess.run([sys.executable, "-c", code, str(ROOT), *args], capture_output=True, text=True, check=False)


def test_help_lists_every_name_and_imports_nothing_heavy() -> None:
    done = run_light("--help")
    assert done.returncode == 0
    assert "HEAVY []" in done.stdout
    for name in ("pamap2", "windows", "report", "fetch", "dashboard", "estimated", "replay", "baseline", "tpe"):
        assert name in done.stdout


def test_a_config_error_is_one_line_with_exit_code_2_and_imports_nothing_heavy() -> None:
    done = run_light("+experiment=windows", "objective.path=x", "trainer.lrr=1")
    assert done.returncode == 2
    assert "HEAVY []" in done.stdout
    assert done.stderr.startswith("error: trainer.lrr is not an option")
    assert len(done.stderr.splitlines()) == 1


def test_a_traceback_comes_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--traceback", "objective=none_such"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert main(["objective=none_such"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["reprt"], "there is no command reprt: did you mean report?"),
        (["windows"], "windows is an experiment, not a command: write +experiment=windows"),
        (["--frobnicate", "+experiment=windows"], "--frobnicate is not a flag of sweep"),
        (["-m", "--cfg", "job", "+experiment=windows"], "a multirun has several configs to show: drop -m"),
        (["+experiment=windows", "--config-dir"], "--config-dir is not a flag of sweep, or lacks its value"),
        (["--cfg", "job"], "no experiment is chosen: add +experiment=<name>, one of:"),
        (["-m", "objective=custom", "study.name=a,b", "trainer.lrr=1"], "did you mean trainer.lr?"),
        (["-m", "objective=custom", "study.name=Müller,x"], "cannot be composed: check its brackets, or quote"),
        (["report", "no/such/folder"], "holds no study.db"),
        (["dashboard", "no/such/folder"], "holds no study.db"),
        (["fetch", "none_such"], "there is no objective none_such"),
        (["--config-dir", "no/such/folder", "objective=custom"], "is not a folder"),
        (["objective=custom", "objective._target_=no_such_module.Task"], "cannot be imported"),
        (["objective=custom", "objective._target_=pathlib.Path"], "is not a Objective"),
        (["+experiment=windows", "objective.path=none.npz", "++objective.pth=1"], "objective.pth is not an option"),
        (
            ["+experiment=windows", "objective.path=none.npz", "trainer.device=tpu9"],
            "trainer.device=tpu9 cannot be used",
        ),
    ],
)
def test_bad_input_exits_with_2_and_says_why(
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["report", "fetch", "dashboard"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        main([command, "--help"])
    assert leave.value.code == 0
    assert f"sweep {command}" in capsys.readouterr().out


def test_what_nobody_foresaw_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr("sweep.compose.prepare", fail)
    assert main(["+experiment=windows"]) == 1
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: a b: not foreseen; --traceback shows where it comes from\n"
    )
    assert main(["+experiment=windows", "--traceback"]) == 1
    assert "in fail\n" in capsys.readouterr().err


def test_the_composed_config_is_shown_without_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for flags in (["--cfg", "job"], ["--cfg=job"]):
        assert main([*flags, "+experiment=windows", "trainer.patience=3"]) == 0
        assert yaml.safe_load(capsys.readouterr().out)["trainer"]["patience"] == 3
    assert not any(tmp_path.iterdir())


def test_the_setup_trained_today_is_named_without_a_plus(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["+experiment=pamap2", "study.current={batch_size:64,lr:0.001}", "--cfg", "job"]) == 0
    assert "current:\n    batch_size: 64\n    lr: 0.001\n" in capsys.readouterr().out


def test_help_is_ours_wherever_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["+experiment=windows", "--help"]) == 0
    assert "++search.vary." in capsys.readouterr().out


MULTIRUN = ["-m", "objective=custom", "search.space.batch_size=[16]", "search.space.lr=[0.1]", "trainer.max_epochs=1"]


def test_a_multirun_goes_on_after_a_study_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    targets = "objective._target_=toy_tasks.AlwaysCrashes,faulty_tasks.DataRaises,toy_tasks.Blobs"
    assert main([*MULTIRUN, targets, "study.name=${objective._target_}"]) == 2
    assert Path("reports/toy_tasks.AlwaysCrashes/report.html").is_file()
    assert Path("reports/toy_tasks.Blobs/report.html").is_file()


def test_every_study_of_a_multirun_is_checked_before_the_first_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*MULTIRUN, "objective._target_=toy_tasks.Blobs", "study.name=a,b", "trainer.patience=2,0"]) == 2
    assert capsys.readouterr().err.startswith("error: trainer.patience=0 is below 1")
    assert not any(tmp_path.iterdir())


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sweep.__main__ import console; console()"
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as out:
        done = subprocess.run(
            [sys.executable, "-c", code, str(ROOT), "--help"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_letters_that_the_terminal_lacks_are_no_error(tmp_path: Path) -> None:
    config = tmp_path / "conf" / "meter" / "mine.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("# Zähler\n_target_: x.Y\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sweep", "--help"],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert r"mine       Z\xe4hler" in done.stdout


def test_a_port_in_use_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with StudyStore.create(tmp_path / "study", "study", "accuracy"), socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["dashboard", "study", "--port", str(port)]) == 2
    assert f"error: port {port} cannot be used" in capsys.readouterr().err


def test_a_download_tells_its_size_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with _progress_bar() as advance:
        advance(0, 656_000_000)
        advance(1000, 656_000_000)
    assert capsys.readouterr().err.split("\n") == ["downloading 656.0 MB", ""]
