"""The tables of a study in memory."""

import io
from collections.abc import Iterable

from sweep.analysis.study_tables import write_study_tables
from sweep.records import StudyData, TrialRecord


def tables(data: StudyData, trials: Iterable[TrialRecord] | None = None) -> dict[str, str]:
    """The text of each table by the name of its file."""
    streams: dict[str, io.BytesIO] = {}
    write_study_tables(data, lambda name: streams.setdefault(name, io.BytesIO()), trials)
    return {name: stream.getvalue().decode() for name, stream in streams.items()}
