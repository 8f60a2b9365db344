"""Which layer is at work: hooks that mark, on one step, whenever the innermost layer changes.

Forward. Every module is hooked, not leaves only; the owner is the innermost one on a stack, so what a block does itself
(an addition, an attention product) is the block's:

    block      |==|                |==|        own operations, e.g. ``out += identity``
      conv        |=====|          |
      relu              |====|
      ...

Backward. Autograd numbers its nodes as it makes them. Hooks note the number at which each owner began, so every node
has an owner by its number; from each module's output the graph is walked once, and each node met gets a pre-hook that
marks its owner when the engine comes to it. Accumulating a gradient stays with the node before it. In-place operations,
several outputs, shared modules and modules called twice need nothing special, and nothing but times is touched:
gradients are bit-identical. Full backward hooks, in contrast, wrap tensors: they break in-place operations and lose the
first layer.

Under activation checkpointing a layer runs forward again within the backward pass; that time is the layer's backward.
Autograd numbers by thread, and a GPU's backward pass has a thread of its own: nodes made again there are known there.

Limits: a submodule whose ``forward`` is never called (the output projection of ``nn.MultiheadAttention``) is its
parent's. Nodes that no module's output leads to are charged to the owner before them: the loss's own between two calls
of the model, and those that differentiate a gradient once more (``create_graph``). What a model differentiates within
its forward pass is its own forward work. ``support.check_model`` says what cannot be hooked at all.
"""

from bisect import bisect_right
from collections.abc import Callable
from threading import get_ident
from typing import Any

from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node
from torch.compiler import is_compiling

from sweep.layers.marking.autograd import (
    at_end_of_backward,
    backward_runs,
    nodes_within_transforms,
    number_of,
    sequence_number,
    tensors_in,
)
from sweep.layers.marking.hook import OwnHook, put, remove
from sweep.layers.marking.owners import BACKWARD, LOSS, LOSS_BACKWARD, REST, Layers


class LayerHooks:
    """Marks the layers of a model while it is attached.

    Args:
        model: hooked with all its modules.
        layers: numbers the modules; shared between the steps of a run.
        mark: told the owner that begins.
        ended: called when a backward pass has ended.
    """

    def __init__(
        self, model: nn.Module, layers: Layers, mark: Callable[[int], None], ended: Callable[[], None] | None = None
    ) -> None:
        self._model = model
        self._layers = layers
        self._mark = mark
        self._ended = ended
        self._key: Any = f"sweep {id(self)}"  # in the tables of hooks, where torch's own keys are numbers
        self._hooked: list[nn.Module] = []
        self._stack: list[int] = []
        self._begun_at: list[int] = []  # autograd's number at which ...
        self._begun: list[int] = []  # ... this owner of a backward pass began
        self._seen: set[int] = set()  # numbers of nodes
        self._fed_from_outside: set[int] = set()
        self._of_thread: dict[int, tuple[list[int], list[int], set[int], set[int]]] = {}  # the four above
        self._results: list[Node] = []  # nodes of the modules' outputs
        self._before: dict[int, _Before] = {}
        self._after = _After(self)
        self._entering: dict[int, Callable[[Any], None]] = {}
        self._in_backward = False
        self._last_backward = LOSS_BACKWARD

    @property
    def attached(self) -> bool:
        """Whether hooks are set."""
        return bool(self._hooked)

    @property
    def in_backward(self) -> bool:
        """Whether a backward pass is under way; one that failed is not, although it never ended."""
        return self._in_backward and backward_runs()

    def attach(self) -> None:
        """Set the hooks."""
        for module, owner in self._layers.add(self._model):
            before = self._before.get(owner)
            if before is None:
                before = self._before[owner] = _Before(self, owner)
            put(module, self._key, before, self._after)
            self._hooked.append(module)

    def detach(self) -> None:
        """Remove every hook; those on the nodes of a graph that is still alive do nothing from now on."""
        for module in self._hooked:
            remove(module, self._key)
        self._hooked.clear()
        self.forget()

    def forget(self) -> None:
        """Be ready for the next step; nodes of this one do nothing from now on unless hooks stay attached."""
        for remembered in (self._stack, self._results, self._of_thread):
            remembered.clear()
        self._in_backward = False
        self._last_backward = LOSS_BACKWARD

    def enter(self, owner: int) -> None:
        """A module's forward begins; to be told where ``attach`` came within its call, too late for its own hook."""
        if not self._stack:
            self._begin_call()
        self._stack.append(owner)
        self._begun_at.append(sequence_number())
        self._begun.append(owner + 1)
        self._mark(owner + self._in_backward)

    def leave(self, output: Any) -> None:
        """The innermost module's forward has ended."""
        stack = self._stack
        if not stack:  # attached within the call that ends here
            return
        stack.pop()
        if type(output) is Tensor:
            if output.grad_fn is not None:
                self._results.append(output.grad_fn)
        else:
            self._results += [tensor.grad_fn for tensor in tensors_in(output) if tensor.grad_fn is not None]
        self._begun_at.append(sequence_number())
        if stack:
            self._begun.append(stack[-1] + 1)
            self._mark(stack[-1] + self._in_backward)
        else:
            self._begun.append(LOSS_BACKWARD)
            self._results += nodes_within_transforms(output)
            self._claim()
            self._mark(self._last_backward if self._in_backward else LOSS)

    def _begin_call(self) -> None:
        """The whole model is called: by some thread, in a backward pass (checkpointing) or after one that failed."""
        known = self._of_thread.get(get_ident())
        if known is None or sequence_number() < known[0][-1]:  # a thread may bear the name of one that has ended
            known = self._of_thread[get_ident()] = ([], [], set(), set())
        self._begun_at, self._begun, self._seen, self._fed_from_outside = known
        if not backward_runs():
            self._in_backward = False
            self._last_backward = LOSS_BACKWARD
        elif not self._in_backward:
            self._begin_backward()

    def _claim(self) -> None:
        """Put pre-hooks on the nodes that lead to an output of a module and were made since the step began.

        Once for a whole pass, since owners follow from numbers alone. The engine runs nodes by falling numbers, so of
        the nodes of one stretch of an owner only those need a hook that are fed from outside of it, or by a node
        written in Python, whose backward may run other layers (reentrant checkpointing).
        """
        begun_at, seen, hooked = self._begun_at, self._seen, self._fed_from_outside
        pending = [(node, -1) for node in self._results]
        self._results.clear()
        while pending:
            node, outside = pending.pop()
            number = number_of(node)
            if not begun_at[0] <= number < begun_at[-1]:
                continue
            stretch = bisect_right(begun_at, number) - 1
            if stretch != outside and number not in hooked:
                hooked.add(number)
                owner = self._begun[stretch]
                node.register_prehook(self._entering.get(owner) or self._entered(owner))
            if number not in seen:
                seen.add(number)
                origin = -1 if issubclass(type(node), BackwardCFunction) else stretch
                pending += [(fed, origin) for fed, _ in node.next_functions if fed is not None]

    def _entered(self, owner: int) -> Callable[[Any], None]:
        """The pre-hook of the nodes that belong to an owner."""

        def enter(_gradients: Any) -> None:
            if not self._hooked:
                return
            if not self._in_backward:
                self._begin_backward()
            elif owner == self._last_backward:
                return
            self._last_backward = owner
            self._mark(owner)

        self._entering[owner] = enter
        return enter

    def _begin_backward(self) -> None:
        self._in_backward = True
        at_end_of_backward(self._end_backward)

    def _end_backward(self) -> None:
        self._in_backward = False
        self._last_backward = LOSS_BACKWARD
        if self._stack:
            self._mark(self._stack[-1])
        elif self._hooked:
            self._mark(REST)
            if self._ended is not None:
                self._ended()


class _Before(OwnHook):
    """Forward pre-hook of one module."""

    __slots__ = ("_hooks", "_owner")

    def __init__(self, hooks: LayerHooks, owner: int) -> None:
        self._hooks = hooks
        self._owner = owner

    def __call__(self, _module: nn.Module, _args: Any) -> None:
        if not is_compiling():  # while a function that calls the model is compiled, nothing runs
            self._hooks.enter(self._owner)


class _After(OwnHook):
    """Forward hook of all modules."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: LayerHooks) -> None:
        self._hooks = hooks

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> None:
        if not is_compiling():
            self._hooks.leave(output)


class PassHooks:
    """Marks a whole backward pass on steps without layer marks: one pre-hook on the nodes of the model's outputs.

    Args:
        mark: told the owner that begins.
        ended: called when the engine has finished.
    """

    def __init__(self, mark: Callable[[int], None], ended: Callable[[], None]) -> None:
        self._mark = mark
        self._ended = ended
        self._in_backward = False

    @property
    def in_backward(self) -> bool:
        """Whether a backward pass is under way; one that failed is not, although it never ended."""
        return self._in_backward and backward_runs()

    def watch(self, output: Any) -> None:
        """Mark the backward pass of an output when it comes."""
        self._in_backward = self.in_backward
        for tensor in tensors_in(output):
            if tensor.grad_fn is not None:
                tensor.grad_fn.register_prehook(self._enter)

    def _enter(self, _gradients: Any) -> None:
        if not self._in_backward:
            self._in_backward = True
            at_end_of_backward(self._end)
            self._mark(BACKWARD)

    def _end(self) -> None:
        self._in_backward = False
        self._mark(REST)
        self._ended()
