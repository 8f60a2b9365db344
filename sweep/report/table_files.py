"""The tables of a study in its folder (``sweep.analysis.study_tables``), written without importing a chart."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sweep.analysis.study_tables import write_row_tables, write_trial_tables
from sweep.errors import StudyError
from sweep.records import StudyData, TrialRecord
from sweep.report.files import replacing


def write_tables(data: StudyData, folder: Path) -> None:
    """Write all tables, which no option of a report changes; none is replaced before all are whole.

    Args:
        data: the study.
        folder: where to; made if it is missing.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    with _files(folder) as opened:
        write_row_tables(data, opened)
        write_trial_tables(data, opened)


def write_rows(data: StudyData, folder: Path, trials: Iterable[TrialRecord]) -> None:
    """Write the tables of epochs and layers, of trials by number that are each asked for once."""
    with _files(folder) as opened:
        write_row_tables(data, opened, trials)


def write_trials(data: StudyData, folder: Path) -> None:
    """Write the other tables."""
    with _files(folder) as opened:
        write_trial_tables(data, opened)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace files of a study, by their path in its folder; none before all are whole.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    with _files(folder) as opened:
        for name, text in texts.items():
            opened(name).write(text.encode())


@contextmanager
def _files(folder: Path) -> Iterator[Callable[[str], BinaryIO]]:
    """Opens files of a folder; they take the place of what is there when the block ends without an error.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    try:
        with ExitStack() as files:
            streams: list[BinaryIO] = []

            def opened(name: str) -> BinaryIO:
                streams.append(files.enter_context(replacing(folder / name)))
                return streams[-1]

            yield opened
            for stream in streams:
                stream.flush()  # a full disk is met here, before any is replaced
    except OSError as err:
        raise StudyError(
            f"the report cannot be written to {folder} ({err.strerror})",
            "make the folder writable, or set study.dir to another one",
        ) from err
