"""First calls of each entry of a watched loop, kept as shapes, so that FLOPs can be counted when it is over."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import nn

from sweep.layers.workload import fake_like

MOST_CALLS = 32


class Call(NamedTuple):
    """A call of an entry: tensors on the device ``meta``, which have a shape and no data."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class FirstCalls:
    """Calls of each entry in the first step that calls it: ``MOST_CALLS`` in all, but one of each.

    Attributes:
        made: how often each entry was called, in all steps.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._first_step: dict[nn.Module, int] = {}
        self.made: Counter[nn.Module] = Counter()

    def keep(self, module: nn.Module, args: Any, kwargs: Any, step: int) -> None:
        """Count a call, and remember its shapes if it is one of the first."""
        self.made[module] += 1
        if self._first_step.setdefault(module, step) == step and (
            self.made[module] == 1 or len(self._calls) < MOST_CALLS
        ):
            with torch.no_grad(), suppress(Exception):  # shapes are an extra; arguments may be anything
                self._calls.append(Call(module, *fake_like((args, kwargs))))

    def clear(self) -> None:
        """Forget them: other calls have become the first ones."""
        self._calls.clear()
        self._first_step.clear()
        self.made.clear()

    def __iter__(self) -> Iterator[Call]:
        """The calls in their order."""
        return iter(self._calls)
