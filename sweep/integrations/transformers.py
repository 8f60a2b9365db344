"""``EnergyMonitor`` for the trainer of Hugging Face's transformers.

    callback = EnergyCallback()
    Trainer(model, ..., callbacks=[callback]).train()
    callback.energy.summary()

The window reaches from the start of the training to its end. What the trainer logs (loss, learning rate, evaluation)
becomes the monitor's curves, one point for each whole epoch that was begun.

Limits: the trainer tells its callbacks nothing of an exception; call ``close`` then, or begin another training with
the callback.
"""

from typing import Any

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ImportError as err:
    from sweep.errors import MonitorError

    raise MonitorError(
        f"transformers cannot be imported ({err})", 'run pip install "sweep-energy[transformers]"'
    ) from err

from sweep.integrations._held import HeldMonitor
from sweep.monitor import EnergyMonitor


class EnergyCallback(TrainerCallback):
    """Measures a training.

    Args:
        options: of ``EnergyMonitor``, e.g. ``meter="nvml"``.
    """

    def __init__(self, **options: Any) -> None:
        self._held = HeldMonitor("trainer.train", options)

    @property
    def energy(self) -> EnergyMonitor:
        """The monitor of the last training.

        Raises:
            MonitorError: before the first one.
        """
        return self._held.get()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Begin."""
        self._held.open(kwargs["model"])

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log what the trainer logs while it trains."""
        logs: dict[str, Any] = kwargs.get("logs") or {}
        numbers = {name: value for name, value in logs.items() if isinstance(value, int | float)}
        if "train_runtime" not in numbers and "epoch" in numbers:
            epoch = max(0, -int(-numbers.pop("epoch") // 1) - 1)  # a log at the end of epoch 1.0 is of epoch 0
            self.energy.log(epoch=epoch, **numbers)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """End."""
        self.close()

    def close(self) -> None:
        """End the window; safe to call twice."""
        self._held.close()
