"""The table of trials: all of them as data for the page's script, and the first of them for a page without scripts.

Cells of data are numbers, texts or ``None``; each column says how its cells are told:

    text, number        as they are
    quality             per cent where all lie in [0, 1]
    energy              joules, in the unit of the page; a column of one of its two views names it
    seconds             42 s, 3 min 20 s
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.analysis.summary import Summary
from sweep.records import TrialRecord

FIRST_ROWS = 50


class Column(NamedTuple):
    """One column.

    Attributes:
        name: heading, plain text; a user's where ``verbatim``.
        kind: how cells are told.
        view: the page's view that shows it; empty for both.
    """

    name: str
    kind: str
    view: str = ""
    verbatim: bool = False


class TrialsView(NamedTuple):
    """The table.

    Attributes:
        columns: those of ``rows``.
        rows: every trial by number.
        first: cells of the first rows, as texts.
    """

    columns: tuple[Column, ...]
    rows: list[list[Any]]
    first: list[list[str]]
    in_points: bool

    @property
    def data(self) -> dict[str, Any]:
        """For the page's script."""
        return {
            "columns": [column._asdict() for column in self.columns],
            "rows": self.rows,
            "in_points": self.in_points,
            "n_shown": FIRST_ROWS,
        }


def trials_view(summary: Summary) -> TrialsView:
    """The table of a study, with joules above idle where all completed trials know them."""
    data = summary.data
    names, points = wording.varying(data), wording.in_points(data)
    tests = {test.number: test.quality for test in sorted(data.tests, key=lambda test: test.weights_epoch)}
    columns = (
        Column("trial", "number"),
        *(Column(name, "text", verbatim=True) for name in names),
        Column("ended by", "text"),
        Column(data.study.quality_name, "quality", verbatim=True),
        Column("on test", "quality"),
        Column("energy", "energy", view="total"),
        Column("energy above idle", "energy", view="idle"),
        Column("best epoch", "number"),
        Column("epochs", "number"),
        Column("duration", "seconds"),
        Column("message", "text", verbatim=True),
    )
    trials = sorted(data.trials, key=lambda trial: trial.number)
    replaced = summary.basis.superseded
    rows = [_row(trial, names, tests, replaced.get(trial.number)) for trial in trials]
    first = [_told_row(row, columns, in_points=points) for row in rows[:FIRST_ROWS]]
    return TrialsView(columns, rows, first, points)


def _row(trial: TrialRecord, names: tuple[str, ...], tests: dict[int, float], replaced_by: int | None) -> list[Any]:
    return [
        trial.number,
        *(_cell(trial.params[name]) if name in trial.params else None for name in names),
        str(trial.stop_reason).replace("_", " "),
        trial.quality,
        tests.get(trial.number),
        trial.energy_j,
        trial.energy_dynamic_j,
        trial.best_epoch,
        trial.epochs,
        trial.duration_s,
        _message(trial, replaced_by),
    ]


def _cell(value: Any) -> Any:
    """A param's value; what is no number is told as text, ``None`` among it."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _message(trial: TrialRecord, replaced_by: int | None) -> str | None:
    parts = [
        trial.message,
        None if replaced_by is None else f"done again as trial {replaced_by}",
        trial.imported_from and f"imported from {trial.imported_from}",
    ]
    return " ".join(part for part in parts if part) or None


def _told_row(row: Sequence[Any], columns: Sequence[Column], *, in_points: bool) -> list[str]:
    return [_told(cell, column, in_points=in_points) for cell, column in zip(row, columns, strict=True)]


def _told(cell: Any, column: Column, *, in_points: bool) -> str:
    if cell is None:
        return ""
    if column.kind == "energy":
        return wording.energy(cell)
    if column.kind == "quality":
        return wording.quality(cell, in_points=in_points)
    if column.kind == "seconds":
        return wording.duration(cell)
    return wording.value(cell)
