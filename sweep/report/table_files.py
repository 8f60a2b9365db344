"""The tables of a study in its folder (``sweep.analysis.study_tables``), written without importing a chart."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sweep.analysis.study_tables import study_tables
from sweep.errors import StudyError
from sweep.records import StudyData, TrialRecord
from sweep.report.files import replace


def write_tables(data: StudyData, folder: Path, trials: Iterable[TrialRecord] | None = None) -> None:
    """Write the tables, which no option of a report changes.

    Args:
        data: the study.
        folder: where to; made if it is missing.
        trials: its trials by number, each asked for once; those of ``data`` unless they are given.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    write_texts(folder, study_tables(data, trials))


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace files of a study, by their path in its folder.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    try:
        for name, text in texts.items():
            replace(folder / name, text)
    except OSError as err:
        raise StudyError(
            f"the report cannot be written to {folder} ({err.strerror})",
            "make the folder writable, or set study.dir to another one",
        ) from err
