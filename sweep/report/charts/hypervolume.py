"""Hypervolume of the front over the joules that the search spent: is there more to be found?

Only trials that made the hypervolume grow are points; between them it stays.
"""

import itertools
from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.hypervolume import REACHED, Growth, Step, growth
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.report.chart import ACCENT, HIGHLIGHT, MAX_NAME, Chart, Drawn, cut, drawn, plain, styled, text

MAX_STEPS = 400


class HypervolumeInfo(NamedTuple):
    """Numbers of the chart; strings are escaped.

    Attributes:
        spent_j: by rising joules, shape ``(n_steps,)``.
        share: per cent of the box.
        reached: joules, per cent and label of the step that reaches almost all of it.
        reference: the reference point in words.
    """

    spent_j: list[float]
    share: list[float]
    labels: list[str]
    reached: tuple[float, float, str]
    reference: str
    n_trials: int
    energy_title: str


def info(summary: Summary) -> HypervolumeInfo | None:
    """The steps of the search; ``None`` unless two trials have known joules and their qualities differ."""
    found = growth(summary.data, summary.setups)
    if found is None or len(found.steps) < 2:
        return None
    steps = thin(_changes(found), MAX_STEPS)
    reached = found.reached
    unknown = f"<br>without {wording.count(found.n_unknown, 'trial')} of unknown joules" if found.n_unknown else ""
    return HypervolumeInfo(
        spent_j=[step.spent_j for step in steps],
        share=[100.0 * step.share for step in steps],
        labels=[_told(step) for step in steps],
        reached=(reached.spent_j, 100.0 * reached.share, _told(reached)),
        reference=text(_reference(summary, found)),
        n_trials=len(found.steps),
        energy_title=f"Energy of the trials so far<br>({wording.provenance(summary.data.study.domains)} J){unknown}",
    )


def plot(numbers: HypervolumeInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    figure.add_scatter(
        x=numbers.spent_j,
        y=numbers.share,
        text=numbers.labels,
        hovertemplate="%{text}<extra></extra>",
        mode="lines+markers",
        line={"shape": "hv", "color": ACCENT, "width": 2},
        marker={"size": 4},
        name="hypervolume",
    )
    figure.add_scatter(
        x=[numbers.reached[0]],
        y=[numbers.reached[1]],
        text=[numbers.reached[2]],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"color": HIGHLIGHT, "size": 12, "symbol": "diamond"},
        name=f"{wording.share(REACHED)} of the final one",
    )
    styled(figure, numbers.energy_title, "Hypervolume (%)", energy="x", height=380)
    figure.add_annotation(
        text=f"reference: {numbers.reference}",
        font={"size": 12},
        showarrow=False,
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
    )
    figure.update_layout(legend={"y": 1.1})
    return figure


def alt(numbers: HypervolumeInfo) -> str:
    """The end, and when almost all of it was reached."""
    last, (_, _, reached) = numbers.labels[-1], numbers.reached
    return plain(
        f"Hypervolume over {wording.count(numbers.n_trials, 'trial')}, from {numbers.reference}. "
        f"In the end {last}. {wording.share(REACHED)} of that was reached {reached}."
    )


class Hypervolume(Chart):
    """What each joule of the search added to the front."""

    title = "What the search found for its energy"
    caption = (
        "Share of the area between the worst quality at the most energy seen (the reference point) and the best "
        "quality at none that the front covers, after each trial that added to it. A flat end: further trials added "
        "nothing. Trajectories of single trials, not means of repeats."
    )
    order = 15
    nothing = "It takes two trials whose joules are known, and epochs of unlike quality."

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` without trials of unlike quality and known joules."""
        return drawn(info(summary), plot, alt)


def _changes(found: Growth) -> list[Step]:
    """The first step, those where the hypervolume grew, and the last."""
    pairs = itertools.pairwise(found.steps)
    grown = [step for before, step in pairs if step.share > before.share]
    ends = [found.steps[0], *grown, found.steps[-1]]
    return list({step.number: step for step in ends}.values())


def _told(step: Step) -> str:
    return f"after trial {step.number} and {wording.energy(step.spent_j)}: {100.0 * step.share:.1f} %"


def _reference(summary: Summary, found: Growth) -> str:
    quality = wording.quality(found.reference[0], in_points=wording.in_points(summary.data))
    name = cut(summary.data.study.quality_name, MAX_NAME)
    return f"{name} {quality} at {wording.energy(found.reference[1])}"
