"""A study's folder of results, from its records: the report, the tables and the recommendation to run.

    report.html   trials.csv   epochs.csv   layers.csv   domains.csv   conf/experiment/recommended.yaml
    hot_spots.csv where operators were profiled

Each file is replaced at once or not at all. A study with nothing to recommend has no recommended.yaml; an
older one is removed, so that it is not taken for this study's.
"""

from collections.abc import Callable
from pathlib import Path

from sweep.analysis.above_idle import above_idle
from sweep.analysis.drift import Drift
from sweep.analysis.summary import summarise
from sweep.records import StudyData
from sweep.report.html import render, view_of
from sweep.report.recommended import RELATIVE_PATH, recommended_yaml
from sweep.report.table_files import write_tables, write_texts

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


def write_page(
    data: StudyData, folder: Path, confidence: float = 0.95, steps: Callable[[], Drift | None] | None = None
) -> Path:
    """Write all but the tables; ``steps`` as for ``summarise``, all else as for ``write_report``."""
    dynamic = above_idle(data)
    idle = None if dynamic is None else view_of(summarise(dynamic, confidence))  # first, as ``steps`` may have to wait
    total = view_of(summarise(data, confidence, steps))
    primary = total.summary.recommendations.primary
    texts = {REPORT_NAME: render(total, folder, idle)}
    if primary is not None:
        texts[str(RELATIVE_PATH)] = recommended_yaml(data, primary)
    write_texts(folder, texts)
    if primary is None:
        (folder / RELATIVE_PATH).unlink(missing_ok=True)
    return folder / REPORT_NAME
