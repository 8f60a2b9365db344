"""Bars: joules of a training for each head, one on another, beside one training of all heads; Fig. 5 of the paper.

The paper is "The Power of Training". Bars are means over the repeats of a setup.
"""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.multitask import Mean, mean_of
from sweep.analysis.paired import MULTITASK, SINGLETASK, PairedSetup, dimension_of_paradigm, paired
from sweep.analysis.summary import Summary
from sweep.analysis.thin import thin
from sweep.report.chart import PALETTE, Chart, Drawn, drawn, plain, styled, text

MAX_SETUPS = 24


class Bars(NamedTuple):
    """One paradigm over the setups; ``energy_j`` is ``None`` where it is not known. Strings are escaped."""

    name: str
    energy_j: list[float | None]
    energy_sd_j: list[float | None]
    hovers: list[str]
    is_single: bool


class HeadsInfo(NamedTuple):
    """Numbers of the chart; ``setups`` are escaped."""

    setups: list[str]
    bars: list[Bars]
    energy_title: str


def info(summary: Summary) -> HeadsInfo | None:
    """Joules of the single-task trainings and of the multi-task one; ``None`` without both."""
    found = summary.paradigms.multitask
    if found is None:
        return None
    dimension = dimension_of_paradigm(summary.data)
    names = tuple(name for name in wording.varying(summary.data) if name != dimension)
    setups = thin([setup for setup in paired(summary.data) if MULTITASK in setup.runs], MAX_SETUPS)
    paradigms = [*(f"{SINGLETASK}{head}" for head in found.heads), MULTITASK]
    return HeadsInfo(
        setups=[text(wording.setup(setup.params, names)) for setup in setups],
        bars=[_bars(paradigm, setups) for paradigm in paradigms],
        energy_title=f"Energy of a training ({wording.provenance(summary.data.study.domains)} J)",
    )


def plot(numbers: HeadsInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    for bars, colour in zip(numbers.bars, _colours(len(numbers.bars)), strict=True):
        figure.add_bar(
            x=numbers.setups,
            y=bars.energy_j,
            error_y={"type": "data", "array": bars.energy_sd_j, "thickness": 1, "width": 3},
            name=bars.name,
            offsetgroup="single" if bars.is_single else "multi",
            marker={"color": colour},
            text=bars.hovers,
            textposition="none",
            hovertemplate="%{x}<br>%{text}<extra></extra>",
        )
    styled(figure, "Setup", numbers.energy_title, energy="y")
    figure.update_layout(barmode="relative", legend={"traceorder": "normal"})
    figure.update_xaxes(type="category")
    figure.update_yaxes(tickformat="~s")
    return figure


def alt(numbers: HeadsInfo) -> str:
    """Joules of every training of the first and of the last setup."""
    ends = dict.fromkeys((0, len(numbers.setups) - 1))
    told = (f"{numbers.setups[at]}: {'; '.join(bars.hovers[at] for bars in numbers.bars)}." for at in ends)
    return plain(" ".join(told))


class HeadsEnergy(Chart):
    """What several heads cost, one by one and together."""

    title = "Energy of the heads, one by one and together"
    caption = (
        "Left, one on another: a training for each head. Right: one training of all heads. Bars: standard deviation "
        "of the repeats. Read it beside the quality of each head."
    )
    order = 44
    nothing = ""

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` without single-task and multi-task trainings."""
        return drawn(info(summary), plot, alt)


def _bars(paradigm: str, setups: list[PairedSetup]) -> Bars:
    means = [_mean(setup, paradigm) for setup in setups]
    return Bars(
        name=text(paradigm),
        energy_j=[None if mean is None else mean.mean for mean in means],
        energy_sd_j=[None if mean is None else mean.sd for mean in means],
        hovers=[text(f"{paradigm}: {_energy(mean)}") for mean in means],
        is_single=paradigm != MULTITASK,
    )


def _mean(setup: PairedSetup, paradigm: str) -> Mean | None:
    return mean_of(trial.energy_j for trial in setup.runs.get(paradigm, {}).values())


def _energy(mean: Mean | None) -> str:
    told = wording.energy(None if mean is None else mean.mean)
    return told if mean is None or mean.sd is None else f"{told} ± {wording.energy(mean.sd)}"


def _colours(n: int) -> list[str]:
    return [PALETTE[index % len(PALETTE)] for index in range(n)]
