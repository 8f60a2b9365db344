"""The tables of a study as CSV, from trials that are looked at one by one.

    trials.csv   epochs.csv   layers.csv   domains.csv   and hot_spots.csv where operators were profiled

They hold what the frames of ``sweep.analysis.tables`` hold. Epochs and layers are written with their trial, and of the
trial itself only the rest is kept: where memory is dear, touching it takes longer than making the tables.
"""

from collections.abc import Callable, Iterable
from typing import BinaryIO

import msgspec

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
from sweep.records import StudyData, TrialRecord, bare


def write_study_tables(
    data: StudyData, opened: Callable[[str], BinaryIO], trials: Iterable[TrialRecord] | None = None
) -> None:
    """Write each table.

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
    rest: list[TrialRecord] = []
    for trial in sorted(data.trials, key=lambda trial: trial.number) if trials is None else trials:
        for name in trial.domains:
            _meet(name, domains, layers)
        epochs.add(epoch_rows(trial))
        layers.add(layer_rows(trial, domains))
        rest.append(bare(trial))
    epochs.flush()
    layers.flush()
    whole = msgspec.structs.replace(data, trials=rest)
    frames = {"trials.csv": trials_frame(whole), "domains.csv": domains_frame(whole)}
    if any(trial.operators for trial in rest):
        frames["hot_spots.csv"] = operators_frame(rest)
    for name, frame in frames.items():
        opened(name).write(csv_text(frame).encode())


def _meet(name: str, domains: dict[str, None], layers: CsvLines) -> None:
    """A domain gets its column when it is met for the first time."""
    if name not in domains:
        domains[name] = None
        layers.widen(f"energy_j.{name}")
