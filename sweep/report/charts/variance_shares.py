"""Stacked bars: which hyperparameter explains how the joules per epoch, their number and the energy vary."""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.anova import Decomposition, Effect
from sweep.analysis.energy_factors import RESPONSES, Decompositions
from sweep.analysis.factor_words import CALLED, effect_name, share
from sweep.analysis.summary import Summary
from sweep.report.chart import MUTED, PALETTE, Chart, Drawn, drawn, plain, styled, text

RESIDUAL = "repeats"
PATTERNS = ("", "/", "x")
BAR_HEIGHT, LEGEND_LINE = 40, 18


class Part(NamedTuple):
    """One effect in every bar, in per cent; ``None`` where a bar does not have it. ``name`` is escaped.

    After the last colour the first ones come again, with another pattern.
    """

    name: str
    shares: list[float | None]
    labels: list[str]
    colour: str
    pattern: str


class SharesInfo(NamedTuple):
    """Numbers of the chart; ``bars`` are escaped, from the top down."""

    bars: list[str]
    parts: list[Part]
    title: str


def info(summary: Summary) -> SharesInfo | None:
    """A bar for each number of each group of trials; ``None`` where none could be decomposed."""
    groups = [] if summary.factors is None else summary.factors.groups
    bars = [
        (_bar(group, name), made) for group in groups for name in RESPONSES if (made := group.by_response.get(name))
    ]
    if not bars:
        return None
    names = list(dict.fromkeys(effect_name(effect) for _, made in bars for effect in made.effects))
    parts = [_part(name, bars, index) for index, name in enumerate(names)]
    if any(made.residual is not None for _, made in bars):
        shares = [made.residual for _, made in bars]
        parts.append(_filled(RESIDUAL, shares, MUTED))
    provenance = wording.provenance(summary.data.study.domains)
    return SharesInfo([bar for bar, _ in bars], parts, f"% of the variance of ln<br>({provenance} energy)")


def plot(numbers: SharesInfo) -> go.Figure:
    """Draw it."""
    figure = go.Figure()
    for part in numbers.parts:
        figure.add_bar(
            x=part.shares,
            y=numbers.bars,
            orientation="h",
            name=part.name,
            text=part.labels,
            textposition="none",
            hovertemplate="%{y}<br>%{text}<extra></extra>",
            marker={"color": part.colour, "pattern": {"shape": part.pattern}},
        )
    styled(figure, numbers.title, "", height=150 + BAR_HEIGHT * len(numbers.bars) + LEGEND_LINE * len(numbers.parts))
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return figure


def alt(numbers: SharesInfo) -> str:
    """The largest share of each of the first bars, which are of all trials."""
    return plain(" ".join(_largest(numbers, bar) for bar in range(min(len(numbers.bars), len(RESPONSES)))))


def _largest(numbers: SharesInfo, bar: int) -> str:
    share, label = max((part.shares[bar] or 0.0, part.labels[bar]) for part in numbers.parts)
    return f"{numbers.bars[bar].replace('<br>', ' ')}: mostly {label}." if share > 0.0 else f"{numbers.bars[bar]}: 0 %."


class VarianceShares(Chart):
    """Which hyperparameter rules the energy."""

    title = "What explains the energy"
    caption = (
        "Energy is joules per epoch times number of epochs. Shares of the variance of the logarithm of each, over the "
        "grid: hyperparameters alone, together (x), and what repeats of one setup differ by."
    )
    order = 43
    nothing = ""

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` without a full grid."""
        return drawn(info(summary), plot, alt)


def _bar(group: Decompositions, response: str) -> str:
    return CALLED[response] if group.paradigm is None else f"{text(group.paradigm)}:<br>{CALLED[response]}"


def _part(name: str, bars: list[tuple[str, Decomposition]], index: int) -> Part:
    effects = [next((e for e in made.effects if effect_name(e) == name), None) for _, made in bars]
    return _filled(name, effects, PALETTE[index % len(PALETTE)], PATTERNS[index // len(PALETTE) % len(PATTERNS)])


def _filled(name: str, effects: list[Effect | None], colour: str, pattern: str = "") -> Part:
    return Part(
        name=text(name),
        shares=[None if effect is None else 100.0 * effect.share for effect in effects],
        labels=["" if effect is None else f"{text(name)}: {share(effect)}" for effect in effects],
        colour=colour,
        pattern=pattern,
    )
