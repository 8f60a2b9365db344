"""Energy per step from the first epoch to the last, over its later median: does a training warm up or drift?"""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.drift import Drift as Found
from sweep.analysis.drift import Run
from sweep.analysis.summary import Summary
from sweep.report.chart import ACCENT, MUTED, Chart, Drawn, drawn, plain, rounded, styled, text

MIN_MEDIAN = 3


class Line(NamedTuple):
    """One phase of one trial; ``label`` is escaped."""

    epochs: list[int]
    relative: list[float]
    label: str


class DriftInfo(NamedTuple):
    """Numbers of the chart.

    Attributes:
        lines: of some of the runs.
        n_runs: of all.
        median_epochs: epochs that at least ``MIN_MEDIAN`` runs have.
        median: over all runs there.
        energy_title: with the provenance of the joules.
    """

    lines: list[Line]
    n_runs: int
    median_epochs: list[int]
    median: list[float]
    energy_title: str


def info(found: Found, provenance: str) -> DriftInfo | None:
    """Lines of the runs and their median; ``None`` if no run is long enough.

    Args:
        found: the warm-up test.
        provenance: of the joules, in words.
    """
    if not found.runs:
        return None
    shared = [item for item in found.typical if item.n >= MIN_MEDIAN]
    return DriftInfo(
        lines=list(map(_line, found.runs)),
        n_runs=found.n_runs,
        median_epochs=[item.epoch for item in shared],
        median=[item.relative for item in shared],
        energy_title=f"Energy per step ({provenance})<br>over its later median",
    )


def plot(numbers: DriftInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    for index, line in enumerate(numbers.lines):
        figure.add_scatter(
            x=line.epochs,
            y=line.relative,
            meta=[line.label],
            hovertemplate="%{meta[0]}<br>epoch %{x}: %{y:.3f}<extra></extra>",
            mode="lines",
            line={"color": MUTED, "width": 1},
            name="trials",
            legendgroup="trials",
            showlegend=index == 0,
        )
    if numbers.median:
        figure.add_scatter(
            x=numbers.median_epochs,
            y=numbers.median,
            hovertemplate="median<br>epoch %{x}: %{y:.3f}<extra></extra>",
            mode="lines+markers",
            line={"color": ACCENT, "width": 2},
            marker={"size": 4},
            name="median",
        )
    return styled(figure, "Epoch", numbers.energy_title)


def alt(numbers: DriftInfo) -> str:
    """Where the median of the runs begins and ends, or the only runs do."""
    if numbers.median:
        epochs, relative, of = numbers.median_epochs, numbers.median, f"median of {numbers.n_runs} runs"
    else:
        line = numbers.lines[0]
        epochs, relative, of = line.epochs, line.relative, plain(line.label)
    return (
        f"Energy per step over its later median, {of}: {relative[0]:.3f} in epoch {epochs[0]}, "
        f"{relative[-1]:.3f} in epoch {epochs[-1]}."
    )


class Drift(Chart):
    """Whether a step costs the same from the first epoch to the last."""

    title = "Energy per step over the epochs"
    caption = "Each grey line is a trial that nothing disturbed; 1 is its own median after the first epoch."
    order = 90  # last, as a second process may still be at it
    nothing = "The joules of single epochs' steps were not recorded, or no undisturbed trial is long enough."

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if the energy per step is not known."""
        if summary.drift is None:
            return None
        return drawn(info(summary.drift, wording.provenance(summary.data.study.domains)), plot, alt)


def _line(run: Run) -> Line:
    return Line(list(run.epochs), rounded(run.relative), text(f"trial {run.number}, {run.phase}"))
