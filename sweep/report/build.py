"""A study's folder of results, from its records: the report, the tables and the recommendation to run.

    report.html   trials.csv   epochs.csv   layers.csv   domains.csv   conf/experiment/recommended.yaml
    hot_spots.csv where operators were profiled

Each file is replaced at once or not at all. A study with nothing to recommend has no recommended.yaml; an
older one is removed, so that it is not taken for this study's.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from sweep.analysis.above_idle import above_idle
from sweep.analysis.study_tables import study_tables
from sweep.analysis.summary import summarise
from sweep.errors import StudyError
from sweep.records import StudyData, TrialRecord
from sweep.report.html import render
from sweep.report.page import replace
from sweep.report.recommended import RELATIVE_PATH, recommended_yaml

REPORT_NAME = "report.html"


def write_report(data: StudyData, folder: Path, confidence: float = 0.95) -> Path:
    """Write everything that derives from the records.

    Args:
        data: the study.
        folder: where to; made if it is missing.
        confidence: two-sided level of the intervals.

    Returns:
        Path of report.html.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    write_tables(data, folder)
    return write_page(data, folder, confidence)


def write_tables(data: StudyData, folder: Path, trials: Iterable[TrialRecord] | None = None) -> None:
    """Write the tables alone, which no option of a report changes.

    Args:
        data: the study.
        folder: where to; made if it is missing.
        trials: its trials by number, each asked for once; those of ``data`` unless they are given.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    _write(folder, study_tables(data, trials))


def write_page(data: StudyData, folder: Path, confidence: float = 0.95) -> Path:
    """Write all but the tables; arguments, result and errors as those of ``write_report``."""
    summary = summarise(data, confidence)
    dynamic = above_idle(data)
    idle = None if dynamic is None else summarise(dynamic, confidence)
    primary = summary.recommendations.primary
    texts = {REPORT_NAME: render(summary, folder, idle)}
    if primary is not None:
        texts[str(RELATIVE_PATH)] = recommended_yaml(data, primary)
    _write(folder, texts)
    if primary is None:
        (folder / RELATIVE_PATH).unlink(missing_ok=True)
    return folder / REPORT_NAME


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Replace files, by their path in the folder."""
    try:
        for name, text in texts.items():
            replace(folder / name, text)
    except OSError as err:
        raise StudyError(
            f"the report cannot be written to {folder} ({err.strerror})",
            "make the folder writable, or set study.dir to another one",
        ) from err
