"""Tiny objectives that paradigms can take apart: an encoder, a decoder, classifiers, heads."""

from collections.abc import Mapping

import torch
from torch import nn

from sweep.objective import Data, EncoderObjective, Head, MultiTaskObjective, Split

FEATURES = 6


def _inputs(n: int) -> torch.Tensor:
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(0))


def _parts(inputs: torch.Tensor, targets: torch.Tensor) -> Data:
    third = len(inputs) // 3
    return Data(*(Split(inputs[i::3][:third], targets[i::3][:third]) for i in range(3)))


class Pairs(EncoderObjective):
    """The sign of a sum of four numbers."""

    def __init__(self, n: int = 240, width: int = FEATURES) -> None:
        self.n, self.width = n, width

    def data(self) -> Data:
        inputs = _inputs(self.n)
        return _parts(inputs, (inputs.sum(1) > 0).long())

    def encoder(self) -> nn.Module:
        return nn.Sequential(nn.Dropout(0.2), nn.Linear(4, self.width), nn.BatchNorm1d(self.width), nn.Tanh())

    def classifier(self) -> nn.Module:
        return nn.Linear(self.width, 2)

    def decoder(self) -> nn.Module:
        return nn.Linear(self.width, 4)


class TwoHeads(MultiTaskObjective):
    """The sign of a sum, and two signs at once."""

    def __init__(self, n: int = 240) -> None:
        self.n = n

    def data(self) -> Data:
        inputs = _inputs(self.n)
        signs = (inputs > 0).long()
        return _parts(inputs, torch.stack([(inputs.sum(1) > 0).long(), signs[:, 0], signs[:, 1]], dim=1))

    def encoder(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, FEATURES), nn.Tanh())

    def decoder(self) -> nn.Module:
        return nn.Linear(FEATURES, 4)

    def heads(self) -> Mapping[str, Head]:
        return {
            "total": Head((0,), lambda: nn.Linear(FEATURES, 2)),
            "signs": Head((1, 2), lambda: nn.Linear(FEATURES, 2), _sign_loss, SignMetric),
        }


def _sign_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return nn.functional.binary_cross_entropy_with_logits(output, target.float())


class SignMetric:
    """Share of signs that are right."""

    def __init__(self) -> None:
        self.right, self.seen = torch.zeros(()), 0

    def update(self, output: torch.Tensor, target: torch.Tensor) -> None:
        self.right = self.right + ((output > 0) == (target > 0)).sum()
        self.seen += target.numel()

    def compute(self) -> torch.Tensor:
        return self.right / max(self.seen, 1)
