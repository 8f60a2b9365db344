"""Learning curves against joules: validation quality of each trial, coloured by the first dimension.

Of more than ``MAX_CURVES`` trials those of the recommended setup are drawn and a sample of the others at equal
distances of quality; the axis says of how many. Curves are thinned so that they have about ``CURVE_POINTS`` points
together.
"""

import math
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.current import current
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.records import TrajectoryPoint, TrialRecord
from sweep.report.chart import (
    MAX_NAME,
    MAX_POINTS,
    PALETTE,
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

MAX_CURVES = 60
CURVE_POINTS = 2400


class Curve(NamedTuple):
    """One trial; ``group`` indexes the legend, ``name`` and ``labels`` are escaped."""

    name: str
    energy_j: list[float]
    quality: list[float]
    labels: list[str]
    group: int
    is_recommended: bool


class CurvesInfo(NamedTuple):
    """Numbers of the chart.

    Attributes:
        curves: the recommended ones last, so that they lie on top.
        groups: legend entries; one alone needs no legend.
        n_trials: that have a curve.
    """

    curves: list[Curve]
    groups: list[str]
    n_trials: int
    quality_name: str
    energy_title: str
    log_energy: bool


def info(summary: Summary) -> CurvesInfo | None:
    """Every current trial's curve, failed trials included as far as they came."""
    data, names = summary.data, wording.varying(summary.data)
    trials = [trial for trial in current(data) if any(map(_is_known, trial.trajectory))]
    if not trials:
        return None
    primary = summary.recommendations.primary
    chosen = frozenset(primary.point.setup.numbers if primary else ())
    shown = _shown(trials, chosen)
    groups = _groups(shown, names)
    most = min(MAX_POINTS, CURVE_POINTS // len(shown))
    points = wording.in_points(data)
    curves = [
        _curve(trial, names, groups, most, in_points=points, is_recommended=trial.number in chosen) for trial in shown
    ]
    return CurvesInfo(
        curves=curves,
        groups=[text(group) for group in groups],
        n_trials=len(trials),
        quality_name=text(cut(data.study.quality_name, MAX_NAME)),
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
            meta=[curve.name],
            hovertemplate="%{meta[0]}<br>%{text}<extra></extra>",
            mode="lines+markers",
            line={"color": PALETTE[curve.group], "width": 3 if curve.is_recommended else 1.2},
            marker={"size": 3},
            opacity=1.0 if curve.is_recommended else 0.7,
            name=numbers.groups[curve.group],
            legendgroup=str(curve.group),
            legendrank=curve.group,
            showlegend=len(numbers.groups) > 1 and curve.group not in named,
        )
        named.add(curve.group)
    few = f"<br>{len(numbers.curves)} of {numbers.n_trials} trials" if len(numbers.curves) < numbers.n_trials else ""
    x_title, y_title = f"{numbers.energy_title}{few}", f"Validation {numbers.quality_name}"
    return styled(figure, x_title, y_title, energy="x", log_x=numbers.log_energy)


def alt(numbers: CurvesInfo) -> str:
    """The ends of the recommended curves, or of the one that ends best."""
    curves = [curve for curve in numbers.curves if curve.is_recommended]
    of = "those of the recommended setup end at"
    if not curves:
        curves, of = [max(numbers.curves, key=lambda curve: curve.quality[-1])], "the one that ends best reaches"
    told = "; ".join(f"{plain(curve.name)}, {plain(curve.labels[-1])}" for curve in curves)
    return f"{wording.count(len(numbers.curves), 'curve')} of {wording.count(numbers.n_trials, 'trial')}; {of}: {told}."


class LearningCurves(Chart):
    """How quality grows with the joules spent."""

    title = "Learning curves against energy"
    caption = (
        "Validation quality after each epoch of each trial, against the joules spent in it so far. Thick: the "
        "recommended setup."
    )
    order = 50

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no epoch has both quality and joules."""
        return drawn(info(summary), plot, alt)


def _is_known(point: TrajectoryPoint) -> bool:
    return point.energy_j is not None and point.quality is not None


def _shown(trials: list[TrialRecord], chosen: frozenset[int]) -> list[TrialRecord]:
    """Trials by number, those of the recommended setup last."""
    first = [trial for trial in trials if trial.number in chosen]
    others = [trial for trial in trials if trial.number not in chosen]
    room = max(MAX_CURVES - len(first), 1)
    if len(others) > room:
        others.sort(key=lambda trial: -math.inf if trial.quality is None else trial.quality)
        others = thin(others, room)
    return [*sorted(others, key=_number), *sorted(first[:MAX_CURVES], key=_number)]


def _number(trial: TrialRecord) -> int:
    return trial.number


def _groups(trials: list[TrialRecord], names: tuple[str, ...]) -> list[str]:
    """Legend entries: the values of the first dimension, if there are colours for all."""
    found = sorted({(trial.params.get(names[0])) for trial in trials}, key=_rank) if names else []
    labels = [f"{names[0]} {wording.value(item)}" for item in found]
    return labels if 1 < len(labels) <= len(PALETTE) else ["trials"]


def _rank(item: object) -> tuple[int, float, str]:
    return (0, float(item), "") if isinstance(item, int | float) else (1, 0.0, str(item))


def _curve(
    trial: TrialRecord, names: tuple[str, ...], groups: list[str], most: int, *, in_points: bool, is_recommended: bool
) -> Curve:
    points = thin([point for point in trial.trajectory if _is_known(point)], most)
    group = f"{names[0]} {wording.value(trial.params.get(names[0]))}" if names else ""
    return Curve(
        name=text(f"trial {trial.number}: {wording.setup(trial.params, names)}"),
        energy_j=rounded(point.energy_j for point in points),
        quality=rounded(point.quality for point in points),
        labels=[
            f"epoch {point.epoch}: {wording.quality(point.quality, in_points=in_points)} "
            f"for {wording.energy(point.energy_j)}"
            for point in points
        ],
        group=groups.index(group) if group in groups else 0,
        is_recommended=is_recommended,
    )
