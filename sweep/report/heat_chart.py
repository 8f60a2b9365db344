"""What the heat maps share: tables of numbers over two dimensions, one for each paradigm, with numbers in the cells.

Panels stand one below another, with the same axes and one scale of colours, so that paradigms can be compared.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from sweep.analysis.heat import HeatTable
from sweep.report.chart import SEQUENTIAL, styled, text

PANEL_HEIGHT = 240
AROUND = 100
"""Height of titles, in pixels."""
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
        span: smallest and largest value of all panels.
        reverse: whether small numbers are the good (bright) ones.
    """

    panels: list[HeatPanel]
    row_name: str
    column_name: str
    span: tuple[float, float]
    unit: str
    reverse: bool
    averaged: list[str]


def heat_info(
    tables: Sequence[HeatTable],
    unit: str,
    *,
    decimals: int,
    reverse: bool,
    beside: Sequence[HeatTable] = (),
    dull: Sequence[NDArray[np.bool_]] = (),
) -> HeatInfo | None:
    """Lists and labels of heat tables; ``None`` without one.

    Args:
        tables: one for each paradigm.
        unit: of the values.
        decimals: digits of the values.
        reverse: whether small numbers are the good ones.
        beside: tables of what stands below the value in each cell, with two decimals.
        dull: masks of the cells that get no colour.
    """
    if not tables:
        return None
    known = np.concatenate([table.values[~np.isnan(table.values)] for table in tables])
    others = [None] * len(tables) if not beside else [table.values for table in beside]
    masks = dull or [np.zeros(table.values.shape, dtype=bool) for table in tables]
    return HeatInfo(
        panels=[_panel(*item, decimals) for item in zip(tables, others, masks, strict=True)],
        row_name=text(tables[0].row_name),
        column_name=text(tables[0].column_name),
        span=(float(known.min()), float(known.max())),
        unit=text(unit),
        reverse=reverse,
        averaged=[text(item) for item in tables[0].averaged],
    )


def plot(numbers: HeatInfo) -> go.Figure:
    """Draw it; the first row on top."""
    n = len(numbers.panels)
    figure = make_subplots(
        rows=n, cols=1, subplot_titles=[panel.title for panel in numbers.panels], vertical_spacing=0.3 / n
    )
    for row, panel in enumerate(numbers.panels, start=1):
        _add(figure, panel, numbers, row)
    mean = f"<br>mean over {', '.join(numbers.averaged)}" if numbers.averaged else ""
    styled(figure, "", "", height=AROUND + PANEL_HEIGHT * n)
    figure.update_layout(
        margin={"t": 48 if n == 1 else 64},
        title={"text": f"{numbers.unit}{mean}", "font": {"size": 13}, "x": 0.5, "y": 0.98, "yanchor": "top"},
    )
    figure.update_annotations(font={"size": 13})
    axis = {"type": "category", "showgrid": False, "automargin": True}
    figure.update_xaxes(title={"text": numbers.column_name, "standoff": 4}, **axis)
    figure.update_yaxes(title={"text": numbers.row_name}, autorange="reversed", visible=bool(numbers.row_name), **axis)
    return figure


def _panel(table: HeatTable, beside: NDArray[np.float64] | None, dull: NDArray[np.bool_], decimals: int) -> HeatPanel:
    values = _optional(table.values)
    second = [[""] * len(row) for row in values] if beside is None else _second(beside)
    return HeatPanel(
        title=text(table.paradigm),
        rows=[text(item) for item in table.rows],
        columns=[text(item) for item in table.columns],
        values=values,
        cells=[
            ["" if item is None else f"{item:.{decimals}f}{more}" for item, more in zip(row, extra, strict=True)]
            for row, extra in zip(values, second, strict=True)
        ],
        lit=_optional(np.where(dull, np.nan, table.values)),
        dull=_optional(np.where(dull, table.values, np.nan)),
    )


def _optional(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[None if math.isnan(item) else float(item) for item in row] for row in values]


def _second(values: NDArray[np.float64]) -> list[list[str]]:
    return [["" if math.isnan(item) else f"<br>{item:.2f}" for item in row] for row in values]


def _add(figure: go.Figure, panel: HeatPanel, numbers: HeatInfo, row: int) -> None:
    low, high = numbers.span
    scale = {"zmin": low, "zmax": high, "colorscale": SEQUENTIAL, "reversescale": numbers.reverse}
    _add_cells(figure, panel, panel.lit, row, textfont={"size": 13}, **scale)
    if any(item is not None for cells in panel.dull for item in cells):
        grey = {"size": 13, "color": DULL_TEXT}
        _add_cells(figure, panel, panel.dull, row, textfont=grey, colorscale=[[0, DULL], [1, DULL]])


def _add_cells(figure: go.Figure, panel: HeatPanel, values: list[list[float | None]], row: int, **look: object) -> None:
    figure.add_heatmap(
        x=panel.columns,
        y=panel.rows,
        z=values,
        text=[
            ["" if item is None else cell for item, cell in zip(*pair, strict=True)]
            for pair in zip(values, panel.cells, strict=True)
        ],
        texttemplate="%{text}",
        hovertemplate="%{y} | %{x}: %{text}<extra></extra>",
        hoverongaps=False,
        showscale=False,
        xgap=2,
        ygap=2,
        row=row,
        col=1,
        **look,
    )
