"""Models for tests of layers: the four kinds that every table must cope with, and small ones for single traits."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut, with everything in place that can be (He et al. 2016, torchvision's layout)."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        identity = inputs if self.downsample is None else self.downsample(inputs)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(inputs)))))
        out += identity
        return self.relu(out)


class ResNet18(nn.Module):
    """11,689,512 parameters at width 64 and 1,000 classes."""

    def __init__(self, classes: int = 1000, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.Sequential(
            *(nn.Sequential(BasicBlock(a, b, 1 if a == b else 2), BasicBlock(b, b)) for a, b in pairwise(widths))
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        out = self.maxpool(self.relu(self.bn1(self.conv1(inputs))))
        return self.fc(torch.flatten(self.avgpool(self.layers(out)), 1))


class Encoder(nn.Module):
    """A transformer encoder of two layers that classifies token sequences; dropout on."""

    def __init__(self, vocabulary: int = 50, width: int = 16, heads: int = 2, classes: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


class LstmClassifier(nn.Module):
    """An LSTM, whose output is a nested tuple, and a head."""

    def __init__(self, channels: int = 6, width: int = 12, classes: int = 3) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, width, num_layers=2, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(inputs)
        return self.head(hidden[-1])


class UNet(nn.Module):
    """Two levels with skips by concatenation."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down1, self.down2 = _convs(1, width), _convs(width, 2 * width)
        self.bottom = _convs(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.join2, self.join1 = _convs(4 * width, 2 * width), _convs(2 * width, width)
        self.head = nn.Conv2d(width, 2, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, inputs: Tensor) -> Tensor:
        first = self.down1(inputs)
        second = self.down2(self.pool(first))
        out = self.up2(self.bottom(self.pool(second)))
        out = self.join2(torch.cat([out, second], 1))
        out = self.join1(torch.cat([self.up1(out), first], 1))
        return self.head(out)


def _convs(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


class Example(NamedTuple):
    """A model and a batch for it."""

    model: nn.Module
    args: tuple[Any, ...]


EXAMPLES: dict[str, Callable[[], Example]] = {
    "resnet18": lambda: Example(ResNet18(10, 8), (torch.randn(2, 3, 32, 32),)),
    "transformer": lambda: Example(Encoder(), (torch.randint(50, (3, 7)),)),
    "lstm": lambda: Example(LstmClassifier(), (torch.randn(4, 5, 6),)),
    "unet": lambda: Example(UNet(), (torch.randn(2, 1, 16, 16),)),
}
"""The kinds of models that every table must cope with, small."""


class Twice(nn.Module):
    """Calls one module twice."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(self.inner(inputs))


class Residual(nn.Module):
    """Adds what goes into a module to what comes out."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs) + inputs


class Checkpointed(nn.Module):
    """Forgets the activations of a module and computes them again in the backward pass."""

    def __init__(self, inner: nn.Module, *, reentrant: bool) -> None:
        super().__init__()
        self.inner = inner
        self.reentrant = reentrant

    def forward(self, inputs: Tensor) -> Tensor:
        out = checkpoint(self.inner, inputs, use_reentrant=self.reentrant)
        assert isinstance(out, Tensor)
        return out


@dataclass
class Scores:
    """An output that is no tensor."""

    logits: Tensor
    hidden: dict[str, Tensor]


class WithDataclass(nn.Module):
    """Its inner module gives a dataclass with tensors in it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = _ToScores(width)

    def forward(self, inputs: Tensor) -> Tensor:
        scores = self.inner(inputs)
        return scores.logits + scores.hidden["last"]


class _ToScores(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Scores:
        hidden = self.linear(inputs)
        return Scores(hidden.exp(), {"last": hidden})
