"""The wheel in an empty environment: the console script works from any folder, with the user's own task and configs."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``sweep`` script of a fresh environment that holds the wheel; dependencies are lent by this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "env"
    venv.create(environment, with_pip=False)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    python = str(environment / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return environment / "bin" / "sweep"


def run(script: Path, folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run([str(script), *args], cwd=folder, env=env, capture_output=True, text=True, check=False)


def readme_task() -> str:
    """The first Python block of the README."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[0]


def test_help_from_any_folder_lists_the_shipped_configs(script: Path, tmp_path: Path) -> None:
    done = run(script, tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert "pamap2" in done.stdout
    assert not any(tmp_path.iterdir())


def test_the_readmes_own_task_runs_with_the_readmes_command(script: Path, tmp_path: Path) -> None:
    task = readme_task()
    assert len(task.splitlines()) <= 30
    (tmp_path / "mytask.py").write_text(task)
    command = re.search(r"^python -m sweep (objective=custom .*)$", (ROOT / "README.md").read_text(), re.M)
    assert command is not None
    args = command.group(1).replace("'", "").split()
    done = run(script, tmp_path, *args, "trainer.max_epochs=2", "search.n_trials=2")
    assert done.returncode == 0, done.stderr
    (report,) = tmp_path.glob("reports/*/report.html")
    assert report.stat().st_size > 100_000


def test_a_users_conf_folder_and_objectives_folder_are_found(script: Path, tmp_path: Path) -> None:
    (tmp_path / "objectives").mkdir()
    (tmp_path / "objectives" / "mine.py").write_text(readme_task())
    name = re.findall(r"class (\w+)\(Objective\)", readme_task())[0]
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\n# Mine.\ndefaults:\n  - override /objective: custom\n"
        f"objective:\n  _target_: objectives.mine.{name}\nsearch:\n  space: {{batch_size: [64], lr: [0.01]}}\n"
    )
    done = run(script, tmp_path, "+experiment=mine", "trainer.max_epochs=1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "mine" / "report.html").is_file()
    assert run(script, tmp_path, "+experiment=windows", "objective.path=none.npz").returncode == 2
