"""The contract of a chart, and the look all charts share.

A chart is one file in ``sweep/report/charts``: ``info(summary)`` computes a NamedTuple of numbers, or ``None``
if there is nothing to draw; ``plot(info)`` draws them and does no arithmetic; ``alt(info)`` says the main ones in
words; a ``Chart`` subclass names it.

Binding facts: the report runs without eval, so SVG traces only (``scatter``, not ``scattergl``). Plotly
renders markup in names, labels and hover texts: ``text`` escapes what a user gave. It also fills ``%{...}`` in hover
templates, so a user's string stands in the trace's ``meta``, ``text`` or ``customdata``, never in a template. Colours
are told apart by colour-blind readers (Okabe and Ito 2008) and stand on light and dark pages; the page sets the colour
of text and grid.

The page shows energy in another unit on demand. So all energies on axes are joules, the axes that carry them are named
in the figure's ``layout.meta`` (``{"energy": ["x"]}``), and energies in texts are spelled by ``wording.energy``.
"""

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

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
MAX_NAME = 20
"""Of the quality's name in a title."""
MAX_PROVENANCE = 8
"""Letters that fit beside an axis title on a phone."""
LOG_FROM_RATIO = 10.0
DIGITS = 6
"""Of coordinates where there are many."""

T = TypeVar("T")


class Drawn(NamedTuple):
    """A chart that has something to show.

    Attributes:
        figure: for Plotly; ``layout.meta["energy"]`` names its axes of joules.
        alt: its main numbers in one to four sentences of plain text, not escaped.
    """

    figure: Figure
    alt: str


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
    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if the study has nothing to draw in it."""


def drawn(numbers: T | None, plot: Callable[[T], Figure], alt: Callable[[T], str]) -> Drawn | None:
    """The numbers of a chart, drawn and in words; ``None`` without numbers."""
    return None if numbers is None else Drawn(plot(numbers), alt(numbers))


def text(item: object) -> str:
    """A user's string, safe where Plotly renders markup, and cut where it would cover the chart.

    Quotes stay: Plotly does not know their entities, and puts no text into an attribute.
    """
    return html.escape(cut(str(item), MAX_LENGTH), quote=False)


def cut(label: str, most: int) -> str:
    """The beginning of a label that is longer than ``most``; not escaped."""
    return label if len(label) <= most else f"{label[: most - 1]}…"


def plain(label: str) -> str:
    """A label made for Plotly as plain text: the opposite of ``text``, its lines joined by commas."""
    return html.unescape(label.replace("<br>", ", "))


def energy_title(data: StudyData) -> str:
    """Axis title of joules with their provenance."""
    provenance = wording.provenance(data.study.domains)
    return f"Energy of the training{' ' if len(provenance) <= MAX_PROVENANCE else '<br>'}({provenance} J)"


def rounded(values: Iterable[float | None]) -> list[float]:
    """The known values to ``DIGITS`` digits, which a screen cannot tell from all of them and a file is smaller by."""
    return [float(f"{item:.{DIGITS}g}") for item in values if item is not None]


def spans_decades(values: Sequence[float]) -> bool:
    """Whether values need a logarithmic axis."""
    return bool(values) and min(values) > 0 and max(values) / min(values) > LOG_FROM_RATIO


def axis_title(title: str) -> dict[str, object]:
    """An axis title, no larger than other text: it must fit on a phone."""
    return {"text": title, "font": {"size": 13}, "standoff": 8}


def mark_energy(figure: Figure, axes: Sequence[str]) -> None:
    """Name the axes that carry joules: ``x``, ``y``, ``z`` (colours of a heat map) or ``values`` (of a treemap)."""
    lay_out(figure, {"meta": {"energy": list(axes)}})


def ground(figure: Figure) -> None:
    """What all figures share, with axes or without; Plotly's own template would be 7 kB in each."""
    figure.layout.template = None
    lay_out(
        figure,
        {
            "template": {},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 13},
            "hovermode": "closest",
            "hoverlabel": {"align": "left"},
        },
    )


def lay_out(figure: Figure, items: Mapping[str, Any]) -> None:
    """As ``update_layout`` with nested mappings, in one step: Plotly checks every key of an update on its own.

    That would take most of the time of a chart.
    """
    figure.layout = _merged(figure.layout.to_plotly_json(), items)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {key: _merged(old[key], item) for key, item in new.items() if isinstance(old.get(key), Mapping)}
    return {**old, **new, **both}


def styled(
    figure: Figure, x_title: str, y_title: str, *, energy: str = "", log_x: bool = False, height: int = 440
) -> Figure:
    """The shared look: transparent ground, titled axes, legend above.

    Args:
        figure: changed in place.
        x_title: with the unit.
        y_title: likewise.
        energy: letters of the axes that carry joules.
        log_x: whether the x axis is logarithmic.
        height: in pixels.
    """
    axis = {"automargin": True, "zeroline": False, "ticks": ""}
    ground(figure)
    mark_energy(figure, energy)
    lay_out(
        figure,
        {
            "height": height,
            "margin": {"l": 56, "r": 16, "t": 32, "b": 48},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {**axis, "title": axis_title(x_title), "type": "log" if log_x else "-"},
            "yaxis": {**axis, "title": axis_title(y_title)},
        },
    )
    if log_x:
        figure.update_xaxes(dtick="D2", tickformat="~s")
    return figure
