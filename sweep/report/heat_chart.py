"""What the heat maps share: a table of numbers over two dimensions, drawn with its numbers in the cells."""

import math
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis.heat import HeatTable
from sweep.report.chart import SEQUENTIAL, styled, text


class HeatInfo(NamedTuple):
    """Numbers of a heat map; labels are escaped.

    Attributes:
        values: rows of the table, ``None`` where no trial was completed.
        cells: the text in each cell.
        reverse: whether small numbers are the good (bright) ones.
    """

    row_name: str
    column_name: str
    rows: list[str]
    columns: list[str]
    values: list[list[float | None]]
    cells: list[list[str]]
    unit: str
    reverse: bool
    averaged: list[str]


def heat_info(table: HeatTable, unit: str, *, decimals: int, reverse: bool) -> HeatInfo:
    """Lists and labels of a heat table."""
    values = [[None if math.isnan(item) else float(item) for item in row] for row in table.values]
    return HeatInfo(
        row_name=text(table.row_name),
        column_name=text(table.column_name),
        rows=[text(item) for item in table.rows],
        columns=[text(item) for item in table.columns],
        values=values,
        cells=[["" if item is None else f"{item:.{decimals}f}" for item in row] for row in values],
        unit=text(unit),
        reverse=reverse,
        averaged=[text(item) for item in table.averaged],
    )


def plot(numbers: HeatInfo) -> go.Figure:
    """Draw it; the first row on top."""
    figure = go.Figure(
        go.Heatmap(
            x=numbers.columns,
            y=numbers.rows,
            z=numbers.values,
            text=numbers.cells,
            texttemplate="%{text}",
            hovertemplate="%{y} | %{x}: %{text}<extra></extra>",
            hoverongaps=False,
            colorscale=SEQUENTIAL,
            reversescale=numbers.reverse,
            showscale=False,
            textfont={"size": 13},
            xgap=2,
            ygap=2,
        )
    )
    mean = f"<br>mean over {', '.join(numbers.averaged)}" if numbers.averaged else ""
    styled(figure, numbers.column_name, numbers.row_name, height=340)
    figure.update_layout(
        margin={"t": 48}, title={"text": f"{numbers.unit}{mean}", "font": {"size": 13}, "x": 0.5, "y": 0.98}
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed", visible=bool(numbers.row_name))
    return figure
