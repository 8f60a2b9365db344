"""A monitor that somebody else's callbacks open and close."""

from typing import Any

from torch import nn

from sweep.errors import MonitorError
from sweep.monitor import EnergyMonitor


class HeldMonitor:
    """The monitor of the last training, if there was one.

    Args:
        begun_by: the call that begins a training, for the error.
        options: of ``EnergyMonitor``.
    """

    def __init__(self, begun_by: str, options: dict[str, Any]) -> None:
        self._begun_by = begun_by
        self._options = options
        self._monitor: EnergyMonitor | None = None

    def open(self, model: nn.Module) -> None:
        """Measure from now on, with a new monitor."""
        self.close()
        self._monitor = EnergyMonitor(model, **self._options)
        self._monitor.__enter__()

    def close(self) -> None:
        """End the window; what was measured stays."""
        if self._monitor is not None:
            self._monitor.__exit__(None, None, None)

    def get(self) -> EnergyMonitor:
        """The monitor.

        Raises:
            MonitorError: before the first training.
        """
        if self._monitor is None:
            raise MonitorError("no training was measured yet", f"call {self._begun_by} with this callback first")
        return self._monitor
