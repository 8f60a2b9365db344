"""Shapes and FLOPs of a loop's first step, counted afterwards from the calls that it made.

A loop may call submodules instead of the model, and may call several times in a step: each call is counted by itself,
and what a layer does in them is added up.
"""

from collections.abc import Iterable

import msgspec
from torch import nn

from sweep.errors import LayerError
from sweep.layers.calls import Call
from sweep.layers.workload import workload
from sweep.records import LayerShape


def count_shapes(model: nn.Module, calls: Iterable[Call]) -> tuple[list[LayerShape], list[str]]:
    """Shapes of all layers that were called, and why there are none."""
    names = {module: name for name, module in model.named_modules()}
    found: dict[str, LayerShape] = {}
    notes: dict[str, None] = {}
    for module, args, kwargs in calls:
        if module not in names:
            continue
        try:
            counted = workload(module, args, kwargs)
        except LayerError as err:
            return [], [f"FLOPs are not counted: {err.problem}"]
        notes.update(dict.fromkeys(counted.notes))
        for shape in counted.shapes:
            named = msgspec.structs.replace(shape, layer=_joined(names[module], shape.layer))
            found[named.layer] = _sum(found[named.layer], named) if named.layer in found else named
    return list(found.values()), list(notes)


def _joined(outer: str, inner: str) -> str:
    return ".".join(part for part in (outer, inner) if part)


def _sum(one: LayerShape, other: LayerShape) -> LayerShape:
    """What a layer does in two calls; its parameters are the same."""
    return msgspec.structs.replace(
        one,
        calls=one.calls + other.calls,
        macs=_plus(one.macs, other.macs),
        flops=_plus(one.flops, other.flops),
        flops_backward=_plus(one.flops_backward, other.flops_backward),
        bytes_in=one.bytes_in + other.bytes_in,
        bytes_out=one.bytes_out + other.bytes_out,
    )


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
