"""``sweep dashboard``: which study, which files, and what is said where there is none; no server is started."""

import os
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sweep.__main__ import main
from sweep.study.store import StudyStore


class Served(NamedTuple):
    """What the server was given."""

    studies: list[str]
    artifacts: str | None
    host: str
    port: int


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Served]:
    """In an empty folder, with a server that only notes what it is given."""
    monkeypatch.chdir(tmp_path)
    calls: list[Served] = []

    def serve(storage: Any, host: str, port: int, artifact_store: Any) -> None:
        where = None if artifact_store is None else artifact_store._base_path
        calls.append(Served(optuna.get_all_study_names(storage), where and str(where), host, port))

    monkeypatch.setattr("optuna_dashboard.run_server", serve)
    return calls


def begin(folder: str, name: str = "s", age_s: float = 0.0) -> None:
    StudyStore.create(Path(folder), name, "accuracy").close()
    path = Path(folder) / "study.db"
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))


def test_a_folder_is_served_on_loopback_with_its_artifacts(served: list[Served]) -> None:
    begin("reports/a", "a")
    assert main(["dashboard", "reports/a", "--port", "9000"]) == 0
    assert served == [Served(["a"], "reports/a/artifacts", "127.0.0.1", 9000)]


def test_without_a_folder_the_study_written_last_is_served(
    served: list[Served], capsys: pytest.CaptureFixture[str]
) -> None:
    begin("reports/old", "old", age_s=100.0)
    begin("reports/new", "new")
    begin("reports/older", "older", age_s=200.0)
    assert main(["dashboard"]) == 0
    assert served[0].studies == ["new"]
    assert "study new of reports/new" in capsys.readouterr().out


@pytest.mark.parametrize("scheme", ["sqlite:///elsewhere/study.db", "sqlite:///{here}/elsewhere/study.db"])
def test_a_storage_is_served_by_its_url_with_the_files_beside_it(served: list[Served], scheme: str) -> None:
    begin("elsewhere")
    assert main(["dashboard", "--storage", scheme.format(here=Path.cwd())]) == 0
    assert served[0].studies == ["s"]
    assert served[0].artifacts is not None
    assert Path(served[0].artifacts).resolve() == Path("elsewhere/artifacts").resolve()


def test_a_journal_of_anybody_is_served_and_it_is_said_that_there_are_no_files(
    served: list[Served], capsys: pytest.CaptureFixture[str]
) -> None:
    optuna.create_study(storage=JournalStorage(JournalFileBackend("journal.log")), study_name="theirs")
    assert main(["dashboard", "--storage", "journal.log"]) == 0
    assert (served[0].studies, served[0].artifacts) == (["theirs"], None)
    assert "there is no folder artifacts: files of trials cannot be opened" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "there is no study in reports/: give the folder of one, or run one"),
        (["none"], "none holds no study.db"),
        (["--storage", "none.log"], "there is no storage none.log: give the URL of one that exists"),
        (["--storage", "sqlite:///none.db"], "there is no storage sqlite:///none.db"),
        (["--storage", "nosuch://host/x"], "the storage nosuch://host/x cannot be opened"),
    ],
)
def test_what_is_not_there_is_an_error_and_nothing_is_made(
    served: list[Served], capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert main(["dashboard", *args]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert served == []
    assert not any(Path.cwd().iterdir())


def test_a_database_given_as_a_path_is_told_how_to_be_written(
    served: list[Served], capsys: pytest.CaptureFixture[str]
) -> None:
    begin("a")
    assert main(["dashboard", "--storage", "a/study.db"]) == 2
    assert "a/study.db is an SQLite database: write --storage sqlite:///a/study.db" in capsys.readouterr().err


def test_a_folder_and_a_storage_exclude_each_other(served: list[Served], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        main(["dashboard", "a", "--storage", "sqlite:///b"])
    assert leave.value.code == 2
    assert "not allowed with argument dir" in capsys.readouterr().err


def test_the_help_tells_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        main(["dashboard", "--help"])
    assert leave.value.code == 0
    said = capsys.readouterr().out
    for word in ("[dir]", "without one", "--storage URL", "journal", "--port"):
        assert word.lower() in said.lower()
