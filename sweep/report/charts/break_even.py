"""Crossing lines: from how many trainings on a pretraining has paid for itself; Fig. 4 of "The Power of Training".

    solid    E_enc + x E_class      a pretraining, then x downstream trainings
    dashed   x E_enc+class          x baseline trainings

for the best and the worst setup that pays, and for the mean joules of all setups; a panel for each pretrained paradigm.
Where the crossings span decades both axes are logarithmic.
"""

import math
from typing import NamedTuple

import numpy as np
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from sweep.analysis import wording
from sweep.analysis.break_even import BreakEvenLine, Interval, Joules
from sweep.analysis.paired import dimension_of_paradigm
from sweep.analysis.paradigm_words import called, interval, trainings
from sweep.analysis.summary import Summary
from sweep.report.chart import PALETTE, Chart, Drawn, axis_title, drawn, plain, spans_decades, styled, text

N_POINTS = 40
REACH = 1.4
"""How far beyond the last crossing the lines go."""
WITHOUT_CROSSING = 10.0
LEFT = 0.25
"""Share of the axis within which labels stand on the right."""
PANEL_HEIGHT = 380
MEAN, BEST, WORST = "mean of the setups", "best setup", "worst that pays"
COLOURS = {MEAN: PALETTE[0], BEST: PALETTE[2], WORST: PALETTE[4]}


class Crossing(NamedTuple):
    """Where two lines meet; ``low`` and ``high`` bound the interval within the panel, equal to ``x`` without one.

    ``label`` stands beside it, ``hover`` says of which setup it is. ``is_left`` says that it stands near the left edge,
    where there is no room for the label on that side.
    """

    x: float
    energy_j: float
    low: float
    high: float
    label: str
    hover: str
    is_left: bool


class Pair(NamedTuple):
    """The two lines of one setup; ``setup`` and hovers are escaped, ``crossing`` is ``None`` for never."""

    name: str
    setup: str
    x: list[float]
    pretrained_j: list[float]
    baseline_j: list[float]
    pretrained_hovers: list[str]
    baseline_hovers: list[str]
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
    styled(figure, "Trainings", numbers.energy_title, energy="y", height=PANEL_HEIGHT * n + 80)
    figure.update_layout(legend={"traceorder": "normal", "y": 1.0 + 0.14 / n})
    figure.update_annotations(font={"size": 13})
    for row, panel in enumerate(numbers.panels, start=1):
        kind = "log" if panel.log else "linear"
        axis = {"type": kind, "automargin": True, "zeroline": False, "ticks": "", "row": row, "col": 1}
        figure.update_xaxes(title=axis_title("Trainings"), **axis, **({"dtick": 1} if panel.log else {}))
        figure.update_yaxes(title=axis_title(numbers.energy_title), tickformat="~s", **axis)
        if panel.log:
            figure.update_yaxes(dtick="D2", row=row, col=1)
    return figure


def alt(numbers: BreakEvenInfo) -> str:
    """Where the lines of each panel cross."""
    return " ".join(
        plain(f"{panel.title}: {'; '.join(_told(pair) for pair in panel.pairs)}.") for panel in numbers.panels
    )


def _told(pair: Pair) -> str:
    return f"{pair.setup}, never pays" if pair.crossing is None else pair.crossing.hover


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

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` without a pretrained paradigm and a baseline."""
        return drawn(info(summary), plot, alt)


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
    joules, setup = case.joules, text(case.setup)
    pretrained_j = [joules.pretraining_j + item * joules.downstream_j for item in x]
    baseline_j = [item * joules.baseline_j for item in x]
    return Pair(
        name=case.name,
        setup=setup,
        x=x,
        pretrained_j=pretrained_j,
        baseline_j=baseline_j,
        pretrained_hovers=_hovers(f"{setup}, pretrained", x, pretrained_j),
        baseline_hovers=_hovers(f"{setup}, baseline", x, baseline_j),
        crossing=_crossing(case, x),
    )


def _hovers(of: str, x: list[float], energies_j: list[float]) -> list[str]:
    pairs = zip(x, energies_j, strict=True)
    return [f"{of}<br>{trainings(item)} trainings: {wording.energy(energy_j)}" for item, energy_j in pairs]


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
        is_left=_share(at, x) < LEFT,
        hover=f"{text(case.setup)}<br>break-even after {trainings(at)}{spread} trainings",
    )


def _share(at: float, x: list[float]) -> float:
    """How far along the axis a number of trainings stands, 0 to 1; an axis that begins above 0 is logarithmic."""
    return math.log(at / x[0]) / math.log(x[-1] / x[0]) if x[0] > 0.0 else at / x[-1]


def _add(figure: go.Figure, pair: Pair, row: int, *, is_named: bool) -> None:
    colour = COLOURS[pair.name]
    solid, dashed = (pair.pretrained_j, pair.pretrained_hovers), (pair.baseline_j, pair.baseline_hovers)
    for (energy_j, hovers), dash in ((solid, "solid"), (dashed, "dash")):
        figure.add_scatter(
            x=pair.x,
            y=energy_j,
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            name=pair.name,
            legendgroup=pair.name,
            showlegend=dash == "solid" and not is_named,
            text=hovers,
            hovertemplate="%{text}<extra></extra>",
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
            textposition="top right" if at.is_left else "top left",
            cliponaxis=False,
            marker={"color": colour, "size": 10},
            error_x={"type": "data", "array": [at.high - at.x], "arrayminus": [at.x - at.low], "width": 5},
            showlegend=False,
            legendgroup=pair.name,
            row=row,
            col=1,
        )
