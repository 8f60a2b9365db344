"""Violins of the joules of single steps: how much a layer's energy scatters from one marked step to the next.

The ``MOST`` costliest layers, forward and backward, and what is no layer but is seen in each step (loss, optimizer).
Of each at most ``MAX_SAMPLES`` steps at equal distances of rank, which keeps the distribution.

Limits: on a domain whose counter ticks more slowly than a step, a step's joules are mean power times its time, so
the scatter is one of time.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis.layers import Breakdown, LayerRow
from sweep.analysis.summary import Summary
from sweep.records import Pass
from sweep.report.chart import Chart, spans_decades, styled, text, thin
from sweep.report.layer_chart import COLOURS, NOT_MEASURED, short

MOST = 12
MIN_SAMPLES = 5
MAX_SAMPLES = 120
SIDES = {Pass.FORWARD: "negative", Pass.BACKWARD: "positive", None: "both"}
"""The axis runs downwards, so the negative side is above."""


class Key(NamedTuple):
    """What tells one violin, or one pair of them, from the others."""

    phase: str
    path: str
    is_layer: bool


class Violin(NamedTuple):
    """Joules of single steps of one row, rising; ``label`` is escaped."""

    label: str
    pass_: Pass | None
    energy_j: list[float]


class StepsInfo(NamedTuple):
    """Numbers of the chart.

    Attributes:
        labels: from the costliest down.
        lines: of text in the longest label.
        log_energy: whether layers would be too small beside the rest on a linear axis.
    """

    labels: list[str]
    lines: int
    violins: list[Violin]
    log_energy: bool
    energy_title: str


def info(found: Breakdown) -> StepsInfo | None:
    """The costliest layers and the other rows that were seen in single steps; ``None`` if there are none."""
    rows = [row for row in found.by_energy if len(row.steps_j) >= MIN_SAMPLES]
    if not rows:
        return None
    ranked_j: dict[Key, float] = {}
    for row in rows:
        ranked_j[_key(row)] = ranked_j.get(_key(row), 0.0) + (row.energy_j or 0.0)
    costliest = sorted((key for key in ranked_j if key.is_layer), key=lambda key: -ranked_j[key])[:MOST]
    labels = _labels(found, rows, [*costliest, *(key for key in ranked_j if not key.is_layer)])
    violins = [
        Violin(labels[_key(row)], row.pass_, thin(sorted(row.steps_j), MAX_SAMPLES))
        for row in rows
        if _key(row) in labels
    ]
    layers_j, all_j = (_largest(item for item in violins if item.pass_ or not only) for only in (True, False))
    return StepsInfo(
        labels=list(labels.values()),
        lines=1 + max(label.count("<br>") for label in labels.values()),
        violins=violins,
        log_energy=spans_decades([layers_j, all_j]),
        energy_title=f"Energy of a step<br>({found.provenance} J)",
    )


def plot(numbers: StepsInfo) -> go.Figure:
    """Draw it; the costliest layer on top."""
    figure = go.Figure()
    named: set[Pass | None] = set()
    for violin in numbers.violins:
        figure.add_violin(
            x=violin.energy_j,
            y0=violin.label,
            orientation="h",
            side=SIDES[violin.pass_],
            name=violin.pass_ or "no layer",
            legendgroup=violin.pass_ or "no layer",
            legendrank=list(SIDES).index(violin.pass_),
            showlegend=violin.pass_ not in named,
            line={"color": COLOURS[violin.pass_], "width": 1.2},
            points=False,
            spanmode="hard",
            scalemode="width",
            width=0.9,
            meanline={"visible": True},
            hoveron="violins",
        )
        named.add(violin.pass_)
    height = 150 + (18 + 14 * numbers.lines) * len(numbers.labels)
    styled(figure, numbers.energy_title, "", log_x=numbers.log_energy, height=height)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=numbers.labels, autorange="reversed", showgrid=False
    )
    figure.update_yaxes(tickfont={"size": 11})
    figure.update_layout(violinmode="overlay")
    if not numbers.log_energy:
        figure.update_xaxes(rangemode="tozero")
    return figure


class LayerSteps(Chart):
    """How the energy of a layer scatters."""

    title = "Energy of a layer in single steps"
    caption = (
        f"Of the {MOST} costliest layers of the setup above: joules of single marked steps, forward above the line and "
        "backward below it."
    )
    order = 80
    nothing = NOT_MEASURED

    def figure(self, summary: Summary) -> go.Figure | None:
        """The chart; ``None`` if no layers were measured in single steps."""
        numbers = info(summary.layers.breakdown) if summary.layers else None
        return None if numbers is None else plot(numbers)


def _largest(violins: Iterable[Violin]) -> float:
    return max((statistics.median(violin.energy_j) for violin in violins), default=0.0)


def _key(row: LayerRow) -> Key:
    return Key(row.phase, row.path, row.pass_ is not None)


def _labels(found: Breakdown, rows: Sequence[LayerRow], keys: Sequence[Key]) -> dict[Key, str]:
    """A label for each key; long ones where the short ones are alike."""
    first = {_key(row): row for row in reversed(rows)}
    labels: dict[Key, str] = {}
    for key in keys:
        label = _label(found, first[key])
        whole = f"{key.phase}: {key.path} ({first[key].type or 'no layer'})"
        labels[key] = text(whole) if label in labels.values() else label
    return labels


def _label(found: Breakdown, row: LayerRow) -> str:
    """The row's name; with its type where it is only numbered, with its phase where there are several."""
    lines = [short(row.phase)] if len(found.phases) > 1 else []
    lines.append(short(row.layer))
    if row.layer.rpartition(".")[2].isdecimal():
        lines.append(short(row.type))
    return "<br>".join(text(line) for line in lines)
