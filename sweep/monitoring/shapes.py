"""Shapes and FLOPs of a loop's mean step, counted afterwards from the first calls that it made.

A loop may call submodules instead of the model, several times in a step, or in some steps only: each kept call is
counted by itself, and stands for as many calls of the same entry as were made.

    FLOPs of a layer in a step = sum over kept calls of its FLOPs x calls made / calls kept / steps

Limits: a model that takes another path, or batches of another size, later on is counted as in its first calls.
"""

from collections import Counter
from collections.abc import Container

import msgspec
from torch import nn

from sweep.errors import LayerError
from sweep.layers.loops.calls import FirstCalls
from sweep.layers.workload import workload
from sweep.records import LayerShape

MOST_NAMED = 3


def count_shapes(
    model: nn.Module, calls: FirstCalls, steps: int, ran: Container[str]
) -> tuple[list[LayerShape], list[str]]:
    """Shapes of all layers that were called, and what is missing.

    Args:
        model: which calls are of.
        calls: of its entries.
        steps: in which they were made.
        ran: layers that have joules.
    """
    names = {module: name for name, module in model.named_modules()}
    kept = Counter(call.module for call in calls)
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
        each = calls.made[module] / kept[module] / steps
        for shape in counted.shapes:
            named = msgspec.structs.replace(_times(shape, each), layer=_joined(names[module], shape.layer))
            found[named.layer] = _sum(found[named.layer], named) if named.layer in found else named
    unseen = [name for name in names.values() if name in ran and not (name in found and found[name].calls)]
    for name in found.keys() & unseen:
        found[name] = msgspec.structs.replace(found[name], macs=None, flops=None, flops_backward=None)
    if unseen:
        notes[f"no FLOPs for {listed(unseen)}: not seen in the first calls"] = None
    return list(found.values()), list(notes)


def listed(names: list[str]) -> str:
    """The first few names."""
    more = len(names) - MOST_NAMED
    return ", ".join(name or "(model)" for name in names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _joined(outer: str, inner: str) -> str:
    return ".".join(part for part in (outer, inner) if part)


def _times(shape: LayerShape, factor: float) -> LayerShape:
    """What a layer does in so many calls like this one; its parameters are the same."""
    if factor == 1.0:
        return shape
    return msgspec.structs.replace(
        shape,
        calls=max(1, round(shape.calls * factor)) if shape.calls else 0,
        macs=_scaled(shape.macs, factor),
        flops=_scaled(shape.flops, factor),
        flops_backward=_scaled(shape.flops_backward, factor),
        bytes_in=round(shape.bytes_in * factor),
        bytes_out=round(shape.bytes_out * factor),
    )


def _scaled(count: int | None, factor: float) -> int | None:
    return None if count is None else round(count * factor)


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
