"""Bad input as its user meets it: one line that says value, rule and next step, an exit code, nothing left behind."""

import os
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from sweep.__main__ import main

TOY = ["objective=custom", "objective._target_=toy_tasks.Blobs", "trainer.max_epochs=1"]
ONE = ["search.space.batch_size=[16]", "search.space.lr=[0.1]"]
WINDOWS = ["+experiment=windows", "objective.path=w.npz", *ONE]
PAMAP2 = ["+experiment=pamap2", "objective.source=local", "objective.path=recordings", *ONE]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))


def files() -> dict[Path, bytes]:
    """Everything below the current folder, locks aside."""
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.name != ".lock"}


def windows(**changed: Any) -> list[str]:
    """A small npz file with something wrong in it, and the command that reads it."""
    arrays: dict[str, Any] = {
        "X": np.random.default_rng(0).normal(size=(30, 8, 2)),
        "y": np.arange(30) % 2,
        "subject": np.arange(30) // 10,
    }
    np.savez("w.npz", **{**arrays, **changed})
    return WINDOWS


def with_nan() -> list[str]:
    signals = np.zeros((30, 8, 2))
    signals[3, 2, 1] = np.nan
    return windows(X=signals)


def recording(spoil: Callable[[str], str]) -> list[str]:
    """A PAMAP2 recording of three seconds, spoilt, and the command that reads it."""
    Path("recordings").mkdir()
    row = " ".join(["0.01", "1", *["0.5"] * 52]) + "\n"
    Path("recordings/subject101.dat").write_text(spoil(row * 300))
    return PAMAP2


def foreign_database() -> list[str]:
    Path("reports/mine").mkdir(parents=True)
    connection = sqlite3.connect("reports/mine/study.db")
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    return [*TOY, *ONE, "study.name=mine"]


def somebodys_optuna_study(**options: Any) -> list[str]:
    """A study of the same name that another program made."""
    Path("reports/mine").mkdir(parents=True)
    study = optuna.create_study(storage="sqlite:///reports/mine/study.db", study_name="mine", **options)
    study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.FAIL))
    return [*TOY, *ONE, "study.name=mine"]


def with_file(path: str, content: bytes, *args: str) -> list[str]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return list(args)


BAD_INPUT: dict[str, tuple[Callable[[], list[str]], str]] = {
    "missing file": (lambda: WINDOWS, "w.npz does not exist: set objective.path"),
    "no recordings": (lambda: PAMAP2, "no subject1xx.dat is in recordings"),
    "truncated .dat": (partial(recording, lambda text: text[:-40]), "the file was cut"),
    "53 columns": (partial(recording, lambda text: text.replace(" 0.5\n", "\n")), "has 53 columns"),
    "one class only": (partial(windows, y=np.zeros(30, dtype=int)), "has only the class 0: give windows of at least"),
    "a subject that does not exist": (
        lambda: [*windows(), "objective.val_subjects=[7]"],
        "val_subjects [7] is not in the data",
    ),
    "NaN in X": (with_nan, "first at window 3, time 2, channel 1): interpolate them"),
    "object arrays": (partial(windows, X=np.array([{}] * 30)), "save plain numbers or strings, not objects"),
    "folder below a file": (
        lambda: with_file("plain", b"", *TOY, *ONE, "study.dir=plain/study"),
        "plain/study cannot be written (Not a directory): set study.dir",
    ),
    "report below a file": (lambda: with_file("plain", b"", "report", "plain"), "plain holds no study.db"),
    "unreadable study": (
        lambda: with_file("reports/mine/study.db", b"no database" * 99, *TOY, *ONE, "study.name=mine"),
        "is not a readable study (file is not a database): restore it from a copy",
    ),
    "unreadable study to report": (
        lambda: with_file("mine/study.db", b"no database" * 99, "report", "mine"),
        "is not a readable study",
    ),
    "empty study file to report": (lambda: with_file("mine/study.db", b"", "report", "mine"), "holds no study.db"),
    "foreign database": (foreign_database, "belongs to another program: set study.dir"),
    "foreign Optuna study, one objective": (somebodys_optuna_study, "belongs to another program: set study.dir"),
    "foreign Optuna study, same directions": (
        partial(somebodys_optuna_study, directions=["maximize", "minimize"]),
        "belongs to another program: set study.dir",
    ),
    "import from nowhere": (lambda: [*TOY, *ONE, "study.import_from=none"], "none holds no study.db: give the folder"),
    "missing recording of a meter": (
        lambda: [*TOY, *ONE, "meter=replay", "meter.path=none.jsonl"],
        "none.jsonl cannot be read (No such file or directory): set meter.path",
    ),
    "value that needs quotes": (lambda: [*TOY, "study.name=Müller"], """: 'study.name="Müller"'"""),
    "OpenMP policy as a dimension": (
        lambda: [*TOY, *ONE, "++search.vary.wait_policy=[active,passive]"],
        "a process reads it once, when torch loads: run a study for each value",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_clear_error_and_leaves_nothing(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare, message = BAD_INPUT[case]
    args = prepare()
    before = files()
    assert main(args) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
    assert files() == before


FAULTY_TASKS = {
    "ConstructorRaises": "ConstructorRaises cannot be made (RuntimeError: no sensor plugged in): check its options",
    "DataRaises": "DataRaises cannot load its data (KeyError: 'acc_x'): correct the task",
    "ReturnsTuple": "data() of ReturnsTuple returned a tuple: return a sweep.objective.Data",
    "ReturnsLoaders": "the train split is a DataLoader: give Split(inputs, targets) of two tensors",
    "ReturnsArrays": "the train split is a Split of ndarray and ndarray: give Split(inputs, targets) of two tensors",
    "ReturnsScalars": "the train split is a Split of Tensor and Tensor: give Split(inputs, targets)",
    "NoValidation": "the val split is a NoneType: give Split(inputs, targets)",
}


@pytest.mark.parametrize("name", FAULTY_TASKS)
def test_a_faulty_task_is_one_clear_error_and_leaves_nothing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["objective=custom", f"objective._target_=faulty_tasks.{name}", *ONE]) == 2
    error = capsys.readouterr().err
    assert FAULTY_TASKS[name] in error
    assert len(error.splitlines()) == 1
    assert not files()


@pytest.fixture
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address that serves it on the loopback interface."""
    folder = tmp_path_factory.mktemp("mirror")
    handler = type("Silent", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_archive_that_would_write_outside_its_folder_is_refused(
    mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, url = mirror
    with zipfile.ZipFile(folder / "pamap2.zip", "w") as archive:
        archive.writestr("PAMAP2_Dataset/Protocol/../../../evil.dat", "0 0 0\n")
    monkeypatch.setenv("SWEEP_PAMAP2_URL", f"{url}/pamap2.zip")
    assert main(["fetch", "pamap2", "--dir", "data/deep/pamap2"]) == 1
    error = capsys.readouterr().err
    assert "evil.dat' of pamap2.zip leaves the folder: fetch the archive from its home" in error
    assert not files()


def test_a_folder_without_write_permission_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    Path("reports").mkdir(mode=0o500)
    assert main([*TOY, *ONE, "study.name=x"]) == 2
    assert "reports/x cannot be written (Permission denied): set study.dir" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../../x", "/x", "<script>alert(1)</script>x", "..", "a\\\\b é [red]*_`"])
def test_any_name_is_a_folder_below_reports_and_text_everywhere(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOY, *ONE, f'study.name="{name}"']) == 0
    (folder,) = Path("reports").iterdir()
    assert set(Path().iterdir()) == {Path("reports")}
    assert folder.is_dir()
    assert "<script>alert(1)" not in (folder / "report.html").read_text()
    assert f"Report: {folder}/report.html" in capsys.readouterr().out
    assert main(["report", str(folder)]) == 0
