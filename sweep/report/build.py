"""A study's folder of results, from its records: the report, the tables and the recommendation to run.

    report.html   trials.csv   epochs.csv   layers.csv   domains.csv   conf/experiment/recommended.yaml
    hot_spots.csv where operators were profiled

Each file is replaced at once or not at all. A study with nothing to recommend has no recommended.yaml; an
older one is removed, so that it is not taken for this study's.
"""

from pathlib import Path

from sweep.analysis.above_idle import above_idle
from sweep.analysis.csv_text import csv_text
from sweep.analysis.operators import operators_frame
from sweep.analysis.summary import Summary, summarise
from sweep.analysis.tables import domains_frame, epochs_frame, layers_frame, trials_frame
from sweep.errors import StudyError
from sweep.records import StudyData
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
    summary = summarise(data, confidence)
    dynamic = above_idle(data)
    idle = None if dynamic is None else summarise(dynamic, confidence)
    try:
        for name, text in _texts(summary, idle, folder).items():
            replace(folder / name, text)
        if summary.recommendations.primary is None:
            (folder / RELATIVE_PATH).unlink(missing_ok=True)
    except OSError as err:
        raise StudyError(
            f"the report cannot be written to {folder} ({err.strerror})",
            "make the folder writable, or set study.dir to another one",
        ) from err
    return folder / REPORT_NAME


def _texts(summary: Summary, idle: Summary | None, folder: Path) -> dict[Path, str]:
    data, primary = summary.data, summary.recommendations.primary
    texts = {
        Path("trials.csv"): csv_text(trials_frame(data)),
        Path("epochs.csv"): csv_text(epochs_frame(data)),
        Path("layers.csv"): csv_text(layers_frame(data)),
        Path("domains.csv"): csv_text(domains_frame(data)),
    }
    if any(trial.operators for trial in data.trials):
        texts[Path("hot_spots.csv")] = csv_text(operators_frame(data.trials))
    if primary is not None:
        texts[RELATIVE_PATH] = recommended_yaml(data, primary)
    texts[Path(REPORT_NAME)] = render(summary, folder, idle)
    return texts
