"""Pareto front over trajectories: every setup's way through (joules, quality), and what nothing dominates.

All points of the front are drawn. Of more than ``MAX_LINES`` setups those that stand on the front keep their
trajectories, at most ``MAX_LINES`` of them, and of all others a sample of at most ``MAX_ENDS`` ends is drawn; the
legend says of how many. Lines are thinned so that they have about ``LINE_POINTS`` points together.

Every point has ``customdata = [index of its setup in summary.setups, epoch]``, by which the page finds its details.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.report.chart import (
    ACCENT,
    HIGHLIGHT,
    MAX_NAME,
    MAX_POINTS,
    MUTED,
    Chart,
    Drawn,
    cut,
    drawn,
    energy_title,
    plain,
    rounded,
    spans_decades,
    styled,
    text,
)

MAX_LINES = 60
MAX_ENDS = 300
LINE_POINTS = 1800
MIN_POINTS = 8
"""Of a line, however many there are."""

Place = tuple[int, int]
"""Index of a setup, and epoch."""


class Line(NamedTuple):
    """One trajectory of means; ``name`` and ``labels`` are hover texts, already escaped."""

    name: str
    energy_j: list[float]
    quality: list[float]
    labels: list[str]
    places: list[Place]


class Marks(NamedTuple):
    """Points with their standard deviations over repeats; 0 with one repeat. ``labels`` are escaped."""

    energy_j: list[float]
    quality: list[float]
    energy_sd_j: list[float]
    quality_sd: list[float]
    labels: list[str]
    places: list[Place]


class FrontInfo(NamedTuple):
    """Numbers of the chart.

    Attributes:
        ends: of the setups without a trajectory, trained to their end; empty where all have one.
        tested: recommended points at their quality on the test split.
        n_setups: that have points.
    """

    trajectories: list[Line]
    ends: Marks
    front: Marks
    recommended: Marks
    tested: Marks
    n_setups: int
    quality_name: str
    energy_title: str
    log_energy: bool


class _Style(NamedTuple):
    """How the study's points are called; ``place_of`` is the index of a setup, by the numbers of its trials."""

    names: tuple[str, ...]
    in_points: bool
    place_of: dict[tuple[int, ...], int]


def info(summary: Summary) -> FrontInfo | None:
    """Trajectories of the setups, their envelope, and what is recommended on it."""
    known = [setup for setup in summary.setups if setup.points]
    if not known:
        return None
    style = _style(summary)
    with_line = _with_line(known, summary.front)
    most = min(MAX_POINTS, max(MIN_POINTS, LINE_POINTS // len(with_line)))
    primary = summary.recommendations.primary
    recommended = [] if primary is None else [primary.point]
    return FrontInfo(
        trajectories=[_line(setup, style, most) for setup in with_line],
        ends=_marks(_ends(known, with_line), style),
        front=_marks(summary.front, style),
        recommended=_marks(recommended, style),
        tested=_tested(summary, style),
        n_setups=len(known),
        quality_name=text(cut(summary.data.study.quality_name, MAX_NAME)),
        energy_title=energy_title(summary.data),
        log_energy=spans_decades([point.energy_j for setup in known for point in (setup.points[0], setup.points[-1])]),
    )


def plot(numbers: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    few = f" ({len(numbers.trajectories)} of {numbers.n_setups} setups)" if numbers.ends.labels else ""
    for index, line in enumerate(numbers.trajectories):
        figure.add_scatter(
            x=line.energy_j,
            y=line.quality,
            text=line.labels,
            customdata=line.places,
            meta=[line.name],
            hovertemplate="%{meta[0]}<br>%{text}<extra></extra>",
            mode="lines",
            line={"color": MUTED, "width": 1},
            name=f"trajectories{few}",
            legendgroup="trajectories",
            showlegend=index == 0,
        )
    if numbers.ends.labels:
        ends = f"ends of {len(numbers.ends.labels)} others"
        _add_marks(figure, numbers.ends, ends, {"color": MUTED, "size": 4}, with_bars=False)
    _add_marks(figure, numbers.front, "front", {"color": ACCENT, "size": 7}, line_shape="hv")
    _add_marks(figure, numbers.recommended, "recommended", {"color": HIGHLIGHT, "size": 15, "symbol": "star"})
    if numbers.tested.labels:
        hollow = {"color": HIGHLIGHT, "size": 11, "symbol": "diamond-open", "line": {"width": 2}}
        _add_marks(figure, numbers.tested, "on test data", hollow)
    y_title = f"Best validation {numbers.quality_name} so far"
    return styled(figure, numbers.energy_title, y_title, energy="x", log_x=numbers.log_energy)


def alt(numbers: FrontInfo) -> str:
    """The ends of the front and the recommended point."""
    n = f"{wording.count(numbers.n_setups, 'setup')}."
    if not numbers.front.labels:
        return f"No setup stands on the front of {n}"
    first, last = plain(numbers.front.labels[0]), plain(numbers.front.labels[-1])
    span = f"from {first} to {last}" if len(numbers.front.labels) > 1 else first
    told = f"Front of {wording.count(len(numbers.front.labels), 'point')} over {n} It reaches {span}."
    chosen = "".join(f" Recommended: {plain(label)}." for label in numbers.recommended.labels)
    return told + chosen + "".join(f" {plain(label)}." for label in numbers.tested.labels[:1])


class Front(Chart):
    """Quality against joules of every setup at every epoch."""

    title = "Quality against energy"
    caption = (
        "Each grey line is a setup on its way through the epochs (mean of its repeats); one may stop anywhere on "
        "it. No choice beats the blue ones in both quality and energy. Bars and ±: standard deviation of the repeats. "
        "Of very many setups some are drawn; the legend says how many."
    )
    order = 10

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` without a completed trial."""
        return drawn(info(summary), plot, alt)


def _style(summary: Summary) -> _Style:
    place_of = {setup.numbers: place for place, setup in enumerate(summary.setups)}
    return _Style(wording.varying(summary.data), wording.in_points(summary.data), place_of)


def _with_line(known: Sequence[Setup], front: Iterable[FrontPoint]) -> list[Setup]:
    """The setups whose trajectories are drawn, in their order."""
    if len(known) <= MAX_LINES:
        return list(known)
    on_front = {point.setup.numbers for point in front}
    return thin([setup for setup in known if setup.numbers in on_front], MAX_LINES)


def _ends(known: Sequence[Setup], with_line: Sequence[Setup]) -> list[FrontPoint]:
    """Ends of the other setups by rising joules, thinned."""
    drawn_already = {setup.numbers for setup in with_line}
    others = [front_point(setup, setup.points[-1]) for setup in known if setup.numbers not in drawn_already]
    return thin(sorted(others, key=lambda point: point.energy_j), MAX_ENDS)


def _line(setup: Setup, style: _Style, most: int) -> Line:
    points = thin(setup.points, most)
    note = f"<br>off the front: {text(setup.excluded)}" if setup.excluded else ""
    return Line(
        name=f"{_name(setup, style)}{note}",
        energy_j=rounded(point.energy_j for point in points),
        quality=rounded(point.quality for point in points),
        labels=[_told(point, style) for point in points],
        places=[(style.place_of[setup.numbers], point.epoch) for point in points],
    )


def _marks(points: Sequence[FrontPoint], style: _Style) -> Marks:
    return Marks(
        [point.energy_j for point in points],
        [point.quality for point in points],
        [point.energy_sd_j or 0.0 for point in points],
        [point.quality_sd or 0.0 for point in points],
        [f"{_name(point.setup, style)}<br>{_told(point, style)}" for point in points],
        [(style.place_of[point.setup.numbers], point.epoch) for point in points],
    )


def _tested(summary: Summary, style: _Style) -> Marks:
    """Recommended points that were evaluated on the test split, each once."""
    tested = {
        (item.point.setup.numbers, item.point.epoch): (item.point, item.quality_test)
        for item in summary.recommendations.items
        if item.point is not None and item.quality_test is not None
    }
    points = [point._replace(quality=on.mean, quality_sd=on.sd) for point, on in tested.values()]
    marks = _marks(points, style)
    return marks._replace(labels=[f"on test data<br>{label}" for label in marks.labels])


def _name(setup: Setup, style: _Style) -> str:
    return text(f"{wording.setup(setup.params, style.names)} ({wording.trials(setup.numbers)})")


def _told(point: Any, style: _Style) -> str:
    """Epoch, quality and joules of a ``SetupPoint`` or a ``FrontPoint``, with their standard deviations."""
    reached = wording.quality(point.quality, in_points=style.in_points, u=point.quality_sd)
    spread = "" if point.energy_sd_j is None else f" ± {wording.energy(point.energy_sd_j)}"
    return f"epoch {point.epoch}: {reached} for {wording.energy(point.energy_j)}{spread}"


def _add_marks(
    figure: go.Figure,
    marks: Marks,
    name: str,
    marker: dict[str, object],
    *,
    line_shape: str | None = None,
    with_bars: bool = True,
) -> None:
    bars = {
        "error_x": {"type": "data", "array": marks.energy_sd_j, "thickness": 1, "width": 2},
        "error_y": {"type": "data", "array": marks.quality_sd, "thickness": 1, "width": 2},
    }
    figure.add_scatter(
        x=marks.energy_j,
        y=marks.quality,
        text=marks.labels,
        customdata=marks.places,
        hovertemplate="%{text}<extra></extra>",
        mode="markers" if line_shape is None else "lines+markers",
        line={"shape": line_shape or "linear", "width": 2, "color": marker["color"]},
        marker=marker,
        name=name,
        **(bars if with_bars else {}),
    )
