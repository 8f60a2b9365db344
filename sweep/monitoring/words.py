"""What a reader of a monitor's results must know, in words."""

import platform
from collections.abc import Sequence

import torch
from torch import nn

from sweep.layers.loops.log import LoopLog
from sweep.layers.loops.watch import LoopWatch
from sweep.layers.marking.support import hookable
from sweep.monitoring.shapes import listed
from sweep.records import IdlePower
from sweep.training.device import cpu_model


def machine_words(device: torch.device) -> str:
    """On what it ran."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()
    return f"{name}, torch {torch.__version__}, Python {platform.python_version()}"


def notes_of(watch: LoopWatch, log: LoopLog, model: nn.Module, failures: int, *, per_layer: bool) -> list[str]:
    """What could not be seen, and what readings failed."""
    notes = []
    if model not in hookable(model):
        notes.append(
            "the model is compiled in place, or TorchScript: its calls are not seen, their time is in the rest"
        )
    elif not watch.steps:
        notes.append("the model was not called, or only within compiled code, so nothing is known of its layers")
    elif not watch.trained:
        notes.append("the model was not trained in this window: steps are its calls, and there is no backward pass")
    names = {module: name for name, module in model.named_modules()}
    parts = [names[module] for module in watch.calls.made if names.get(module)]
    if watch.trained and parts:
        notes.append(f"the loop calls parts of the model ({listed(parts)}): its work between them is in the loss")
    if not per_layer:
        notes.append('layers="off": the model is shown as one layer')
    if hasattr(model, "_orig_mod"):
        notes.append("the model is compiled, so its rows are those of compiled code")
    if watch.other_threads:
        notes.append(
            "the model was also called from other threads; that time is in the rows of what the loop did meanwhile"
        )
    if log.device_note:
        notes.append(log.device_note)
    if failures:
        notes.append(f"{failures} readings of the meter failed")
    return notes


def idle_notes(found: Sequence[IdlePower]) -> list[str]:
    """Idle powers that could not be taken."""
    return [f"the idle power of {idle.domain} is not known: {idle.reason}" for idle in found if not idle.quiet]
