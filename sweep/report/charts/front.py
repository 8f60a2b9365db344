"""Pareto front over trajectories: every setup's way through (joules, quality), and what nothing dominates."""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.report.chart import (
    ACCENT,
    HIGHLIGHT,
    MAX_POINTS,
    MUTED,
    Chart,
    energy_title,
    spans_decades,
    styled,
    text,
    thin,
)


class Line(NamedTuple):
    """One trajectory of means; ``labels`` are hover texts, already escaped."""

    energy_j: list[float]
    quality: list[float]
    labels: list[str]


class Marks(NamedTuple):
    """Points with their standard deviations over repeats; 0 with one repeat."""

    energy_j: list[float]
    quality: list[float]
    energy_sd_j: list[float]
    quality_sd: list[float]
    labels: list[str]


class FrontInfo(NamedTuple):
    """Numbers of the chart."""

    trajectories: list[Line]
    front: Marks
    recommended: Marks
    quality_name: str
    energy_title: str
    log_energy: bool


def info(summary: Summary) -> FrontInfo | None:
    """Trajectories of the setups, their envelope, and what is recommended on it."""
    data, names = summary.data, wording.varying(summary.data)
    lines = [_line(setup, names) for setup in summary.setups if setup.points]
    if not lines:
        return None
    primary = summary.recommendations.primary
    recommended = [] if primary is None else [primary.point]
    return FrontInfo(
        trajectories=lines,
        front=_marks(thin(summary.front, 2 * MAX_POINTS), names),
        recommended=_marks(recommended, names),
        quality_name=text(data.study.quality_name),
        energy_title=energy_title(data),
        log_energy=spans_decades([item for line in lines for item in line.energy_j]),
    )


def plot(numbers: FrontInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    for index, line in enumerate(numbers.trajectories):
        figure.add_scatter(
            x=line.energy_j,
            y=line.quality,
            text=line.labels,
            hovertemplate="%{text}<extra></extra>",
            mode="lines",
            line={"color": MUTED, "width": 1},
            name="trajectories",
            legendgroup="trajectories",
            showlegend=index == 0,
        )
    _add_marks(figure, numbers.front, "front", {"color": ACCENT, "size": 7}, line_shape="hv")
    marker = {"color": HIGHLIGHT, "size": 15, "symbol": "star"}
    _add_marks(figure, numbers.recommended, "recommended", marker, line_shape=None)
    y_title = f"Best validation {numbers.quality_name} so far"
    return styled(figure, numbers.energy_title, y_title, log_x=numbers.log_energy)


class Front(Chart):
    """Quality against joules of every setup at every epoch."""

    title = "Quality against energy"
    caption = (
        "Each grey line is a setup on its way through the epochs (mean of its repeats); one may stop anywhere on "
        "it. No choice beats the blue ones in both quality and energy. Bars: standard deviation of the repeats."
    )
    order = 10

    def figure(self, summary: Summary) -> go.Figure | None:
        """The chart; ``None`` without a completed trial."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)


def _line(setup: Setup, names: tuple[str, ...]) -> Line:
    points = thin(setup.points)
    label = text(wording.setup(setup.params, names))
    note = f"<br>off the front: {text(setup.excluded)}" if setup.excluded else ""
    return Line(
        [point.energy_j for point in points],
        [point.quality for point in points],
        [f"{label}<br>epoch {point.epoch}, {wording.energy(point.energy_j)}{note}" for point in points],
    )


def _marks(points: list[FrontPoint], names: tuple[str, ...]) -> Marks:
    return Marks(
        [point.energy_j for point in points],
        [point.quality for point in points],
        [point.energy_sd_j or 0.0 for point in points],
        [point.quality_sd or 0.0 for point in points],
        [
            f"{text(wording.setup(point.setup.params, names))}<br>stopped at epoch {point.epoch}: "
            f"{point.quality:.4g} for {wording.energy(point.energy_j)} (n = {point.n})"
            for point in points
        ],
    )


def _add_marks(figure: go.Figure, marks: Marks, name: str, marker: dict[str, object], line_shape: str | None) -> None:
    figure.add_scatter(
        x=marks.energy_j,
        y=marks.quality,
        text=marks.labels,
        hovertemplate="%{text}<extra></extra>",
        mode="markers" if line_shape is None else "lines+markers",
        line={"shape": line_shape or "linear", "width": 2, "color": marker["color"]},
        marker=marker,
        error_x={"type": "data", "array": marks.energy_sd_j, "thickness": 1, "width": 2},
        error_y={"type": "data", "array": marks.quality_sd, "thickness": 1, "width": 2},
        name=name,
    )
