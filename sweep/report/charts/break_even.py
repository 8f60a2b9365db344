"""Crossing lines: from how many trainings on a pretraining has paid for itself; Fig. 4 of "The Power of Training".

    solid    E_enc + x E_class      a pretraining, then x downstream trainings
    dashed   x E_enc+class          x baseline trainings

for the best and the worst setup that pays, and for the mean joules of all setups; a panel for each pretrained paradigm.
Where the crossings span decades both axes are logarithmic.
"""

from typing import NamedTuple

import numpy as np
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from sweep.analysis import wording
from sweep.analysis.break_even import BreakEvenLine, Interval, Joules
from sweep.analysis.paired import dimension_of_paradigm
from sweep.analysis.paradigm_words import called, interval, trainings
from sweep.analysis.summary import Summary
from sweep.report.chart import PALETTE, Chart, spans_decades, styled, text

N_POINTS = 40
REACH = 1.4
"""How far beyond the last crossing the lines go."""
WITHOUT_CROSSING = 10.0
PANEL_HEIGHT = 380
MEAN, BEST, WORST = "mean of the setups", "best setup", "worst that pays"
COLOURS = {MEAN: PALETTE[0], BEST: PALETTE[2], WORST: PALETTE[4]}


class Crossing(NamedTuple):
    """Where two lines meet; ``low`` and ``high`` bound the interval within the panel, equal to ``x`` without one.

    ``label`` stands beside it, ``hover`` says of which setup it is.
    """

    x: float
    energy_j: float
    low: float
    high: float
    label: str
    hover: str


class Pair(NamedTuple):
    """The two lines of one setup; ``setup`` is escaped, ``crossing`` is ``None`` for never."""

    name: str
    setup: str
    x: list[float]
    pretrained_j: list[float]
    baseline_j: list[float]
    crossing: Crossing | None


class Panel(NamedTuple):
    """One pretrained paradigm."""

    title: str
    pairs: list[Pair]
    log: bool


class BreakEvenInfo(NamedTuple):
    """Numbers of the chart."""

    panels: list[Panel]
    energy_title: str


class _Case(NamedTuple):
    name: str
    setup: str
    joules: Joules
    interval: Interval | None


def info(summary: Summary) -> BreakEvenInfo | None:
    """The lines of every pretrained paradigm whose joules are known."""
    dimension = dimension_of_paradigm(summary.data)
    names = tuple(name for name in wording.varying(summary.data) if name != dimension)
    panels = [panel for line in summary.paradigms.break_even if (panel := _panel(line, names)) is not None]
    title = f"Energy so far ({wording.provenance(summary.data.study.domains)} J)"
    return BreakEvenInfo(panels, title) if panels else None


def plot(numbers: BreakEvenInfo) -> go.Figure:
    """Draw it."""
    n = len(numbers.panels)
    titles = [panel.title for panel in numbers.panels]
    figure = make_subplots(rows=n, cols=1, subplot_titles=titles, vertical_spacing=0.3 / n)
    named: set[str] = set()
    for row, panel in enumerate(numbers.panels, start=1):
        for pair in panel.pairs:
            _add(figure, pair, row, is_named=pair.name in named)
            named.add(pair.name)
    styled(figure, "Trainings", numbers.energy_title, height=PANEL_HEIGHT * n + 80)
    figure.update_layout(legend={"traceorder": "normal", "y": 1.0 + 0.14 / n})
    figure.update_annotations(font={"size": 13})
    for row, panel in enumerate(numbers.panels, start=1):
        kind = "log" if panel.log else "linear"
        ticks = {"dtick": 1} if panel.log else {}
        figure.update_xaxes(title="Trainings", type=kind, automargin=True, zeroline=False, row=row, col=1, **ticks)
        figure.update_yaxes(title=numbers.energy_title, type=kind, automargin=True, zeroline=False, row=row, col=1)
        figure.update_yaxes(tickformat="~s", exponentformat="SI", row=row, col=1)
    return figure


class BreakEvenChart(Chart):
    """When a pretraining has paid for itself."""

    title = "Break-even of the pretraining"
    caption = (
        "Solid: a pretraining, then so many trainings on its encoder. Dashed: as many trainings from random weights. "
        "Where two lines of a colour cross, the pretraining has paid for itself; bars are the interval from repeats, "
        "cut at the edge where it holds never."
    )
    order = 42
    nothing = ""

    def figure(self, summary: Summary) -> go.Figure | None:
        """The chart; ``None`` without a pretrained paradigm and a baseline."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)


def _panel(line: BreakEvenLine, names: tuple[str, ...]) -> Panel | None:
    if line.all is None:
        return None
    cases = _cases(line, names)
    crossings = [at for case in cases if (at := case.joules.trainings) is not None and at > 0]
    log = spans_decades(crossings)
    reach = REACH * max(crossings, default=WITHOUT_CROSSING / REACH)
    first = min([1.0, *crossings]) / REACH if log else 0.0
    x = np.geomspace(first, reach, N_POINTS) if log else np.linspace(0.0, reach, N_POINTS)
    title = text(f"{called(line.paradigm, is_cached=line.is_cached)} against the baseline")
    return Panel(title, [_pair(case, x.tolist()) for case in cases], log)


def _cases(line: BreakEvenLine, names: tuple[str, ...]) -> list[_Case]:
    found = line.all
    if found is None:
        return []
    setup = f"mean joules of {wording.count(found.n, 'setup')}"
    cases = [_Case(MEAN, setup, found.joules, found.interval)]
    for name, item in ((BEST, found.best), (WORST, found.worst)):
        if item is not None and item.joules is not None and found.n > 1:
            cases.append(_Case(name, wording.setup(item.params, names), item.joules, item.interval))
    return cases


def _pair(case: _Case, x: list[float]) -> Pair:
    joules = case.joules
    return Pair(
        name=case.name,
        setup=text(case.setup),
        x=x,
        pretrained_j=[joules.pretraining_j + item * joules.downstream_j for item in x],
        baseline_j=[item * joules.baseline_j for item in x],
        crossing=_crossing(case, x),
    )


def _crossing(case: _Case, x: list[float]) -> Crossing | None:
    at = case.joules.trainings
    if at is None:
        return None
    low, high = (at, at) if case.interval is None else (case.interval.low, case.interval.high)
    spread = f" ({interval(case.interval)})" if case.interval else ""
    return Crossing(
        x=at,
        energy_j=at * case.joules.baseline_j,
        low=max(min(at if low is None else low, at), x[0]),
        high=min(x[-1] if high is None else max(high, at), x[-1]),
        label=trainings(at),
        hover=f"{text(case.setup)}<br>break-even after {trainings(at)}{spread} trainings",
    )


def _add(figure: go.Figure, pair: Pair, row: int, *, is_named: bool) -> None:
    colour = COLOURS[pair.name]
    for way, energy_j, dash in (("pretrained", pair.pretrained_j, "solid"), ("baseline", pair.baseline_j, "dash")):
        figure.add_scatter(
            x=pair.x,
            y=energy_j,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            name=pair.name,
            legendgroup=pair.name,
            showlegend=dash == "solid" and not is_named,
            hovertemplate=f"{pair.setup}, {way}<br>%{{x:.3~g}} trainings: %{{y:.3~s}}J<extra></extra>",
            row=row,
            col=1,
        )
    at = pair.crossing
    if at is not None:
        figure.add_scatter(
            x=[at.x],
            y=[at.energy_j],
            text=[at.label],
            hovertext=[at.hover],
            hovertemplate="%{hovertext}<extra></extra>",
            mode="markers+text",
            textposition="top left",
            marker={"color": colour, "size": 10},
            error_x={"type": "data", "array": [at.high - at.x], "arrayminus": [at.x - at.low], "width": 5},
            showlegend=False,
            legendgroup=pair.name,
            row=row,
            col=1,
        )
