"""A small convolutional encoder for images, its mirrored decoder, and a linear classifier.

    (n, c, h, w) -> [conv 3x3 - max pool 2 - batch norm - ReLU] x blocks -> flatten -> linear -> ReLU -> (n, latent)
    (n, latent)  -> dropout -> linear -> (n, classes)
    (n, latent)  -> linear -> ReLU -> [upsample - conv 3x3 - batch norm - ReLU] x (blocks - 1)
                 -> upsample - conv 3x3 -> (n, c, h, w)

The first block has ``width`` channels, the others twice as many. Pooling comes before normalisation and ReLU: the
maximum commutes with increasing functions, and what follows has a quarter of the values to touch. Features are
flattened, not averaged, because where something is matters (which way a face looks, say).
"""

import itertools
from dataclasses import dataclass

from torch import nn

from sweep.errors import ConfigError, DataError


@dataclass(frozen=True)
class ImageModel:
    """Size of the network.

    Attributes:
        width: channels of the first block; the others have twice as many.
        blocks: number of blocks; each halves height and width.
        latent: number of features that the encoder gives.
        dropout: share of features that is dropped in training, before a classifier.
    """

    width: int = 16
    blocks: int = 3
    latent: int = 128
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: if one is out of range.
        """
        for name in ("width", "blocks", "latent"):
            if getattr(self, name) < 1:
                raise ConfigError(f"objective.model.{name}={getattr(self, name)} is below 1", "set it to 1 or more")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"objective.model.dropout={self.dropout} is not in [0, 1)", "set 0.1, say")


def make_encoder(shape: tuple[int, int, int], size: ImageModel) -> nn.Sequential:
    """Images of ``shape`` (channels, height, width) to ``(n, latent)``.

    Raises:
        DataError: if they are too small for the poolings.
    """
    widths, sizes = _plan(shape, size)
    blocks = [
        nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU()
        )
        for before, after in itertools.pairwise(widths)
    ]
    height, width = sizes[-1]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(widths[-1] * height * width, size.latent), nn.ReLU())


def make_decoder(shape: tuple[int, int, int], size: ImageModel) -> nn.Sequential:
    """``(n, latent)`` to images of ``shape``; the last layer is linear, as standardised images have any sign."""
    widths, sizes = _plan(shape, size)
    height, width = sizes[-1]
    grow: list[nn.Module] = [
        nn.Linear(size.latent, widths[-1] * height * width),
        nn.ReLU(),
        nn.Unflatten(1, (widths[-1], height, width)),
    ]
    steps = list(zip(itertools.pairwise(reversed(widths)), reversed(sizes[:-1]), strict=True))
    for (before, after), to in steps[:-1]:
        grow += [nn.Upsample(to), nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    (before, after), to = steps[-1]
    return nn.Sequential(*grow, nn.Upsample(to), nn.Conv2d(before, after, 3, padding=1))


def make_classifier(features: int, classes: int, dropout: float) -> nn.Sequential:
    """``(n, features)`` to logits ``(n, classes)``."""
    return nn.Sequential(nn.Dropout(dropout), nn.Linear(features, classes))


def _plan(shape: tuple[int, int, int], size: ImageModel) -> tuple[list[int], list[tuple[int, int]]]:
    """Channels, and height and width, before the first block and after each."""
    channels, height, width = shape
    sizes = [(height >> step, width >> step) for step in range(size.blocks + 1)]
    if 0 in sizes[-1]:
        raise DataError(
            f"images of {height} x {width} are too small for {size.blocks} halvings",
            "set objective.model.blocks to less, or give larger images",
        )
    return [channels, size.width, *[2 * size.width] * (size.blocks - 1)], sizes
