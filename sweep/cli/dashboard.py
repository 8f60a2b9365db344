"""``sweep dashboard [DIR | --storage URL]``: a study in Optuna dashboard, on this machine only.

(nothing)                the study under reports/ that was written last
DIR                      the study of a folder
--storage sqlite:///F    any storage of Optuna's, with the files of the folder ``artifacts`` beside it
--storage F              a journal file, likewise
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.cli import Command
from sweep.errors import ConfigError, StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

REPORTS = Path("reports")
ARTIFACTS = "artifacts"
HOST = "127.0.0.1"


class Dashboard(Command):
    """Start optuna-dashboard on a study, with its artifacts."""

    help = "open a study in Optuna dashboard"

    def run(self, args: Sequence[str]) -> int:
        """Serve until Ctrl-C.

        Raises:
            StudyError: if there is no such study.
            ConfigError: if the port or the storage cannot be used.
        """
        options = _parser(self.help).parse_args(args)
        if options.storage is not None:
            _serve(_storage(options.storage), _beside(options.storage), options.port)
            return 0
        folder = options.dir if options.dir is not None else newest(REPORTS)
        from sweep.study.store import StudyStore

        with StudyStore.open_to_read(folder) as store:
            print(f"study {store.study.study_name} of {folder}")
            _serve(store.storage, folder / ARTIFACTS, options.port)
        return 0


def _parser(text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sweep dashboard", description=text)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "dir", type=Path, nargs="?", help="folder of a study; without one, the study under reports/ written last"
    )
    which.add_argument(
        "--storage", metavar="URL", help="any Optuna storage, e.g. sqlite:///study.db, or the path of a journal file"
    )
    parser.add_argument("--port", type=int, default=8080, help="of this machine; nobody else can reach it")
    return parser


def newest(reports: Path) -> Path:
    """The folder of the study that was written last.

    Raises:
        StudyError: if there is none.
    """
    found = [(path.stat().st_mtime, path.parent) for path in reports.glob("*/study.db")]
    if not found:
        raise StudyError(
            f"there is no study in {reports}/", "give the folder of one, or run one: sweep +experiment=pamap2"
        )
    return max(found)[1]


def _storage(url: str) -> "BaseStorage":
    """A storage of Optuna's by its URL, or a journal by its path; nothing is made or migrated.

    Raises:
        StudyError: if it is not there, or cannot be opened.
    """
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    path = _path(url)
    if path is not None and not path.is_file():
        raise StudyError(f"there is no storage {url}", "give the URL of one that exists, e.g. sqlite:///study.db")
    if path is not None and "://" not in url and _is_sqlite(path):
        raise StudyError(f"{url} is an SQLite database", f"write --storage sqlite:///{url}")
    try:
        if path is not None and "://" not in url:
            return JournalStorage(JournalFileBackend(url))
        if url.startswith("redis"):
            return optuna.storages.get_storage(url)
        return RDBStorage(url, skip_table_creation=True)
    except Exception as err:  # SQLAlchemy, alembic and the drivers raise what they like
        reason = " ".join(str(err).split())
        raise StudyError(f"the storage {url} cannot be opened ({reason})", "check its URL, and its driver") from err


def _path(url: str) -> Path | None:
    """The file behind a storage; ``None`` if it is a server."""
    if "://" not in url:
        return Path(url)
    if not url.startswith("sqlite"):
        return None
    from sqlalchemy import make_url

    database = make_url(url).database
    return Path(database) if database else None


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _beside(url: str) -> Path | None:
    path = _path(url)
    return None if path is None else path.parent / ARTIFACTS


def _serve(storage: "BaseStorage", artifacts: Path | None, port: int) -> None:
    """Run the server until Ctrl-C.

    Raises:
        ConfigError: if the port cannot be used.
    """
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import run_server

    files: Any = None
    if artifacts is not None and artifacts.is_dir():
        files = FileSystemArtifactStore(str(artifacts))
    else:
        where = "a server's storage has no folder" if artifacts is None else f"there is no folder {artifacts}"
        print(f"{where}: files of trials cannot be opened")
    print(f"http://{HOST}:{port}/ (Ctrl-C ends it)", flush=True)
    with _port_errors(port):
        run_server(storage, host=HOST, port=port, artifact_store=files)


@contextmanager
def _port_errors(port: int) -> Iterator[None]:
    try:
        yield
    except (OSError, OverflowError) as err:  # in use, not allowed, or no port number at all
        raise ConfigError(f"port {port} cannot be used ({err})", "give another one, e.g. --port 8081") from err
