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
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis import wording
from sweep.analysis.current import current
from sweep.analysis.once import once
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
    """A dimension of a table.

    Attributes:
        places: place of each value among the labels, by the value's ``repr``.
    """

    name: str
    labels: tuple[str, ...]
    places: dict[str, int]

    def place(self, trial: TrialRecord) -> int:
        return self.places[repr(trial.params.get(self.name))]


class _Placed(NamedTuple):
    """A trial, the paradigm of its table, and its row and column there."""

    trial: TrialRecord
    paradigm: str
    cell: tuple[int, int]


class _Grid(NamedTuple):
    """Where the trials of a study stand."""

    rows: _Axis
    columns: _Axis
    averaged: tuple[str, ...]
    placed: tuple[_Placed, ...]


def heat_tables(data: StudyData, measure: Callable[[TrialRecord], float | None]) -> tuple[HeatTable, ...]:
    """Mean of ``measure`` in each cell, a table for each paradigm; empty if no dimension varies or no trial has it."""
    grid = _grid(data)
    groups: dict[str, dict[tuple[int, int], list[float]]] = {}
    for trial, paradigm, cell in () if grid is None else grid.placed:
        if (number := measure(trial)) is not None:
            groups.setdefault(paradigm, {}).setdefault(cell, []).append(number)
    return tuple(_table(grid, paradigm, cells) for paradigm, cells in groups.items() if grid is not None)


@once
def _grid(data: StudyData) -> _Grid | None:
    """The current COMPLETE trials in their cells; ``None`` if no dimension varies."""
    names, dimension = wording.varying(data), dimension_of_paradigm(data)
    if not names:
        return None
    is_apart = dimension in names and len(names) >= 3
    if is_apart:
        names = tuple(name for name in names if name != dimension)
    rows, columns = _axes(data, names)
    placed = tuple(
        _Placed(trial, paradigm_of(trial, dimension) if is_apart else "", (rows.place(trial), columns.place(trial)))
        for trial in current(data)
        if trial.state is State.COMPLETE
    )
    return _Grid(rows, columns, names[2:], placed)


def _axes(data: StudyData, names: Sequence[str]) -> tuple[_Axis, _Axis]:
    """Rows and columns; one row without a name where one dimension varies."""
    row_name, column_name = (names[0], names[1]) if len(names) > 1 else ("", names[0])
    return _axis(data, row_name), _axis(data, column_name)


def _table(grid: _Grid, paradigm: str, cells: Mapping[tuple[int, int], Sequence[float]]) -> HeatTable:
    rows, columns = grid.rows, grid.columns
    values = np.full((len(rows.labels), len(columns.labels)), np.nan)
    for place, items in cells.items():
        values[place] = statistics.fmean(items)
    return HeatTable(rows.name, columns.name, rows.labels, columns.labels, values, grid.averaged, paradigm)


def _axis(data: StudyData, name: str) -> _Axis:
    """Labels of a dimension in the order of its values, failed trials included."""
    found = [trial.params.get(name) for trial in data.trials]
    values = {repr(item): item for item in found}
    labels, label_of = _labels(found, list(values.values())) if name else (("",), lambda _: "")
    return _Axis(name, labels, {key: labels.index(label_of(item)) for key, item in values.items()})


def _labels(found: Sequence[Any], values: Sequence[Any]) -> tuple[tuple[str, ...], Callable[[Any], str]]:
    """Labels, and which of them a value has; ``values`` are those found, each once."""
    if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in values):
        return tuple(dict.fromkeys(wording.value(item) for item in values)), wording.value
    numbers = sorted({float(item) for item in values})
    if len(numbers) > MAX_VALUES:
        return _binned([float(item) for item in found])
    return tuple(_number(item) for item in numbers), _number


def _number(item: Any) -> str:
    return f"{item:.6g}"


def _binned(items: Sequence[float]) -> tuple[tuple[str, ...], Callable[[Any], str]]:
    edges = np.unique(np.quantile(items, np.linspace(0.0, 1.0, N_BINS + 1)))
    labels = tuple(f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges))

    def label(item: float) -> str:
        index = int(np.searchsorted(edges, np.float64(item), side="right")) - 1
        return labels[min(index, len(labels) - 1)]

    return labels, label
