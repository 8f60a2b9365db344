"""What the heat maps share: tables of numbers over two dimensions, one for each paradigm, with numbers in the cells.

Panels stand one below another, with the same axes and one scale of colours, so that paradigms can be compared.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from sweep.analysis.heat import HeatTable
from sweep.report.chart import SEQUENTIAL, axis_title, cut, plain, styled, text

MAX_TICK, MAX_LINE = 14, 44
"""Letters of a label and of a line of the title that fit on a phone."""
PANEL_HEIGHT = 240
AROUND, LINE = 100, 18
"""Heights of titles and of a line of text, in pixels."""
DULL = "rgba(128,128,128,0.12)"
DULL_TEXT = "#808690"


class HeatPanel(NamedTuple):
    """One table; labels are escaped.

    Attributes:
        title: the paradigm; empty where it is the only table.
        values: rows of the table, ``None`` where no trial was completed.
        cells: the text in each cell.
        lit: ``values`` that get a colour; ``None`` where a cell is dull.
        dull: ``values`` of the others.
    """

    title: str
    rows: list[str]
    columns: list[str]
    values: list[list[float | None]]
    cells: list[list[str]]
    lit: list[list[float | None]]
    dull: list[list[float | None]]


class HeatInfo(NamedTuple):
    """Numbers of a heat map; labels are escaped.

    Attributes:
        row_ticks: labels of the rows, cut so that they leave room for the cells on a phone.
        unit: of the values, on lines that fit on a phone.
        mean: the dimensions that the values are means over; empty without one.
        reverse: whether small numbers are the good (bright) ones.
        is_energy: whether the values are joules.
    """

    panels: list[HeatPanel]
    row_name: str
    row_ticks: list[str]
    column_name: str
    unit: str
    reverse: bool
    mean: str
    is_energy: bool


def heat_info(
    tables: Sequence[HeatTable],
    unit: str,
    *,
    told: Callable[[float], str],
    reverse: bool,
    is_energy: bool = False,
    beside: Sequence[HeatTable] = (),
    dull: Sequence[NDArray[np.bool_]] = (),
) -> HeatInfo | None:
    """Lists and labels of heat tables; ``None`` without one.

    Args:
        tables: one for each paradigm.
        unit: of the values.
        told: a value as its cell says it.
        reverse: whether small numbers are the good ones.
        is_energy: whether the values are joules.
        beside: tables of what stands below the value in each cell, with two decimals.
        dull: masks of the cells that get no colour.
    """
    if not tables:
        return None
    others = [None] * len(tables) if not beside else [table.values for table in beside]
    masks = dull or [np.zeros(table.values.shape, dtype=bool) for table in tables]
    return HeatInfo(
        panels=[_panel(*item, told) for item in zip(tables, others, masks, strict=True)],
        row_name=text(tables[0].row_name),
        row_ticks=[text(cut(item, MAX_TICK)) for item in tables[0].rows],
        column_name=text(tables[0].column_name),
        unit=_wrapped(unit),
        reverse=reverse,
        mean=_wrapped(f"mean over {', '.join(tables[0].averaged)}") if tables[0].averaged else "",
        is_energy=is_energy,
    )


def plot(numbers: HeatInfo) -> go.Figure:
    """Draw it; the first row on top."""
    n = len(numbers.panels)
    figure = make_subplots(
        rows=n, cols=1, subplot_titles=[panel.title for panel in numbers.panels], vertical_spacing=0.3 / n
    )
    for row, panel in enumerate(numbers.panels, start=1):
        _add(figure, panel, row)
    title = "<br>".join(part for part in (numbers.unit, numbers.mean) if part)
    styled(figure, "", "", energy="z" if numbers.is_energy else "", height=AROUND + PANEL_HEIGHT * n)
    figure.update_layout(
        coloraxis={"colorscale": SEQUENTIAL, "reversescale": numbers.reverse, "showscale": False},
        margin={"t": (48 if n == 1 else 64) + LINE * title.count("<br>")},
        title={
            "text": title,
            "font": {"size": 13},
            "x": 0.5,
            "y": 1,
            "yanchor": "top",
            "pad": {"t": 16},
        },
    )
    figure.update_annotations(font={"size": 13})
    axis = {"type": "category", "showgrid": False, "automargin": True, "ticks": ""}
    figure.update_xaxes(title=axis_title(numbers.column_name) | {"standoff": 4}, **axis)
    figure.update_yaxes(tickvals=numbers.panels[0].rows, ticktext=numbers.row_ticks)
    figure.update_yaxes(
        title=axis_title(numbers.row_name), autorange="reversed", visible=bool(numbers.row_name), **axis
    )
    return figure


def _wrapped(label: str) -> str:
    """A label on lines that fit on a phone, escaped."""
    return "<br>".join(map(text, textwrap.wrap(label, MAX_LINE)))


def alt(numbers: HeatInfo) -> str:
    """The lowest and the highest cell of each panel."""
    return plain(f"{numbers.unit}: {'. '.join(_extremes(panel, numbers) for panel in numbers.panels)}.")


def _extremes(panel: HeatPanel, numbers: HeatInfo) -> str:
    names = f"{numbers.row_name} ", f"{numbers.column_name} "
    known = sorted(
        (
            item,
            f"{cell} at {', '.join(name + label for name, label in zip(names, (row, column), strict=True) if label)}",
        )
        for row, items, cells in zip(panel.rows, panel.values, panel.cells, strict=True)
        for column, item, cell in zip(panel.columns, items, cells, strict=True)
        if item is not None
    )
    of = f"{panel.title}, " if panel.title else ""
    return f"{of}lowest {known[0][1]}; highest {known[-1][1]}" if known else f"{of}no cell is known"


def _panel(
    table: HeatTable, beside: NDArray[np.float64] | None, dull: NDArray[np.bool_], told: Callable[[float], str]
) -> HeatPanel:
    values = _optional(table.values)
    second = [[""] * len(row) for row in values] if beside is None else _second(beside)
    return HeatPanel(
        title=text(table.paradigm),
        rows=[text(item) for item in table.rows],
        columns=[text(item) for item in table.columns],
        values=values,
        cells=[
            ["" if item is None else f"{told(item)}{more}" for item, more in zip(row, extra, strict=True)]
            for row, extra in zip(values, second, strict=True)
        ],
        lit=_optional(np.where(dull, np.nan, table.values)),
        dull=_optional(np.where(dull, table.values, np.nan)),
    )


def _optional(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[None if math.isnan(item) else float(item) for item in row] for row in values]


def _second(values: NDArray[np.float64]) -> list[list[str]]:
    return [["" if math.isnan(item) else f"<br>{item:.2f}" for item in row] for row in values]


def _add(figure: go.Figure, panel: HeatPanel, row: int) -> None:
    _add_cells(figure, panel, panel.lit, row, textfont={"size": 13}, coloraxis="coloraxis")
    if any(item is not None for cells in panel.dull for item in cells):
        grey = {"size": 13, "color": DULL_TEXT}
        _add_cells(figure, panel, panel.dull, row, textfont=grey, showscale=False, colorscale=[[0, DULL], [1, DULL]])


def _add_cells(figure: go.Figure, panel: HeatPanel, values: list[list[float | None]], row: int, **look: object) -> None:
    figure.add_heatmap(
        x=panel.columns,
        y=panel.rows,
        z=values,
        name=panel.title,
        text=[
            ["" if item is None else cell for item, cell in zip(*pair, strict=True)]
            for pair in zip(values, panel.cells, strict=True)
        ],
        texttemplate="%{text}",
        hovertemplate="%{y} | %{x}: %{text}<extra></extra>",
        hoverongaps=False,
        xgap=2,
        ygap=2,
        row=row,
        col=1,
        **look,
    )
