"""The callback in a fit of the real library."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning", reason="lightning is not installed (pip install sweep-energy[lightning])")

from lightning.pytorch import LightningModule, Trainer

from sweep.errors import MonitorError
from sweep.integrations.lightning import EnergyCallback

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own


class Net(LightningModule):
    """Calls its submodule, not itself, as most modules do."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
        self.fail_at: int | None = None

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        if index == self.fail_at:
            raise RuntimeError("out of memory, say")
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        self.log("val/loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(module: Net, callback: EnergyCallback, folder: Path) -> None:
    data = torch.utils.data.TensorDataset(torch.randn(64, 8), torch.randint(0, 2, (64,)))
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    trainer = Trainer(
        max_epochs=3,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback],
        default_root_dir=folder,
    )
    trainer.fit(module, loader, loader)


def test_a_fit_has_a_table_and_curves(tmp_path: Path) -> None:
    module, callback = Net(), EnergyCallback(every=2)
    fit(module, callback, tmp_path)
    energy = callback.energy
    frame = energy.summary()
    assert frame["energy_j"].sum() == pytest.approx(energy.energy_j, rel=1e-9)
    assert energy.measured().table.steps == 12
    assert {"net.0", "net.2"} <= set(frame.loc[frame["pass"] == "backward", "layer"])
    assert {"data", "loss", "optimizer", "validation"} <= set(frame["layer"])
    assert set(frame.loc[frame["flops_per_j"] > 0, "layer"]) >= {"net.0", "net.2"}
    assert energy.epochs["epoch"].tolist() == [0, 1, 2]
    assert {"loss", "train_loss", "val_loss"} <= set(energy.epochs.columns)
    assert all(not m._forward_hooks for m in module.modules())


def test_a_fit_that_fails_is_measured_so_far(tmp_path: Path) -> None:
    module, callback = Net(), EnergyCallback()
    module.fail_at = 2
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(module, callback, tmp_path)
    assert callback.energy.measured().table.steps == 2
    assert all(not m._forward_hooks for m in module.modules())


def test_before_a_fit_there_is_nothing() -> None:
    with pytest.raises(MonitorError, match="no training"):
        EnergyCallback().energy  # noqa: B018
