"""The tables of a study as CSV, from trials that are looked at one by one.

    trials.csv   epochs.csv   layers.csv   domains.csv   and hot_spots.csv where operators were profiled

They hold what the frames of ``sweep.analysis.tables`` hold. Rows of epochs and layers are written with their trial, so
that its record need not be kept: where memory is dear, touching it takes longer than making the tables.
"""

from collections.abc import Callable, Iterable
from typing import BinaryIO

from sweep.analysis.csv_text import CsvLines, csv_text
from sweep.analysis.operators import operators_frame
from sweep.analysis.tables import (
    ALL_EPOCH_COLUMNS,
    ALL_LAYER_COLUMNS,
    domains_frame,
    epoch_rows,
    layer_rows,
    trials_frame,
)
from sweep.records import StudyData, TrialRecord


def write_row_tables(
    data: StudyData, opened: Callable[[str], BinaryIO], trials: Iterable[TrialRecord] | None = None
) -> None:
    """Write the tables with a row for each epoch, and for each layer of each trial.

    Args:
        data: the study.
        opened: gives the stream of a table by the name of its file, empty, to read and write.
        trials: its trials by number, each asked for once; those of ``data`` unless they are given.
    """
    epochs = CsvLines(opened("epochs.csv"), ALL_EPOCH_COLUMNS)
    layers = CsvLines(opened("layers.csv"), ALL_LAYER_COLUMNS)
    domains: dict[str, None] = {}
    for domain in data.study.domains:
        _meet(domain.name, domains, layers)
    for trial in sorted(data.trials, key=lambda trial: trial.number) if trials is None else trials:
        for name in trial.domains:
            _meet(name, domains, layers)
        epochs.add(epoch_rows(trial))
        layers.add(layer_rows(trial, domains))
    epochs.flush()
    layers.flush()


def write_trial_tables(data: StudyData, opened: Callable[[str], BinaryIO]) -> None:
    """Write the other tables; arguments as for ``write_row_tables``."""
    frames = {"trials.csv": trials_frame(data), "domains.csv": domains_frame(data)}
    if any(trial.operators for trial in data.trials):
        frames["hot_spots.csv"] = operators_frame(sorted(data.trials, key=lambda trial: trial.number))
    for name, frame in frames.items():
        opened(name).write(csv_text(frame).encode())


def _meet(name: str, domains: dict[str, None], layers: CsvLines) -> None:
    """A domain gets its column when it is met for the first time."""
    if name not in domains:
        domains[name] = None
        layers.widen(f"energy_j.{name}")
