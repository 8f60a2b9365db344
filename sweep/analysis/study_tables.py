"""The tables of a study as CSV, from trials that are looked at one by one.

    trials.csv   epochs.csv   layers.csv   domains.csv   and hot_spots.csv where operators were profiled

They hold what the frames of ``sweep.analysis.tables`` hold. Epochs and layers become text with their trial, and of the
trial itself only the rest is kept: the records of a large study take several times the memory of its tables.
"""

from collections.abc import Iterable

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


def study_tables(data: StudyData, trials: Iterable[TrialRecord] | None = None) -> dict[str, str]:
    """The text of each table by the name of its file.

    Args:
        data: the study.
        trials: its trials by number; those of ``data`` unless they are given.
    """
    epochs, layers = CsvLines(ALL_EPOCH_COLUMNS), CsvLines(ALL_LAYER_COLUMNS)
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
    whole = msgspec.structs.replace(data, trials=rest)
    texts = {
        "trials.csv": csv_text(trials_frame(whole)),
        "epochs.csv": epochs.text(),
        "layers.csv": layers.text(),
        "domains.csv": csv_text(domains_frame(whole)),
    }
    if any(trial.operators for trial in rest):
        texts["hot_spots.csv"] = csv_text(operators_frame(rest))
    return texts


def _meet(name: str, domains: dict[str, None], layers: CsvLines) -> None:
    """A domain gets its column when it is met for the first time."""
    if name not in domains:
        domains[name] = None
        layers.widen(f"energy_j.{name}")
