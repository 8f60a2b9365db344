"""Energy of a training loop of your own, layer by layer.

    python examples/monitor.py [folder]

Everything between "your code" and "end of your code" is plain PyTorch and knows nothing of sweep. Without a sensor the
joules are modelled from CPU time; with one, say which: ``EnergyMonitor(model, meter="...")``.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from sweep import EnergyMonitor


# --- your code -----------------------------------------------------------------------------------------------------
def make_model() -> nn.Module:
    """A small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 3),
    )


def make_data() -> DataLoader[tuple[torch.Tensor, ...]]:
    """Random images, whose class is the strongest of their three colours."""
    classes = torch.arange(512) % 3
    images = torch.randn(512, 3, 20, 20) + 0.5 * nn.functional.one_hot(classes)[:, :, None, None]
    return DataLoader(TensorDataset(images, classes), batch_size=64, shuffle=True)


def train(model: nn.Module, data: DataLoader[tuple[torch.Tensor, ...]], optimizer: torch.optim.Optimizer) -> float:
    """One epoch; the mean loss."""
    model.train()
    total = 0.0
    for images, classes in data:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        total += loss.item() / len(data)
    return total


@torch.no_grad()
def accuracy(model: nn.Module, data: DataLoader[tuple[torch.Tensor, ...]]) -> float:
    """Share of images that are told right."""
    model.eval()
    right = [(model(images).argmax(dim=1) == classes).float().mean().item() for images, classes in data]
    return sum(right) / len(right)


# --- end of your code ----------------------------------------------------------------------------------------------
def main(folder: Path) -> EnergyMonitor:
    """Train with a monitor and write what it has measured."""
    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    with EnergyMonitor(model) as energy:
        with energy.window("make data"):  # optional: a name for a part
            data = make_data()
        for epoch in range(3):
            loss = train(model, data, optimizer)
            energy.log(epoch=epoch, loss=loss, accuracy=accuracy(model, data))  # optional: curves

    print(f"{energy.energy_j:.2f} J in {energy.duration_s:.2f} s")
    for name, domain in energy.by_domain.items():
        print(f"  {name}: {domain.energy_j:.2f} J, {domain.provenance}, scale +- {domain.u_scale_j:.2f} J")
    table = energy.summary()
    print(table[["layer", "type", "pass", "energy_j", "energy_u_random_j", "share"]].to_string(index=False))
    print(energy.epochs.to_string(index=False))
    print(energy.windows.to_string(index=False))
    for note in energy.notes:
        print(f"Note: {note}.")

    print("Wrote", energy.to_html(folder / "energy.html"), "and", energy.to_csv(folder / "energy.csv"))
    return energy


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
