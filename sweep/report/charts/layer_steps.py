"""Violins of the joules of single steps: how much a layer's energy scatters from one marked step to the next.

The ``MOST`` costliest layers, forward and backward, and what is no layer but is seen in each step (loss, optimizer).
Of each at most ``MAX_SAMPLES`` steps at equal distances of rank, which keeps the distribution; fewer than
``MIN_SAMPLES`` are no distribution and stand as points.

Limits: on a domain whose counter ticks more slowly than a step, a step's joules are mean power times its time, so
the scatter is one of time.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.layers import Breakdown, LayerRow
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.records import Pass
from sweep.report.chart import Chart, Drawn, drawn, plain, spans_decades, styled, text
from sweep.report.layer_chart import COLOURS, NOT_MEASURED, short

MOST = 12
MIN_SAMPLES = 5
MAX_SAMPLES = 120
N_TOLD = 3
"""Violins that the text tells."""
SIDES = {Pass.FORWARD: "negative", Pass.BACKWARD: "positive", None: "both"}
"""The axis runs downwards, so the negative side is above."""
POINTS_AT = {Pass.FORWARD: -0.3, Pass.BACKWARD: 0.3, None: 0.0}


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

    @property
    def is_sparse(self) -> bool:
        """Whether these are too few for a distribution."""
        return len(self.energy_j) < MIN_SAMPLES


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
    rows = [row for row in found.by_energy if row.steps_j]
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
            spanmode="hard",
            scalemode="width",
            width=0.9,
            **(_as_points(violin) if violin.is_sparse else _as_violin(violin)),
        )
        named.add(violin.pass_)
    height = 150 + (18 + 14 * numbers.lines) * len(numbers.labels)
    styled(figure, numbers.energy_title, "", energy="x", log_x=numbers.log_energy, height=height)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=numbers.labels, autorange="reversed", showgrid=False
    )
    figure.update_yaxes(tickfont={"size": 11})
    figure.update_layout(violinmode="overlay")
    if not numbers.log_energy:
        figure.update_xaxes(rangemode="tozero")
    return figure


def alt(numbers: StepsInfo) -> str:
    """Medians of the costliest violins."""
    medians = [(statistics.median(item.energy_j), item) for item in numbers.violins]
    costliest = sorted(medians, key=lambda pair: -pair[0])[:N_TOLD]
    told = "; ".join(f"{_told(item)} {wording.energy(median_j)}" for median_j, item in costliest)
    return f"Median energy of a step of the costliest rows: {told}."


def _told(violin: Violin) -> str:
    label = plain(violin.label)
    return label if violin.pass_ is None else f"{label} {violin.pass_}"


class LayerSteps(Chart):
    """How the energy of a layer scatters."""

    title = "Energy of a layer in single steps"
    caption = (
        f"Of the {MOST} costliest layers of the setup above: joules of single marked steps, forward above the line and "
        f"backward below it; fewer than {MIN_SAMPLES} steps stand as points."
    )
    order = 80
    nothing = NOT_MEASURED

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no layers were measured in single steps."""
        return drawn(info(summary.layers.breakdown) if summary.layers else None, plot, alt)


def _as_violin(violin: Violin) -> dict[str, object]:
    line = {"color": COLOURS[violin.pass_], "width": 1.2}
    return {"points": False, "line": line, "meanline": {"visible": True}, "hoveron": "violins"}


def _as_points(violin: Violin) -> dict[str, object]:
    """Points alone: a violin without its body."""
    return {
        "points": "all",
        "pointpos": POINTS_AT[violin.pass_],
        "jitter": 0,
        "marker": {"color": COLOURS[violin.pass_], "size": 6},
        "fillcolor": "rgba(0,0,0,0)",
        "line": {"color": COLOURS[violin.pass_], "width": 0},
        "hoveron": "points",
    }


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
