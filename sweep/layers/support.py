"""What can be measured layer by layer, and what is refused before anything is spent.

Refused, each with its mend: compiled models (hooks set after compiling record nothing, silently), TorchScript (its
modules do not call hooks), ``DataParallel`` (copies of the model run in threads), and a torch whose autograd does not
tell the order of its nodes.
"""

import torch
from torch import nn

from sweep.errors import LayerError
from sweep.layers.spans import sequence_number


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
    return None


def is_compiled(module: nn.Module) -> bool:
    """Whether ``torch.compile`` stands between a module and its calls."""
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None
