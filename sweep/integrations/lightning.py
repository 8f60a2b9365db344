"""``EnergyMonitor`` for Lightning's trainer.

    callback = EnergyCallback()
    Trainer(callbacks=[callback]).fit(module, data)
    callback.energy.summary()

The window reaches from the start of the fit, after the model was moved to its device, to its end; each epoch's logged
metrics become the monitor's curves. Lightning calls the optimizer with a closure that trains, and validates before
the first epoch: both are seen as what they are.

Limits: one process; a fit that is distributed has a callback, and so a window, in each of its processes.
"""

from typing import Any

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as err:
    from sweep.errors import MonitorError

    raise MonitorError(f"lightning cannot be imported ({err})", 'run pip install "sweep-energy[lightning]"') from err

from sweep.integrations._held import HeldMonitor
from sweep.monitor import EnergyMonitor

LOSSES = ("train_loss", "train_loss_epoch", "loss", "train/loss")
"""Names under which modules log their training loss; the first that is there becomes ``loss``."""


class EnergyCallback(Callback):
    """Measures a fit.

    Args:
        options: of ``EnergyMonitor``, e.g. ``meter="nvml"``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._held = HeldMonitor("trainer.fit", options)

    @property
    def energy(self) -> EnergyMonitor:
        """The monitor of the last fit.

        Raises:
            MonitorError: before the first one.
        """
        return self._held.get()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self._held.open(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log what the module has logged."""
        logged = {
            name.replace("/", "_"): value for name, value in trainer.callback_metrics.items() if value.numel() == 1
        }
        loss = next((trainer.callback_metrics[name] for name in LOSSES if name in trainer.callback_metrics), None)
        self.energy.log(epoch=trainer.current_epoch, **({"loss": loss} if loss is not None else {}) | logged)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End."""
        self._held.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End; what was measured stays."""
        self._held.close()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """End, whatever happened."""
        self._held.close()
