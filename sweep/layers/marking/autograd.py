"""What layers need to know of torch's autograd, private parts of it included, in one place.

Checked with torch 2.13. Where a torch does not have them, layers are refused (``support.check_model``), nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import get_unwrapped, is_functorch_wrapped_tensor
from torch.autograd.graph import Node

from sweep.errors import LayerError


def _unknown() -> int:
    raise LayerError(
        f"torch {torch.__version__} does not tell the order of autograd's nodes, which layers are told apart by",
        "set layers.mode=off, or use a torch that sweep was tested with (2.4 to 2.13)",
    )


sequence_number: Callable[[], int] = getattr(torch._C._autograd, "_get_sequence_nr", _unknown)  # noqa: SLF001
"""The number that autograd's next node gets. Private to torch: where it is missing, the call is a LayerError."""


def number_of(node: Node) -> int:
    """The number that autograd gave a node; nodes that accumulate gradients have 2**64 - 1."""
    number: int = node._sequence_nr()  # noqa: SLF001
    return number


def at_end_of_backward(call: Callable[[], None]) -> None:
    """Have autograd's engine call back when the backward pass that is under way has ended."""
    torch.autograd.Variable._execution_engine.queue_callback(call)  # noqa: SLF001


def backward_runs() -> bool:
    """Whether autograd's engine is at work in this thread."""
    return torch._C._current_graph_task_id() >= 0  # noqa: SLF001


def nodes_within_transforms(output: Any) -> Iterator[Node]:
    """Nodes of the tensors that ``torch.func``'s transforms have wrapped, on each of their levels."""
    for tensor in tensors_in(output):
        while is_functorch_wrapped_tensor(tensor):
            tensor = get_unwrapped(tensor)
            if tensor.grad_fn is not None:
                yield tensor.grad_fn


def tensors_in(output: Any) -> Iterator[Tensor]:
    """Tensors of an output: itself, or within sequences, mappings and dataclasses."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, list | tuple):
        for item in output:
            yield from tensors_in(item)
    elif isinstance(output, dict):
        for item in output.values():
            yield from tensors_in(item)
    elif is_dataclass(output) and not isinstance(output, type):
        for field in fields(output):
            yield from tensors_in(getattr(output, field.name, None))
