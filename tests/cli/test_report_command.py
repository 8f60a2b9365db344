"""``sweep report``: two processes write what one writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._generated import generated
from benchmarks._generated_store import write_store
from sweep.__main__ import main
from sweep.cli import report


def _files(folder: Path) -> dict[str, bytes]:
    found = [*folder.glob("*.csv"), *folder.glob("*.html"), folder / "conf/experiment/recommended.yaml"]
    return {path.name: path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    write_store(generated(16, n_epochs=12, n_layers=2), made)
    return made


@pytest.mark.slow
def test_two_processes_write_what_one_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["report", str(folder)]) == 0
    alone = _files(folder)
    assert alone.keys() >= {"report.html", "trials.csv", "epochs.csv", "layers.csv", "domains.csv"}
    for name in alone:
        next(folder.rglob(name)).unlink()
    monkeypatch.setattr(report, "MANY_FILES", 1)
    assert main(["report", str(folder)]) == 0
    assert _files(folder) == alone


@pytest.mark.slow
def test_an_error_of_the_second_process_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "epochs.csv").unlink(missing_ok=True)
    (folder / "epochs.csv").mkdir()
    monkeypatch.setattr(report, "MANY_FILES", 1)
    assert main(["report", str(folder)]) == 2
    assert "the report cannot be written" in capsys.readouterr().err
    (folder / "epochs.csv").rmdir()


@pytest.mark.slow
def test_the_process_of_a_large_report_tells_where_it_is_before_it_ends_at_once(folder: Path) -> None:
    more = [folder / "artifacts" / f"more-{n}" for n in range(report.MANY_FILES)]
    for path in more:
        path.touch()
    ran = subprocess.run(
        [sys.executable, "-m", "sweep", "report", str(folder)], capture_output=True, text=True, timeout=300, check=False
    )
    for path in more:
        path.unlink()
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{folder / 'report.html'}\n", "")
    assert not list(folder.rglob("*.tmp"))
