"""The tables of a study in memory."""

import io
from collections.abc import Iterable

from sweep.analysis.study_tables import write_row_tables, write_trial_tables
from sweep.records import StudyData, TrialRecord


def tables(data: StudyData, trials: Iterable[TrialRecord] | None = None) -> dict[str, str]:
    """The text of each table by the name of its file; ``trials`` are asked for one by one."""
    streams: dict[str, io.BytesIO] = {}
    write_row_tables(data, lambda name: streams.setdefault(name, io.BytesIO()), trials)
    write_trial_tables(data, lambda name: streams.setdefault(name, io.BytesIO()))
    return {name: stream.getvalue().decode() for name, stream in streams.items()}
