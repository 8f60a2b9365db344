"""The command line as a user meets it: help, errors, exit codes, and what is imported for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from sweep.__main__ import main

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
