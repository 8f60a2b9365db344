"""Modules that move a clock by a known amount, so that seconds of layers are known exactly."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

import torch
from clocks import FakeTime
from torch import Tensor, nn

from sweep.layers.marking.owners import FIRST_LAYER, PASSES, REST, ROWS, Layers
from sweep.layers.marking.spans import LayerHooks

Seconds = dict[tuple[str, str], float]

clock = FakeTime()


class _Worked(torch.autograd.Function):
    """Multiplies by a weight and takes its time."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, forward_s: float, backward_s: float) -> Tensor:  # type: ignore[override]
        clock.now_s += forward_s
        ctx.save_for_backward(inputs, weight)
        ctx.backward_s = backward_s
        return inputs * weight

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        clock.now_s += ctx.backward_s
        inputs, weight = ctx.saved_tensors
        return gradient * weight, (gradient * inputs).sum(), None, None


def work(inputs: Tensor, forward_s: float, backward_s: float) -> Tensor:
    """An operation that takes a known time in both passes."""
    return _Worked.apply(inputs, torch.ones(()), forward_s, backward_s)


class Work(nn.Module):
    """A layer that takes a known time in both passes."""

    def __init__(self, forward_s: float, backward_s: float, *, trainable: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0), requires_grad=trainable)
        self.forward_s, self.backward_s = forward_s, backward_s

    def forward(self, inputs: Tensor) -> Tensor:
        return _Worked.apply(inputs, self.weight, self.forward_s, self.backward_s)


class Calls(nn.Module):
    """Calls a function with itself; its parts are what it is given."""

    def __init__(self, function: Callable[["Calls", Tensor], Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, inputs: Tensor) -> Any:
        return self.function(self, inputs)


class Watched:
    """A model with hooks attached, within ``with``; afterwards the seconds of its owners."""

    def __init__(self, model: nn.Module, clock: Callable[[], float] = clock) -> None:
        self.clock = clock
        self.layers = Layers()
        self.marks: list[tuple[float, int]] = []
        self.hooks = LayerHooks(model, self.layers, self.mark)

    def mark(self, owner: int) -> None:
        self.marks.append((self.clock(), owner))

    def __enter__(self) -> Self:
        self.mark(REST)
        self.hooks.attach()
        return self

    def __exit__(self, *_: object) -> None:
        self.hooks.detach()
        self.mark(REST)

    @property
    def seconds(self) -> Seconds:
        """By layer and pass; owners without time are there too if they were marked."""
        sums: Seconds = defaultdict(float)
        for (begin_s, owner), (end_s, _) in zip(self.marks, self.marks[1:], strict=False):
            sums[self._name(owner)] += end_s - begin_s
        return dict(sums)

    def _name(self, owner: int) -> tuple[str, str]:
        if owner >= FIRST_LAYER:
            index, direction = divmod(owner - FIRST_LAYER, 2)
            return self.layers.met[index].name, str(PASSES[direction])
        return (str(ROWS[owner]), "") if owner < len(ROWS) else ("loss", "backward")


def spent(model: nn.Module, step: Callable[[], Any]) -> Seconds:
    """Seconds above zero of each owner in a step."""
    with Watched(model) as watched:
        step()
    return {owner: seconds for owner, seconds in watched.seconds.items() if seconds}


def batch(*, requires_grad: bool = False) -> Tensor:
    return torch.ones(3, requires_grad=requires_grad)


def one_step(model: nn.Module) -> Callable[[], None]:
    return lambda: model(batch()).sum().backward()


def hooks_of(model: nn.Module) -> list[list[Any]]:
    """Every hook of every module, in order."""
    return [
        list(table.items())
        for module in model.modules()
        for name, table in sorted(vars(module).items())
        if "_hooks" in name and isinstance(table, dict)
    ]
