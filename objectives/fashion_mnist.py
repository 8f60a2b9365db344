"""Fashion-MNIST: ten classes of clothing in grey images of 28 x 28.

The study of GATorch ("GATorch: An Energy-Aware PyTorch Extension", 2023, section 4) trains the network of PyTorch's
Fashion-MNIST tutorial on it: pixels from 0 to 1, batches of 64, SGD at 0.001 without momentum, 100 epochs.

    mlp:  (n, 1, 28, 28) -> flatten -> linear 512 -> ReLU -> linear 512 -> ReLU -> linear 10
    cnn:  objectives._image_model

Its script has one more ReLU behind the last layer, which lets whole classes die; it is left out here. The paper has no
validation split, this task holds a share of the training images out, stratified; the test images are the published
ones. Without ``objective.path`` the files are looked for where ``python -m sweep fetch fashion_mnist`` puts them
(``fashion_mnist`` in ``$SWEEP_DATA``, or in ``data``), then where Debian's package does.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from objectives._data_folder import data_folder
from objectives._image_arrays import split_stratified, standardise
from objectives._image_fashion import CLASSES, fetch_fashion, find_fashion, read_fashion
from objectives._image_model import ImageModel, make_classifier, make_decoder, make_encoder
from sweep.errors import ConfigError
from sweep.objective import Data, EncoderObjective, Split

HIDDEN = 512


class FashionMnist(EncoderObjective):
    """Fashion-MNIST classification.

    Args:
        path: a folder with the four IDX files, or an npz file with ``x_train, y_train, x_test, y_test``; ``None`` for
            the usual places.
        network: ``mlp`` for GATorch's, ``cnn`` for a small convolutional one.
        val_share: share of the training images to validate on; in (0, 1).
        split_seed: of the choice of these, the same in all trials.
        model: size of the ``cnn``; the ``mlp`` has no options.

    Raises:
        ConfigError: if the share is out of range.
    """

    def __init__(
        self,
        path: str | None = None,
        network: Literal["mlp", "cnn"] = "mlp",
        val_share: float = 0.1,
        split_seed: int = 0,
        model: ImageModel | None = None,
    ) -> None:
        if not 0 < val_share < 1:
            raise ConfigError(f"objective.val_share={val_share} is not in (0, 1)", "set 0.1, say")
        self._path, self._network = path, network
        self._val_share, self._split_seed = val_share, split_seed
        self._size = model if model is not None else ImageModel()
        self._shape: tuple[int, int, int] | None = None

    def data(self) -> Data:
        """Pixels from 0 to 1, shape ``(n, 1, height, width)``."""
        path = Path(self._path).expanduser() if self._path is not None else None
        fashion = read_fashion(find_fashion(path, _home()))
        labels = fashion.train_labels.astype(np.int64)
        parts = split_stratified(labels, self._val_share, 0.0, self._split_seed, "the training images")
        n, height, width = fashion.train_images.shape
        n_test = len(fashion.test_labels)
        self._shape = (1, height, width)
        return Data(
            train=_split(fashion.train_images[parts.train], labels[parts.train]),
            val=_split(fashion.train_images[parts.val], labels[parts.val]),
            test=_split(fashion.test_images, fashion.test_labels.astype(np.int64)),
            description=f"Fashion-MNIST: {n} training and {n_test} test images of {height} x {width}, "
            f"{len(CLASSES)} classes",
            split=f"{len(parts.val)} of the {n} training images validate, drawn within each class "
            f"(seed {self._split_seed}); the {n_test} test images as published",
        )

    def encoder(self) -> nn.Module:
        """Images to features: 512 of the ``mlp``, ``latent`` of the ``cnn``."""
        shape = self._loaded()
        if self._network == "cnn":
            return make_encoder(shape, self._size)
        pixels = math.prod(shape)
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU())

    def classifier(self) -> nn.Module:
        """Features to logits of the ten classes."""
        if self._network == "cnn":
            return make_classifier(self._size.latent, len(CLASSES), self._size.dropout)
        return nn.Linear(HIDDEN, len(CLASSES))

    def decoder(self) -> nn.Module:
        """Features to images: the mirror image of the encoder."""
        shape = self._loaded()
        if self._network == "cnn":
            return make_decoder(shape, self._size)
        return nn.Sequential(
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, math.prod(shape)), nn.Unflatten(1, shape)
        )

    def _loaded(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        if self._shape is None:
            self.data()
        assert self._shape is not None
        return self._shape

    @classmethod
    def fetch(cls, folder: Path | None, progress: Callable[[int, int | None], None]) -> Path:
        """Download the four files, 31 MB; ``progress`` is not called if they are there already."""
        return fetch_fashion(folder if folder is not None else _home(), progress)


def _home() -> Path:
    return data_folder() / "fashion_mnist"


def _split(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Split:
    scaled = standardise(images[..., None], np.zeros(1), np.full(1, 255.0))
    return Split(scaled, torch.from_numpy(labels))
