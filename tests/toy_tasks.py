"""Tiny training tasks for tests of the study: milliseconds an epoch, and failures on demand."""

import os
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from sweep.objective import Data, Objective, Split


class Blobs(Objective):
    """Two Gaussian blobs. ``quality`` rises with training; a learning rate of 1e9 makes the loss non-finite."""

    def __init__(self, n: int = 200, width: int = 8, epoch_s: float = 0.0) -> None:
        self.n, self.width, self.epoch_s = n, width, epoch_s

    def data(self) -> Data:
        generator = torch.Generator().manual_seed(0)
        targets = torch.arange(self.n) % 2
        inputs = torch.randn(self.n, 2, generator=generator) + 1.5 * targets.unsqueeze(1)
        third = self.n // 3
        parts = [Split(inputs[i::3][:third], targets[i::3][:third]) for i in range(3)]
        return Data(parts[0], parts[1], parts[2], description="two blobs")

    def model(self) -> nn.Module:
        return nn.Sequential(Slow(self.epoch_s), nn.Linear(2, self.width), nn.ReLU(), nn.Linear(self.width, 2))


class Slow(nn.Module):
    """Sleeps in every training pass."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and self.seconds:
            time.sleep(self.seconds)
        return inputs


class Diverging(Blobs):
    """Loss becomes infinite at a large learning rate, as it would with exploding weights."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        loss = super().loss(output, target)
        return loss * torch.inf if loss > 50 else loss


class CrashesOnce(Blobs):
    """Raises in the third model it builds (one is looked at, one warms up), as long as the marker file is absent."""

    def __init__(self, marker: str, n: int = 60) -> None:
        super().__init__(n)
        self.marker, self.built = Path(marker), 0

    def model(self) -> nn.Module:
        self.built += 1
        if self.built == 3 and not self.marker.exists():
            self.marker.touch()
            raise RuntimeError("out of memory, say")
        return super().model()


class AlwaysCrashes(Blobs):
    """Never builds a model."""

    def model(self) -> nn.Module:
        raise RuntimeError("no model today")


class KillsItself(Blobs):
    """Sends the whole process a signal, SIGKILL unless told otherwise, in a given loss that it computes, once."""

    def __init__(self, marker: str, step: int = 10, n: int = 60, number: int = 9) -> None:
        super().__init__(n)
        self.marker, self.step, self.number, self.seen = Path(marker), step, number, 0

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        self.seen += 1
        if self.seen == self.step and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), self.number)
        return super().loss(output, target)
