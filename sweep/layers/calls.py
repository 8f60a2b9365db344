"""Calls that a watched loop makes in its first step, kept as shapes, so that FLOPs can be counted when it is over."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import nn

from sweep.layers.workload import fake_like

MOST_CALLS = 32


class Call(NamedTuple):
    """A call of an entry in the first step: tensors on the device ``meta``, which have a shape and no data."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class FirstCalls:
    """At most ``MOST_CALLS`` calls of the first step."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def keep(self, module: nn.Module, args: Any, kwargs: Any, step: int) -> None:
        """Remember the shapes of a call, if it is of step 1."""
        if step == 1 and len(self._calls) < MOST_CALLS:
            with torch.no_grad(), suppress(Exception):  # shapes are an extra; arguments may be anything
                self._calls.append(Call(module, *fake_like((args, kwargs))))

    def clear(self) -> None:
        """Forget them: other calls have become the first ones."""
        self._calls.clear()

    def __iter__(self) -> Iterator[Call]:
        """The calls in their order."""
        return iter(self._calls)
