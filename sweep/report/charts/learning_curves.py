"""Learning curves against joules: validation quality of each trial, coloured by the first dimension."""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.current import current
from sweep.analysis.summary import Summary
from sweep.records import TrialRecord
from sweep.report.chart import PALETTE, Chart, energy_title, spans_decades, styled, text, thin


class Curve(NamedTuple):
    """One trial; ``group`` indexes the legend."""

    energy_j: list[float]
    quality: list[float]
    labels: list[str]
    group: int


class CurvesInfo(NamedTuple):
    """Numbers of the chart; ``groups`` are legend entries, one alone needs no legend."""

    curves: list[Curve]
    groups: list[str]
    quality_name: str
    energy_title: str
    log_energy: bool


def info(summary: Summary) -> CurvesInfo | None:
    """Every current trial's curve, failed trials included as far as they came."""
    data, names = summary.data, wording.varying(summary.data)
    groups = _groups(data.trials, names)
    curves = [
        curve
        for trial in sorted(current(data.trials), key=lambda trial: trial.number)
        if (curve := _curve(trial, names, groups)).energy_j
    ]
    if not curves:
        return None
    return CurvesInfo(
        curves=curves,
        groups=[text(group) for group in groups],
        quality_name=text(data.study.quality_name),
        energy_title=energy_title(data),
        log_energy=spans_decades([item for curve in curves for item in curve.energy_j]),
    )


def plot(numbers: CurvesInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    named: set[int] = set()
    for curve in numbers.curves:
        figure.add_scatter(
            x=curve.energy_j,
            y=curve.quality,
            text=curve.labels,
            hovertemplate="%{text}<extra></extra>",
            mode="lines+markers",
            line={"color": PALETTE[curve.group], "width": 1.2},
            marker={"size": 3},
            opacity=0.8,
            name=numbers.groups[curve.group],
            legendgroup=str(curve.group),
            legendrank=curve.group,
            showlegend=len(numbers.groups) > 1 and curve.group not in named,
        )
        named.add(curve.group)
    return styled(figure, numbers.energy_title, f"Validation {numbers.quality_name}", log_x=numbers.log_energy)


class LearningCurves(Chart):
    """How quality grows with the joules spent."""

    title = "Learning curves against energy"
    caption = "Validation quality after each epoch of each trial, against the joules spent in it so far."
    order = 50

    def figure(self, summary: Summary) -> go.Figure | None:
        """The chart; ``None`` if no epoch has both quality and joules."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)


def _groups(trials: list[TrialRecord], names: tuple[str, ...]) -> list[str]:
    """Legend entries: the values of the first dimension, if there are colours for all."""
    found = sorted({(trial.params.get(names[0])) for trial in trials}, key=_rank) if names else []
    labels = [f"{names[0]} {wording.value(item)}" for item in found]
    return labels if 1 < len(labels) <= len(PALETTE) else ["trials"]


def _rank(item: object) -> tuple[int, float, str]:
    return (0, float(item), "") if isinstance(item, int | float) else (1, 0.0, str(item))


def _curve(trial: TrialRecord, names: tuple[str, ...], groups: list[str]) -> Curve:
    known = [
        (point.energy_j, point.quality, point.epoch)
        for point in trial.trajectory
        if point.energy_j is not None and point.quality is not None
    ]
    points = thin(known)
    group = f"{names[0]} {wording.value(trial.params.get(names[0]))}" if names else ""
    label = text(f"trial {trial.number}: {wording.setup(trial.params, names)}")
    return Curve(
        [energy_j for energy_j, _, _ in points],
        [quality for _, quality, _ in points],
        [f"{label}<br>epoch {epoch}: {quality:.4g}" for _, quality, epoch in points],
        groups.index(group) if group in groups else 0,
    )
