"""The file behind a study: its lock, its SQLite database, and what can go wrong with either.

Foreign errors are mapped here: what is found when a study is opened becomes a StudyError, what fails while it is
written becomes a StorageError.
"""

import json
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError

from sweep.errors import StorageError, StudyError


def locked(folder: Path) -> FileLock:
    """Make the folder and take its lock, which the system lets go of if the process is killed.

    Raises:
        StudyError: if it cannot be written, or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
        _probe_writable(folder)
    except Timeout as err:
        raise StudyError(f"another process works on {folder}", "wait for it, or set study.dir") from err
    except OSError as err:
        raise StudyError(
            f"{folder} cannot be written ({err.strerror or err})", "set study.dir to a folder that can"
        ) from err
    return lock


def _probe_writable(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder):
        pass


def database_url(folder: Path, *, must_exist: bool) -> str:
    """SQLAlchemy's address of the study's database, which is looked at but not written.

    Raises:
        StudyError: if it is missing though it must exist, unreadable, or not of Optuna.
    """
    path = folder / "study.db"
    if not path.is_file() or (must_exist and path.stat().st_size == 0):
        if must_exist:
            raise StudyError(f"{folder} holds no study.db", "give the folder of a study made by sweep")
        return _url(path)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    except sqlite3.Error as err:
        raise StudyError(
            f"{path} is not a readable study ({err})",
            "restore it from a copy, or set study.dir to a new folder",
        ) from err
    if tables and not {"studies", "trials"} <= tables:
        raise StudyError(f"{path} belongs to another program", "set study.dir to a new folder")
    return _url(path)


def _url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string()


def open_storage(url: str, folder: Path) -> optuna.storages.RDBStorage:
    """Optuna's storage; makes its tables in a new file.

    Raises:
        StudyError: if it cannot be opened.
    """
    try:
        return optuna.storages.RDBStorage(url)
    except Exception as err:  # SQLAlchemy and alembic raise what they like
        reason = str(err).splitlines()[0]
        raise StudyError(
            f"{folder}/study.db cannot be opened ({reason})",
            "check the file, or set study.dir to a new folder",
        ) from err


def refuse_foreign(storage: optuna.storages.RDBStorage, folder: Path, name: str, *, mark: str) -> None:
    """Refuse a database with another study in it, or with one that has trials but not our mark.

    Args:
        storage: of the database.
        folder: of the study, for errors.
        name: that the study must have.
        mark: attribute that our studies have before their first trial.

    Raises:
        StudyError: if it is refused.
    """
    found = optuna.get_all_study_summaries(storage, include_best_trial=False)
    if found and [study.study_name for study in found] != [name]:
        raise StudyError(
            f"{folder} holds the study {found[0].study_name!r}, not {name!r}",
            "set study.dir to another folder, or study.name to that name",
        )
    for study in found:
        ours = [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
        if not ours or (study.n_trials and mark not in study.user_attrs):
            raise StudyError(f"{folder}/study.db belongs to another program", "set study.dir to a new folder")


def ended(storage: optuna.storages.BaseStorage, attribute: str) -> list[tuple[int, str]]:
    """Numbers of the ended trials that have an attribute, and its value, by number.

    Asks the database for these alone: Optuna's own objects of 10,000 trials take ten times as long as their records.

    Args:
        storage: of a database with one study.
        attribute: name of a user attribute that is a string.
    """
    backend: Any = getattr(storage, "_backend", storage)
    with backend.engine.connect() as connection:
        rows = connection.execute(text(_ENDED), {"attribute": attribute}).all()
    return [(number, json.loads(value)) for number, value in rows]


_ENDED = """
SELECT trials.number, attributes.value_json
FROM trials JOIN trial_user_attributes AS attributes ON attributes.trial_id = trials.trial_id
WHERE attributes.key = :attribute AND trials.state IN ('COMPLETE', 'PRUNED', 'FAIL')
ORDER BY trials.number
"""


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Where writing to a study may fail: what the system or the database says becomes a StorageError.

    Raises:
        StorageError: e.g. for a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError) as err:
        reason = str(err.__cause__ or err).splitlines()[0]
        raise StorageError(
            f"{folder} can no longer be written ({reason})",
            "make room or restore the right to write, then run the same command again: what is stored is kept",
        ) from err


@contextmanager
def experimental() -> Iterator[None]:
    """Use what Optuna calls experimental without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
