"""What each layer computes in one training step: parameters, MACs, FLOPs, bytes and shapes, counted on fake tensors.

A copy of the model whose tensors have shapes but no data runs forward and backward once. Nothing is computed, nothing
of the model's size is stored, and the model itself is not touched, wherever it lives. ``LayerHooks`` own the operations
as they own the time of a real step (``spans``), so both describe the same layers:

    one operation, one owner;   sum over owners = the step

What an operation counts is said in ``operations``.

Limits: the copy is on the CPU, so kernels are the CPU's, and casts by a GPU's autocast are not seen. It runs in the
mode that the model is in. Hooks of others are left out; those of ``torch.nn.utils``, which make weights, are kept.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_map_only

from sweep.errors import LayerError
from sweep.layers.marking.autograd import tensors_in
from sweep.layers.marking.owners import FIRST_LAYER, Layers
from sweep.layers.marking.spans import LayerHooks
from sweep.layers.operations import Operations
from sweep.records import LayerShape


class Workload(NamedTuple):
    """What the layers of a model do in one training step.

    Attributes:
        shapes: of each layer that runs or has parameters, in the order of ``named_modules``.
        notes: what could not be counted, as sentences.
    """

    shapes: list[LayerShape]
    notes: list[str]


def layer_shapes(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    loss: Callable[[Any], Tensor] | None = None,
) -> list[LayerShape]:
    """``workload`` without its notes."""
    return workload(model, args, kwargs, loss).shapes


def workload(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None = None,
    loss: Callable[[Any], Tensor] | None = None,
) -> Workload:
    """Count one training step.

    Args:
        model: not changed, not run, and not moved.
        args: of its forward pass; tensors on any device, those of ``fake_like`` too.
        kwargs: likewise.
        loss: a scalar from the model's output; the sum of all its floating-point tensors if not given.

    Returns:
        Work of each layer. MACs and FLOPs are ``None`` where an operation cannot be counted, and a note names it.

    Raises:
        LayerError: if the step cannot run without data, e.g. because a value decides what is computed.
    """
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        if is_lazy(tensor):
            raise LayerError(f"{name} has no shape before the first batch", "run the model once, then count its layers")
    try:
        return _count(model, args, kwargs or {}, loss or _sum)
    except Exception as err:  # a model runs here without data, so anything may fail in it
        if isinstance(err, LayerError):
            raise
        reason = str(err).strip().partition("\n")[0] or type(err).__name__
        raise LayerError(
            f"the work of {type(model).__name__} cannot be counted without data ({type(err).__name__}: {reason})",
            "read its layers without FLOPs, joules need none, or make its shapes independent of values",
        ) from err


def fake_like(tree: Any) -> Any:
    """A nest of tensors without their data: on ``meta``, with shapes, strides, types and ``requires_grad``."""
    return tree_map_only(Tensor, partial(_hollow, device="meta"), tree)


def _hollow(tensor: Tensor, device: str) -> Tensor:
    """A leaf like a tensor, without data."""
    leaf = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=device)
    return leaf.requires_grad_(tensor.requires_grad)


def _sum(output: Any) -> Tensor:
    """The sum of all floating-point tensors of an output."""
    return sum((tensor.sum() for tensor in tensors_in(output) if tensor.is_floating_point()), torch.zeros(()))


def _count(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], loss: Callable[[Any], Tensor]
) -> Workload:
    """Run the step on fake tensors, with everything undone afterwards."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        fakes = _Fakes()
        args, kwargs = tree_map_only(Tensor, fakes.of, (args, dict(kwargs)))
        hollow, layers = fakes.copy(model), Layers()
        stack.enter_context(fakes.mode)
        operations = stack.enter_context(Operations(fakes.within_step))
        calls = {owner: _Calls(module, owner, operations) for module, owner in layers.add(hollow)}
        hooks = LayerHooks(hollow, layers, operations.credit)
        hooks.attach()
        value = loss(hollow(*args, **kwargs))
        if value.requires_grad:
            value.backward()  # type: ignore[no-untyped-call]
    return Workload(_shapes(layers, calls, operations), _notes(operations))


class _Fakes:
    """Fake twins of tensors, on the CPU; one for each, so that shared weights stay shared."""

    def __init__(self) -> None:
        self.mode = FakeTensorMode()
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}  # holds the originals too: ids are used again

    def of(self, tensor: Tensor) -> Tensor:
        """The twin of a tensor; of a twin, itself."""
        if isinstance(tensor, FakeTensor):
            return tensor
        if id(tensor) not in self._twins:
            with self.mode:
                twin = _hollow(tensor, "cpu")
                if isinstance(tensor, nn.Parameter):
                    twin = nn.Parameter(twin.detach(), tensor.requires_grad)
            self._twins[id(tensor)] = tensor, twin
        return self._twins[id(tensor)][1]

    def within_step(self, tensor: Tensor) -> Tensor:
        """The twin of a tensor that the step meets.

        Raises:
            LayerError: if it is nobody's and would get a gradient.
        """
        if tensor.requires_grad and not isinstance(tensor, FakeTensor):
            raise LayerError(
                f"a tensor of shape {list(tensor.shape)} needs gradients, but is neither in the model nor an input",
                "register it in the model, or detach it",
            )
        return self.of(tensor)

    def copy(self, model: nn.Module) -> nn.Module:
        """A copy of a model with twins for all tensors that its modules hold, and without hooks of others."""
        memo: dict[int, Any] = {}
        for module in model.modules():
            memo |= {id(tensor): self.of(tensor) for tensor in tensors_in(vars(module))}
            for name, hooks in vars(module).items():
                if name.endswith("_hooks") and isinstance(hooks, dict):
                    memo[id(hooks)] = type(hooks)(
                        (key, hook) for key, hook in hooks.items() if type(hook).__module__.startswith("torch.nn.utils")
                    )
        return copy.deepcopy(model, memo)


class _Calls:
    """What goes in and out of a module of the copy.

    Args:
        module: to be watched from before ``LayerHooks`` are attached: it still is at work then when its call ends.
        owner: of its forward pass.
        operations: tell who is at work.
    """

    def __init__(self, module: nn.Module, owner: int, operations: Operations) -> None:
        self.module = module
        self.count = self.bytes_in = self.bytes_out = 0
        self.inputs: list[list[int]] = []
        self.outputs: list[list[int]] = []
        self._owner = owner
        self._operations = operations
        module.register_forward_hook(self._ended, with_kwargs=True)

    def _ended(self, _module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """Note a call, unless it repeats an earlier one within the backward pass (checkpointing)."""
        if self._operations.owner != self._owner:
            return
        went_in, came_out = list(tensors_in((args, kwargs))), list(tensors_in(output))
        if not self.count:
            self.inputs, self.outputs = ([list(tensor.shape) for tensor in side] for side in (went_in, came_out))
        self.count += 1
        self.bytes_in += _bytes(went_in)
        self.bytes_out += _bytes(came_out)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _notes(operations: Operations) -> list[str]:
    """What could not be counted in layers."""
    names = sorted({name for owner, ops in operations.uncounted.items() if owner >= FIRST_LAYER for name in ops})
    return [f"no FLOPs for layers that use {', '.join(names)}, which cannot be counted"] if names else []


def _shapes(layers: Layers, calls: Mapping[int, _Calls], operations: Operations) -> list[LayerShape]:
    """Everything that is known of each layer; containers that neither run nor hold weights are left out."""
    counted: set[Tensor] = set()
    shapes = []
    for (owner, seen), layer in zip(calls.items(), layers.met, strict=True):
        own = list(seen.module.parameters(recurse=False))
        if not (own or seen.count):
            continue
        forward, backward = (part not in operations.uncounted for part in (owner, owner + 1))
        shapes.append(
            LayerShape(
                layer=layer.name,
                type=layer.type,
                parameters=sum(weight.numel() for weight in own if weight not in counted),
                calls=seen.count,
                macs=operations.macs[owner] if forward else None,
                flops=operations.flops[owner] if forward else None,
                flops_backward=operations.flops[owner + 1] if backward else None,
                bytes_in=seen.bytes_in,
                bytes_out=seen.bytes_out,
                bytes_weights=_bytes(chain(own, seen.module.buffers(recurse=False))),
                inputs=seen.inputs,
                outputs=seen.outputs,
            )
        )
        counted.update(own)
    return shapes
