"""Layers whose removal or replacement is worth a trial: those that cost much, or much for the work they do.

    share     joules of a layer, forward and backward in all phases, over those of the training
    excess    joules of the layer - its FLOPs x (joules of all layers / FLOPs of all layers)

Told are the layer of largest excess, if that is at least ``LEAST_EXCESS`` of the training beyond its uncertainty, and
the dearest layer, if its share is at least ``LEAST_SHARE`` beyond it. The saving is a bound: all that the layer costs.

Limits: a hypothesis. What the layer does for the quality was not tried, and joules that a layer's neighbours would
take over are not foreseen. FLOPs of elementwise layers are often not counted; then all of such a layer is excess.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.advice.context import Context
from sweep.analysis.layers import LayerRow, SetupLayers
from sweep.analysis.recommendation import Kind, Recommendation, Saving
from sweep.analysis.sentences import not_measured

LEAST_SHARE = 0.2
LEAST_EXCESS = 0.05
HYPOTHESIS = "a hypothesis: what the layer does for the quality was not tried"


class _Layer(NamedTuple):
    """One layer, all passes and phases together."""

    path: str
    type: str
    energy_j: float
    u_j: float
    flops: float


def layer_advice(context: Context, layers: SetupLayers | None) -> Iterator[Recommendation]:
    """At most two pieces of advice; none where layers are not known, or there is one only."""
    if layers is None or not layers.breakdown.energy_j:
        return
    whole_j, found = layers.breakdown.energy_j, _layers(layers.breakdown.rows)
    if len(found) < 2:
        return
    rate = _joules_per_flop(found)
    odd = max(found, key=lambda layer: _excess_j(layer, rate))
    is_odd = _excess_j(odd, rate) - odd.u_j >= LEAST_EXCESS * whole_j
    if is_odd:
        yield _item(context, layers, odd, _odd(odd, found, whole_j))
    dear = max(found, key=lambda layer: layer.energy_j)
    if not (is_odd and dear is odd) and dear.energy_j - dear.u_j >= LEAST_SHARE * whole_j:
        yield _item(context, layers, dear, f"{_cost(dear, whole_j)}: making it smaller is worth a trial")


def _layers(rows: Sequence[LayerRow]) -> list[_Layer]:
    """Layers with known joules; passes have the same unknown power, so their uncertainties add."""
    groups: dict[str, list[LayerRow]] = {}
    for row in rows:
        if row.type and row.path:
            groups.setdefault(row.path, []).append(row)
    return [
        _Layer(
            path=path,
            type=group[0].type,
            energy_j=math.fsum(row.energy_j or 0.0 for row in group),
            u_j=math.fsum(row.energy_u_random_j or 0.0 for row in group),
            flops=math.fsum(row.flops or 0.0 for row in group),
        )
        for path, group in groups.items()
        if all(row.energy_j is not None for row in group)
    ]


def _joules_per_flop(layers: Sequence[_Layer]) -> float | None:
    """Of all layers together; ``None`` if no FLOPs were counted."""
    flops = math.fsum(layer.flops for layer in layers)
    return math.fsum(layer.energy_j for layer in layers) / flops if flops else None


def _excess_j(layer: _Layer, rate: float | None) -> float:
    return 0.0 if rate is None else layer.energy_j - layer.flops * rate


def _odd(layer: _Layer, layers: Sequence[_Layer], whole_j: float) -> str:
    flops = layer.flops / math.fsum(item.flops for item in layers)
    work = f"{wording.share(flops)} of the layers' FLOPs" if layer.flops else "no counted FLOPs"
    return f"{_cost(layer, whole_j)} for {work}: removing or replacing it is worth a trial"


def _cost(layer: _Layer, whole_j: float) -> str:
    share = wording.share(layer.energy_j / whole_j, layer.u_j / whole_j)
    return (
        f"Layer {layer.path} ({layer.type}) takes {share} of the joules of a training "
        f"({wording.energy(layer.energy_j)})"
    )


def _item(context: Context, layers: SetupLayers, layer: _Layer, action: str) -> Recommendation:
    whole_j = layers.breakdown.energy_j or layer.energy_j
    caveats = [HYPOTHESIS, *not_measured(context.data.study.domains)]
    if not layers.is_recommended:
        caveats.append("the layers are of another setup than the recommended one")
    if layers.disturbed:
        caveats.append(f"other programs disturbed trial {wording.numbers(layers.disturbed)}")
    return context.told(
        Kind.LAYER,
        action,
        layers.numbers,
        caveats=tuple(caveats),
        saving=Saving(layer.energy_j, layer.energy_j / whole_j, layer.u_j / whole_j, at_most=True),
    )
