"""A convolutional encoder and a linear classifier for windows of sensor signals.

    (n, channels, time) -> channel dropout -> [conv - max pool - batch norm - ReLU] x blocks -> mean over time
                        -> (n, latent) -> dropout -> linear -> (n, classes)

In the spirit of the encoder and classifier of "The Power of Training" (three convolutional blocks), with
one-dimensional convolutions. Pooling comes before normalisation and ReLU: the maximum commutes with increasing
functions, and what follows has only a ``pool``-th of the values to touch, which saves about 30 % of the CPU time.
Convolutions have no bias, since batch normalisation takes it out again.
"""

import itertools
from dataclasses import dataclass

from torch import Tensor, nn

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


class WindowNet(nn.Module):
    """The encoder with its classifier.

    Attributes:
        encoder: ``(n, channels, time)`` to latent features ``(n, latent)``.
        classifier: latent features to logits ``(n, classes)``.
        latent: number of latent features.

    Raises:
        DataError: if the windows are too short for the poolings.
    """

    def __init__(self, channels: int, time: int, classes: int, size: WindowModel) -> None:
        super().__init__()
        if time < size.pool**size.blocks:
            raise DataError(
                f"windows of {time} samples are too short for {size.blocks} poolings by {size.pool}",
                "set objective.model.blocks or objective.model.pool to less, or give longer windows",
            )
        self.latent = size.width if size.blocks == 1 else 2 * size.width
        widths = [channels, size.width, *[self.latent] * (size.blocks - 1)]
        blocks = [_block(before, after, size) for before, after in itertools.pairwise(widths)]
        self.encoder = nn.Sequential(nn.Dropout1d(size.channel_dropout), *blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.classifier = nn.Sequential(nn.Dropout(size.dropout), nn.Linear(self.latent, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape ``(n, classes)`` for windows of shape ``(n, channels, time)``."""
        logits: Tensor = self.classifier(self.encoder(x))
        return logits


def _block(before: int, after: int, size: WindowModel) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(before, after, size.kernel, padding=size.kernel // 2, bias=False),
        nn.MaxPool1d(size.pool),
        nn.BatchNorm1d(after),
        nn.ReLU(),
    )
