"""The machine a trial runs on: choosing the device, and saying what it is."""

import importlib.metadata
import os
import platform

import torch

from sweep.config import TrainerConfig
from sweep.energy.host.process import usable_cores
from sweep.energy.host.processor import read_processor
from sweep.errors import ConfigError
from sweep.records import Machine

SOFTWARE = ("sweep-energy", "torch", "optuna", "numpy")


def choose(name: str) -> torch.device:
    """The device of ``trainer.device``.

    Raises:
        ConfigError: if torch cannot use it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as err:
        raise ConfigError(
            f"trainer.device={name} cannot be used ({str(err).splitlines()[0]})",
            "set trainer.device=auto or cpu",
        ) from err
    return device


def describe(config: TrainerConfig, device: torch.device) -> Machine:
    """What runs the training, for the record."""
    model = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()
    return Machine(
        host=platform.node(),
        system=platform.platform(terse=True),
        compute=str(device),
        model=model,
        cores=usable_cores(),
        threads=config.threads or usable_cores(),
        wait_policy=os.environ.get("OMP_WAIT_POLICY", "unset").lower(),
        software={"python": platform.python_version(), **_versions()},
    )


def cpu_model() -> str:
    """Model name of the processor, as the system tells it."""
    return read_processor().name or platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in SOFTWARE:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
