"""Heat-map tables: a number over two dimensions of the search space.

Rows and columns are the first two dimensions in which the trials differ (one of them alone gives one row);
further ones are averaged over, and the table says so. Of several paradigms each has a table of its own, where two
other dimensions vary: a mean over paradigms is nobody's training. Each cell is the mean over the current COMPLETE
trials in it; a cell without any is missing (NaN). A dimension of more than ``MAX_VALUES`` numbers is cut into at most
``N_BINS`` bins that hold about equally many trials.

Limits: a mean over a third dimension hides what that dimension does.
"""

import itertools
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis import wording
from sweep.analysis.current import current
from sweep.analysis.paired import dimension_of_paradigm, paradigm_of
from sweep.records import State, StudyData, TrialRecord

MAX_VALUES = 12
N_BINS = 4


class HeatTable(NamedTuple):
    """A number over two dimensions.

    Attributes:
        row_name: dimension of the rows; empty if only one dimension varies.
        column_name: dimension of the columns.
        rows: labels, length ``n_rows``.
        columns: labels, length ``n_columns``.
        values: shape ``(n_rows, n_columns)``; NaN where no trial was completed.
        averaged: names of the dimensions averaged over.
        paradigm: of which it is; empty where all trials are in it.
    """

    row_name: str
    column_name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    averaged: tuple[str, ...]
    paradigm: str = ""


class _Axis(NamedTuple):
    name: str
    labels: tuple[str, ...]
    label_of: Callable[[Any], str]

    def place(self, trial: TrialRecord) -> int:
        return self.labels.index(self.label_of(trial.params.get(self.name)))


def heat_tables(data: StudyData, measure: Callable[[TrialRecord], float | None]) -> tuple[HeatTable, ...]:
    """Mean of ``measure`` in each cell, a table for each paradigm; empty if no dimension varies or no trial has it."""
    names, dimension = wording.varying(data), dimension_of_paradigm(data)
    numbers = [(trial, number) for trial in _complete(data) if (number := measure(trial)) is not None]
    if not names or not numbers:
        return ()
    if dimension not in names or len(names) < 3:
        return (_table(data, names, numbers),)
    names = tuple(name for name in names if name != dimension)
    groups: dict[str, list[tuple[TrialRecord, float]]] = {}
    for trial, number in numbers:
        groups.setdefault(paradigm_of(trial, dimension), []).append((trial, number))
    return tuple(_table(data, names, group)._replace(paradigm=paradigm) for paradigm, group in groups.items())


def _complete(data: StudyData) -> list[TrialRecord]:
    return [trial for trial in current(data.trials) if trial.state is State.COMPLETE]


def _table(data: StudyData, names: Sequence[str], numbers: Sequence[tuple[TrialRecord, float]]) -> HeatTable:
    row_name, column_name = (names[0], names[1]) if len(names) > 1 else ("", names[0])
    rows, columns = _axis(data, row_name), _axis(data, column_name)
    cells: dict[tuple[int, int], list[float]] = defaultdict(list)
    for trial, number in numbers:
        cells[rows.place(trial), columns.place(trial)].append(number)
    values = np.full((len(rows.labels), len(columns.labels)), np.nan)
    for place, items in cells.items():
        values[place] = statistics.fmean(items)
    return HeatTable(row_name, column_name, rows.labels, columns.labels, values, tuple(names[2:]))


def _axis(data: StudyData, name: str) -> _Axis:
    """Labels of a dimension in the order of its values, failed trials included."""
    if not name:
        return _Axis(name, ("",), lambda _: "")
    found = [trial.params.get(name) for trial in data.trials]
    if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in found):
        return _Axis(name, tuple(dict.fromkeys(wording.value(item) for item in found)), wording.value)
    numbers = sorted({float(item) for item in found if item is not None})
    if len(numbers) > MAX_VALUES:
        return _binned(name, [float(item) for item in found if item is not None])
    return _Axis(name, tuple(_number(item) for item in numbers), _number)


def _number(item: Any) -> str:
    return f"{item:.6g}"


def _binned(name: str, items: Sequence[float]) -> _Axis:
    edges = np.unique(np.quantile(items, np.linspace(0.0, 1.0, N_BINS + 1)))
    labels = tuple(f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges))

    def label(item: float) -> str:
        index = int(np.searchsorted(edges, np.float64(item), side="right")) - 1
        return labels[min(index, len(labels) - 1)]

    return _Axis(name, labels, label)
