"""Owners of time: small integers, so that a mark is two numbers.

0..5    rows of their own: data, preprocess, loss, optimizer, validation, rest
6, 7    a whole forward or backward pass of a step on which layers were not marked
8       the loss within the backward pass of a step on which they were
9..     layers, two numbers each: forward, backward
"""

from typing import NamedTuple

from torch import nn

from sweep.records import Pass, Row

ROWS = tuple(Row)
DATA, PREPROCESS, LOSS, OPTIMIZER, VALIDATION, REST = range(len(ROWS))
FORWARD, BACKWARD, LOSS_BACKWARD = range(len(ROWS), len(ROWS) + 3)
FIRST_LAYER = len(ROWS) + 3
PASSES = (Pass.FORWARD, Pass.BACKWARD)


class Layer(NamedTuple):
    """A module under the name by which it was first met."""

    name: str
    type: str


class Layers:
    """The layers of a model, numbered in the order in which they were met.

    A module that is reachable by several names is one layer, under the first of them.
    """

    def __init__(self) -> None:
        self.met: list[Layer] = []
        self._index: dict[nn.Module, int] = {}
        self._found: list[tuple[nn.Module, int]] = []
        self._children: list[nn.Module | None] = []

    def add(self, model: nn.Module) -> list[tuple[nn.Module, int]]:
        """All modules of a model with the owner of their forward pass; that of the backward pass is one more."""
        children = _children(self._found)
        if not self._found or self._found[0][0] is not model or children != self._children:
            self._found = [(module, self._owner(module, name)) for name, module in model.named_modules()]
            self._children = _children(self._found)
        return self._found

    def owner(self, module: nn.Module) -> int:
        """Owner of the forward pass of a module that was met."""
        return FIRST_LAYER + 2 * self._index[module]

    def _owner(self, module: nn.Module, name: str) -> int:
        index = self._index.get(module)
        if index is None:
            index = self._index[module] = len(self.met)
            self.met.append(Layer(name, type(module).__name__))
        return FIRST_LAYER + 2 * index

    def __len__(self) -> int:
        """Number of owners so far, those that are no layers included."""
        return FIRST_LAYER + 2 * len(self.met)


def _children(found: list[tuple[nn.Module, int]]) -> list[nn.Module | None]:
    """All submodules, quickly: a model whose list has not changed need not be walked again."""
    return [child for module, _ in found for child in module._modules.values()]  # noqa: SLF001
