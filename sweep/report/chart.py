"""The contract of a chart, and the look all charts share.

A chart is one file in ``sweep/report/charts``: ``info(summary)`` computes a NamedTuple of numbers, or ``None``
if there is nothing to draw; ``plot(info)`` draws them and does no arithmetic; a ``Chart`` subclass names it.

Binding facts: the report runs without eval, so SVG traces only (``scatter``, not ``scattergl``). Plotly
renders markup in names, labels and hover texts: ``text`` escapes what a user gave. Colours are told apart by
colour-blind readers (Okabe and Ito 2008) and stand on light and dark pages; the page sets the colour of text
and grid.
"""

import html
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.summary import Summary
from sweep.records import StudyData

PALETTE = ("#2b8cc4", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b8a800", "#8c6bb1")
ACCENT = "#2b8cc4"
HIGHLIGHT = "#d55e00"
MUTED = "rgba(128,128,128,0.45)"
SEQUENTIAL = "Cividis"
MAX_POINTS = 60
MAX_LENGTH = 80
LOG_FROM_RATIO = 10.0

T = TypeVar("T")


class Chart(ABC):
    """One chart of the report.

    Attributes:
        title: heading, plain text.
        caption: how to read it, in one or two sentences.
        order: place in the report, rising.
        nothing: what the report says where there is no figure; empty to leave the chart out.
    """

    title: ClassVar[str]
    caption: ClassVar[str]
    order: ClassVar[int]
    nothing: ClassVar[str] = "Nothing to draw yet."

    @abstractmethod
    def figure(self, summary: Summary) -> Figure | None:
        """The drawn chart; ``None`` if the study has nothing to draw in it."""


def text(item: object) -> str:
    """A user's string, safe where Plotly renders markup, and cut where it would cover the chart."""
    whole = str(item)
    return html.escape(whole if len(whole) <= MAX_LENGTH else f"{whole[: MAX_LENGTH - 1]}…")


def energy_title(data: StudyData) -> str:
    """Axis title of joules with their provenance."""
    return f"Energy of the training ({wording.provenance(data.study.domains)} J)"


def thin(items: Sequence[T], most: int = MAX_POINTS) -> list[T]:
    """At most ``most`` items at equal distances, the last one always among them."""
    step = max(1, math.ceil(len(items) / most))
    return list(items[::-1][::step][::-1])


def spans_decades(values: Sequence[float]) -> bool:
    """Whether values need a logarithmic axis."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > LOG_FROM_RATIO


def styled(figure: Figure, x_title: str, y_title: str, *, log_x: bool = False, height: int = 440) -> Figure:
    """The shared look: transparent ground, titled axes, legend above."""
    axis = {"automargin": True, "zeroline": False}
    figure.update_layout(
        height=height,
        margin={"l": 56, "r": 16, "t": 32, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hovermode="closest",
        xaxis={
            **axis,
            "title": {"text": x_title},
            "type": "log" if log_x else "-",
        },
        yaxis={**axis, "title": {"text": y_title}},
    )
    if log_x:
        figure.update_xaxes(dtick="D2", tickformat="~s")
    return figure
