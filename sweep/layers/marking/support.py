"""What can be measured layer by layer, and what is refused before anything is spent.

Refused, each with its mend:

    compiled models, methods    hooks set after compiling record nothing, silently; set before, they change its code
    TorchScript                 its modules call no hooks
    DataParallel                copies of the model run in threads
    sharded models (FSDP)       weights are gathered in other streams while layers compute
    several devices             no single stream passes all layers
    some torch                  whose autograd does not tell the order of its nodes

One layer, because nothing inside is called as a module: a program of ``torch.export``, and what a CUDA graph replays.

Limits: a *loop* that is compiled, e.g. ``torch.compile(train_step)``, cannot be seen from the model.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from sweep.errors import LayerError
from sweep.layers.marking.autograd import sequence_number


def check_model(model: nn.Module) -> None:
    """Refuse a model whose layers cannot be told apart.

    Raises:
        LayerError: with the reason and what to do instead.
    """
    sequence_number()
    for name, module in model.named_modules():
        if problem := _problem(module):
            where = f"{name} ({type(module).__name__})" if name else f"the model ({type(module).__name__})"
            raise LayerError(f"{where} {problem[0]}", problem[1])
    devices = sorted({str(parameter.device) for parameter in model.parameters()})
    if len(devices) > 1:
        raise LayerError(
            f"the model lies on {', '.join(devices)}, which work side by side, and marks are set on one",
            "put it on one device, or set layers.mode=off",
        )


def _problem(module: nn.Module) -> tuple[str, str] | None:
    """What stands against hooking a module, and the way out."""
    if is_compiled(module):
        return (
            "is compiled, and hooks record nothing inside compiled code",
            "measure the eager model, whose layers cost something else, or set layers.mode=off for totals",
        )
    if isinstance(module, torch.jit.ScriptModule):
        return (
            "is TorchScript, whose modules call no hooks",
            "measure the model it was made from, or set layers.mode=off",
        )
    if isinstance(module, nn.DataParallel):
        return (
            "runs copies of itself in threads, whose times overlap",
            "use DistributedDataParallel with one process a device, or set layers.mode=off",
        )
    if any(kind.__module__.startswith("torch.distributed.fsdp") for kind in type(module).__mro__):
        return (
            "is sharded: its weights travel while other layers compute, whose time would count as theirs",
            "measure the model on one device, or set layers.mode=off",
        )
    return None


def is_compiled(module: nn.Module) -> bool:
    """Whether ``torch.compile`` stands between a module, or one of its methods, and the modules that these call."""
    if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
        return True
    if any(_before_compiling(value) for kind in type(module).__mro__ for value in vars(kind).values()):
        return True
    return any(_reaches_modules(function) for function in map(_before_compiling, vars(module).values()) if function)


def _before_compiling(value: Any) -> Any:
    """The function that ``torch.compile`` was given, if a value is what it made of it."""
    if isinstance(value, nn.Module) or not callable(value) or hasattr(value, "_torchdynamo_disable"):
        return None
    return getattr(value, "_torchdynamo_orig_callable", None)


def _reaches_modules(function: Any) -> bool:
    """Whether a function has modules to call; one that has none does its layer's own work."""
    reached = [getattr(function, "__self__", None)]
    if inspect.isfunction(function):
        reached.extend(inspect.getclosurevars(function).nonlocals.values())
    return any(isinstance(item, nn.Module) for item in reached)


def hookable(model: nn.Module) -> Iterator[nn.Module]:
    """Modules whose hooks run as they are: those that compiled code does not contain."""
    pending, seen = [model], {model}
    while pending:
        module = pending.pop()
        if getattr(module, "_compiled_call_impl", None) is not None or isinstance(module, torch.jit.ScriptModule):
            continue
        yield module
        if not hasattr(module, "_orig_mod"):
            children = [child for child in module.children() if child not in seen]
            seen.update(children)
            pending += children[::-1]
