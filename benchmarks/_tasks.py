"""The same small task for several benchmarks: a three-block CNN on windows of random signals."""

import torch
from torch import nn

from sweep.config import TrainerConfig
from sweep.energy.recorder import Recorder
from sweep.objective import Accuracy, Split
from sweep.training.feed import place
from sweep.training.trainer import PhaseResult, Task, train

CPU = torch.device("cpu")
CLASSES = 12


def make_split(n: int, seed: int = 0) -> Split:
    """Windows as in DSADS: 27 channels, 125 samples, 12 classes; noise, since only the cost matters."""
    generator = torch.Generator().manual_seed(seed)
    return Split(torch.randn(n, 27, 125, generator=generator), torch.randint(CLASSES, (n,), generator=generator))


def make_model(seed: int = 0) -> nn.Module:
    """Three convolutional blocks and a linear classifier."""
    torch.manual_seed(seed)
    blocks: list[nn.Module] = []
    for inputs, outputs in ((27, 32), (32, 64), (64, 64)):
        blocks += [nn.Conv1d(inputs, outputs, 5, padding=2), nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(3)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, CLASSES))


class NoKeeper:
    """Keeps no weights, so that only the loop is compared."""

    def save(self, epoch: int, model: nn.Module) -> None:
        """Nothing."""

    def restore(self, epoch: int, model: nn.Module) -> None:
        """Nothing."""


def our_training(recorder: Recorder, train_split: Split, val_split: Split, batch_size: int, epochs: int) -> None:
    """The project's loop."""
    config = TrainerConfig(batch_size=batch_size, max_epochs=epochs, patience=epochs)
    task = Task(make_model(), place(train_split, CPU), place(val_split, CPU), nn.functional.cross_entropy, Accuracy)
    result = PhaseResult("supervised", batch_size)
    train(task, config, result, recorder=recorder, keeper=NoKeeper(), seed=0, on_epoch=lambda _: None)


def plain_training(train_split: Split, val_split: Split, batch_size: int, epochs: int) -> None:
    """What one writes by hand: TensorDataset, DataLoader, an item() for the loss of every step."""
    from torch.utils.data import DataLoader, TensorDataset

    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(*train_split), batch_size=batch_size, shuffle=True)
    val_loader = DataLoader(TensorDataset(*val_split), batch_size=1024)
    for _ in range(epochs):
        model.train()
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        model.eval()
        right = 0
        with torch.no_grad():
            for inputs, targets in val_loader:
                right += int((model(inputs).argmax(1) == targets).sum())
