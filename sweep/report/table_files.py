"""The tables of a study in its folder (``sweep.analysis.study_tables``), written without importing a chart."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sweep.analysis.study_tables import write_study_tables
from sweep.errors import StudyError
from sweep.records import StudyData, TrialRecord
from sweep.report.files import replacing


def write_tables(data: StudyData, folder: Path, trials: Iterable[TrialRecord] | None = None) -> None:
    """Write the tables, which no option of a report changes; none is replaced before all are whole.

    Args:
        data: the study.
        folder: where to; made if it is missing.
        trials: its trials by number, each asked for once; those of ``data`` unless they are given.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    with _told(folder), ExitStack() as files:
        write_study_tables(data, lambda name: files.enter_context(replacing(folder / name)), trials)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace files of a study, by their path in its folder; none before all are whole.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    with _told(folder), ExitStack() as files:
        for name, text in texts.items():
            files.enter_context(replacing(folder / name)).write(text.encode())


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A folder that cannot be written to, as an error of this tool."""
    try:
        yield
    except OSError as err:
        raise StudyError(
            f"the report cannot be written to {folder} ({err.strerror})",
            "make the folder writable, or set study.dir to another one",
        ) from err
