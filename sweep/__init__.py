"""sweep: hyperparameter sweeps for PyTorch for model quality and training energy together.

Importing this package is light: it loads neither torch nor hydra nor optuna; ``EnergyMonitor`` is loaded when it is
asked for. Nothing inside the package imports this module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep.monitor import EnergyMonitor

__all__ = ["EnergyMonitor", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the monitor, and torch with it, at its first use.

    Raises:
        AttributeError: for any other name.
    """
    if name == "EnergyMonitor":
        return import_module("sweep.monitor").EnergyMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "EnergyMonitor"])
