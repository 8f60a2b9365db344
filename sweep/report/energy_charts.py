"""Charts of one measured window, those that GATorch shows among them.

    passes             joules by forward and backward passes and by everything that is no layer
    layers             forward and backward of the costliest layers
    layer_energy       treemap by module path           } the same as a study's report
    layer_steps        violins of single steps          }
    loss, loss_energy  mean loss of each epoch, and joules for each unit by which it fell
    epochs, windows    joules of each epoch and of each named window

``*_info`` computes, ``plot_*`` draws. A chart without numbers is left out.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.layers import LayerRow
from sweep.analysis.measured import LOSS, EpochEnergy, Measured, per_decrease_j
from sweep.analysis.thin import thin
from sweep.records import Pass
from sweep.report.chart import ACCENT, PALETTE, styled, text
from sweep.report.charts import layer_energy, layer_steps
from sweep.report.layer_chart import COLOURS, hover, short

MOST_LAYERS = 20
MAX_EPOCHS = 400

Info = TypeVar("Info")


class BarsInfo(NamedTuple):
    """Horizontal bars, one series for each colour; strings are escaped.

    Attributes:
        labels: shape ``(n_bars,)``, from the top down.
        series: name, colour, joules of each label (``None`` for no bar) and hover texts.
    """

    labels: list[str]
    series: list[tuple[str, str, list[float | None], list[str]]]
    title: str


class CurveInfo(NamedTuple):
    """A value of each epoch; ``is_energy`` says whether values are joules."""

    epochs: list[int]
    values: list[float]
    hovers: list[str]
    title: str
    is_energy: bool


def energy_figures(measured: Measured) -> dict[str, Figure]:
    """All charts that have something to draw, in the order of the page."""
    found = measured.breakdown
    makers: dict[str, Callable[[], Figure | None]] = {
        "passes": lambda: _drawn(passes_info(measured), plot_bars),
        "layers": lambda: _drawn(layers_info(measured), plot_bars),
        "layer_energy": lambda: _drawn(layer_energy.info(found, measured.title), layer_energy.plot),
        "layer_steps": lambda: _drawn(layer_steps.info(found), layer_steps.plot),
        "loss": lambda: _drawn(loss_info(measured), plot_curve),
        "loss_energy": lambda: _drawn(loss_energy_info(measured), plot_curve),
        "epochs": lambda: _drawn(epochs_info(measured), plot_curve),
        "windows": lambda: _drawn(windows_info(measured), plot_bars),
    }
    drawn = {name: make() for name, make in makers.items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def passes_info(measured: Measured) -> BarsInfo | None:
    """Joules of all forward passes, of all backward passes, and of each row that is no layer."""
    sums: dict[str, list[float]] = {}
    passes: dict[str, Pass | None] = {}
    for row in measured.breakdown.rows:
        if row.energy_j is not None:
            name = row.layer if row.pass_ is None else str(row.pass_)
            sums.setdefault(name, []).append(row.energy_j)
            passes[name] = row.pass_
    totals = {name: math.fsum(items) for name, items in sums.items()}
    whole_j = math.fsum(totals.values())
    if not whole_j > 0:
        return None
    labels = sorted(totals, key=lambda name: -totals[name])
    series = []
    for pass_ in (*Pass, None):
        own = [totals[name] if passes[name] is pass_ else None for name in labels]
        hovers = [
            text(f"{name}: {wording.energy(totals[name])}, {wording.share(totals[name] / whole_j)}") for name in labels
        ]
        if any(item is not None for item in own):
            series.append((pass_ or "no layer", COLOURS[pass_], own, hovers))
    return BarsInfo([text(label) for label in labels], series, _joules("Energy", measured))


def layers_info(measured: Measured) -> BarsInfo | None:
    """Forward and backward of the costliest layers."""
    rows: dict[str, dict[Pass, LayerRow]] = {}
    for row in measured.breakdown.rows:
        if row.pass_ is not None and row.energy_j is not None:
            rows.setdefault(row.layer, {})[row.pass_] = row
    if not rows:
        return None
    sums_j = {layer: math.fsum(row.energy_j or 0.0 for row in passes.values()) for layer, passes in rows.items()}
    costliest = sorted(sums_j, key=lambda layer: -sums_j[layer])[:MOST_LAYERS]
    series: list[tuple[str, str, list[float | None], list[str]]] = []
    for pass_ in Pass:
        own = [rows[layer].get(pass_) for layer in costliest]
        if any(own):
            joules = [row.energy_j if row else None for row in own]
            series.append((str(pass_), COLOURS[pass_], joules, [hover(row) if row else "" for row in own]))
    return BarsInfo([text(short(layer)) for layer in costliest], series, _joules("Energy", measured))


def loss_info(measured: Measured) -> CurveInfo | None:
    """Mean loss of each epoch."""
    return _curve(
        measured, lambda epoch: epoch.logged.get(LOSS), "Mean loss", lambda value: f"loss {value:.4g}", is_energy=False
    )


def epochs_info(measured: Measured) -> CurveInfo | None:
    """Joules of each epoch."""
    return _curve(measured, lambda epoch: epoch.energy_j, _joules("Energy of an epoch", measured), wording.energy)


def loss_energy_info(measured: Measured) -> CurveInfo | None:
    """Joules for each unit by which the loss fell."""
    joules = dict(zip((epoch.epoch for epoch in measured.epochs), per_decrease_j(measured.epochs), strict=True))
    title = _joules("Energy for each unit<br>of loss decrease", measured)
    return _curve(measured, lambda epoch: joules[epoch.epoch], title, lambda value: f"{wording.energy(value)} a unit")


def windows_info(measured: Measured) -> BarsInfo | None:
    """Joules of each named window."""
    known = [(window, window.energy_j) for window in measured.windows if window.energy_j is not None]
    if not known:
        return None
    hovers = [
        text(f"{window.name}: {wording.energy(energy_j)}, {wording.count(window.count, 'time')}")
        for window, energy_j in known
    ]
    joules: list[float | None] = [energy_j for _, energy_j in known]
    return BarsInfo(
        [text(short(window.name)) for window, _ in known],
        [("window", PALETTE[3], joules, hovers)],
        _joules("Energy", measured),
    )


def plot_bars(numbers: BarsInfo) -> Figure:
    """Draw bars, the first label on top."""
    figure = Figure()
    for name, colour, joules, hovers in numbers.series:
        figure.add_bar(
            x=joules,
            y=list(range(len(numbers.labels))),
            orientation="h",
            name=name,
            marker={"color": colour},
            text=None,
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=len(numbers.series) > 1,
        )
    styled(figure, numbers.title, "", energy="x", height=150 + 26 * len(numbers.labels))
    ticks = list(range(len(numbers.labels)))
    figure.update_yaxes(tickvals=ticks, ticktext=numbers.labels, autorange="reversed", showgrid=False)
    figure.update_layout(barmode="stack", bargap=0.25)
    return figure


def plot_curve(numbers: CurveInfo) -> Figure:
    """Draw a line over epochs."""
    figure = Figure()
    figure.add_scatter(
        x=numbers.epochs,
        y=numbers.values,
        mode="lines+markers",
        line={"color": ACCENT},
        customdata=numbers.hovers,
        hovertemplate="%{customdata}<extra></extra>",
    )
    styled(figure, "Epoch", numbers.title, energy="y" if numbers.is_energy else "", height=340)
    if len(numbers.epochs) <= 10:
        figure.update_xaxes(dtick=1)
    return figure


def _curve(
    measured: Measured,
    value: Callable[[EpochEnergy], float | None],
    title: str,
    words: Callable[[float], str],
    *,
    is_energy: bool = True,
) -> CurveInfo | None:
    known = [
        (epoch.epoch, item) for epoch in measured.epochs if (item := value(epoch)) is not None and math.isfinite(item)
    ]
    if not known:
        return None
    points = thin(known, MAX_EPOCHS)
    return CurveInfo(
        [epoch for epoch, _ in points],
        [item for _, item in points],
        [text(f"epoch {epoch}: {words(item)}") for epoch, item in points],
        title,
        is_energy,
    )


def _joules(what: str, measured: Measured) -> str:
    """Axis title of joules with their provenance."""
    return f"{what} ({wording.provenance(measured.domains.values())} J)"


def _drawn(info: Info | None, plot: Callable[[Info], Figure]) -> Figure | None:
    return None if info is None else plot(info)
