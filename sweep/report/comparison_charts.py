"""Charts of two studies side by side: joules against joules, and each setup in per cent of its study's dearest.

``info`` holds the numbers, ``plot`` draws them. Per cent of the own worst setup (Fig. 3 of "The Power of Training") can
be compared even where one study's joules are measured and the other's modelled.
"""

from typing import NamedTuple

from plotly import graph_objects as go

from sweep.analysis import wording
from sweep.analysis.comparing.comparison import Comparison
from sweep.analysis.comparing.pairs import Cell, Pair
from sweep.analysis.comparing.words import style
from sweep.report.chart import ACCENT, HIGHLIGHT, MUTED, PALETTE, styled, text

MAX_BARS = 60
STARS = {"A": HIGHLIGHT, "B": PALETTE[1]}


class Scatter(NamedTuple):
    """One mark a setup.

    Attributes:
        guide: ends of the line of equal ratio, (x, y); empty where there is none.
        stars: what each study recommends: its letter, x and y.
        is_energy: whether both axes carry joules; they are logarithmic then.
    """

    x: list[float]
    y: list[float]
    labels: list[str]
    guide: tuple[list[float], list[float]]
    stars: list[tuple[str, float, float]]
    x_title: str
    y_title: str
    is_energy: bool


class Bars(NamedTuple):
    """Energy of each setup in per cent of its study's worst, the dearest of A last."""

    setups: list[str]
    a: list[float]
    b: list[float]
    a_labels: list[str]
    b_labels: list[str]


def energies_info(found: Comparison) -> Scatter:
    """Joules of the setups, A to the right, B upwards."""
    x, y = ([cell.energy_j for cell in side] for side in _sides(found))
    ends = [min(x), max(x)]
    kinds = [wording.provenance(side.data.study.domains) for side in (found.a, found.b)]
    return Scatter(
        x=x,
        y=y,
        labels=_labels(found, energy=True),
        guide=(ends, [found.overall.mean * end for end in ends]) if len(x) > 1 else ([], []),
        stars=[(letter, pair.a.energy_j, pair.b.energy_j) for letter, pair in _recommended(found)],
        x_title=f"A: energy ({kinds[0]} J)",
        y_title=f"B: energy ({kinds[1]} J)",
        is_energy=True,
    )


def qualities_info(found: Comparison) -> Scatter:
    """Best validation quality of the setups."""
    x, y = ([cell.quality for cell in side] for side in _sides(found))
    name = text(found.a.data.study.quality_name)
    ends = [min(x + y), max(x + y)]
    stars = [(letter, pair.a.quality, pair.b.quality) for letter, pair in _recommended(found)]
    labels = _labels(found, energy=False)
    return Scatter(x, y, labels, (ends, ends), stars, f"A: {name}", f"B: {name}", is_energy=False)


def shares_info(found: Comparison) -> Bars:
    """The dearest setups, at most ``MAX_BARS``."""
    told = style(found)
    worst = [max(cell.energy_j for cell in side) for side in _sides(found)]
    pairs = sorted(found.pairs, key=lambda pair: pair.a.energy_j)[-MAX_BARS:]
    return Bars(
        setups=[text(wording.setup(pair.params, told.names)) for pair in pairs],
        a=[100.0 * pair.a.energy_j / worst[0] for pair in pairs],
        b=[100.0 * pair.b.energy_j / worst[1] for pair in pairs],
        a_labels=[wording.energy(pair.a.energy_j) for pair in pairs],
        b_labels=[wording.energy(pair.b.energy_j) for pair in pairs],
    )


def scatter_plot(numbers: Scatter) -> go.Figure:
    """Draw marks and the guide."""
    figure = go.Figure()
    x, y = numbers.guide
    figure.add_scatter(x=x, y=y, mode="lines", line={"color": MUTED, "dash": "dot"}, hoverinfo="skip", showlegend=False)
    figure.add_scatter(
        x=numbers.x,
        y=numbers.y,
        text=numbers.labels,
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"color": ACCENT, "size": 9},
        showlegend=False,
    )
    for letter, star_x, star_y in numbers.stars:
        figure.add_scatter(
            x=[star_x],
            y=[star_y],
            mode="markers",
            marker={"color": STARS[letter], "size": 12, "symbol": f"triangle-{'left' if letter == 'A' else 'right'}"},
            hoverinfo="skip",
            name=f"recommended by {letter}",
        )
    styled(figure, numbers.x_title, numbers.y_title, energy="xy" if numbers.is_energy else "")
    if numbers.is_energy:
        figure.update_xaxes(type="log", dtick="D2", tickformat="~s")
        figure.update_yaxes(type="log", dtick="D2", tickformat="~s")
    return figure


def bars_plot(numbers: Bars) -> go.Figure:
    """Draw the bars."""
    figure = go.Figure()
    sides = (("B", numbers.b, numbers.b_labels, PALETTE[1]), ("A", numbers.a, numbers.a_labels, ACCENT))
    for name, shares, labels, colour in sides:
        figure.add_bar(
            x=shares,
            y=numbers.setups,
            customdata=labels,
            hovertemplate="%{y}<br>%{x:.1f} %, %{customdata}",
            orientation="h",
            name=name,
            marker={"color": colour},
        )
    styled(figure, "Energy in per cent of the study's worst setup", "", height=160 + 34 * len(numbers.setups))
    figure.update_layout(barmode="group", legend={"traceorder": "reversed"})
    return figure


def comparison_figures(found: Comparison) -> dict[str, go.Figure]:
    """All charts by name."""
    return {
        "energies": scatter_plot(energies_info(found)),
        "qualities": scatter_plot(qualities_info(found)),
        "shares": bars_plot(shares_info(found)),
    }


def _recommended(found: Comparison) -> list[tuple[str, Pair]]:
    """The pair that each study recommends, where there is one."""
    points = {"A": found.a.recommendations.primary, "B": found.b.recommendations.primary}
    return [
        (letter, pair)
        for letter, item in points.items()
        if item is not None
        for pair in found.pairs
        if all(pair.params[name] == value for name, value in item.point.setup.params.items())
    ]


def _sides(found: Comparison) -> tuple[list[Cell], list[Cell]]:
    return [pair.a for pair in found.pairs], [pair.b for pair in found.pairs]


def _labels(found: Comparison, *, energy: bool) -> list[str]:
    told = style(found)
    points = told.in_points
    return [
        f"{text(wording.setup(pair.params, told.names))}<br>A: "
        + (wording.energy(pair.a.energy_j) if energy else wording.quality(pair.a.quality, in_points=points))
        + "<br>B: "
        + (wording.energy(pair.b.energy_j) if energy else wording.quality(pair.b.quality, in_points=points))
        for pair in found.pairs
    ]
