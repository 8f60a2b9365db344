"""Several labels of the same images, from a user's own file: multi-task learning against single tasks.

``objective.path=FILE.npz`` holds ``images (n, h, w)`` or ``(n, h, w, c)``, numbers, and one array ``(n,)`` of integers
or strings for each label. A head is a label: its name is the array's. What is read, how it is split and scaled:
``objectives._image_arrays``; the network: ``objectives._image_model``.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from torch import nn

from objectives._image_arrays import (
    ImageArrays,
    check_shares,
    read_images,
    split_stratified,
    to_data,
)
from objectives._image_model import ImageModel, make_classifier, make_decoder, make_encoder
from sweep.errors import ConfigError, DataError
from sweep.objective import Data, Head, MultiTaskObjective


class MultilabelImages(MultiTaskObjective):
    """Images with several labels from an npz file.

    Args:
        path: the file.
        heads: which labels to learn; ``None`` for every array of one value an image, as long as values repeat.
        stratify: the label whose classes all parts have in equal shares; ``None`` for the one with most classes.
        val_share: share of the images to validate on; in (0, 1).
        test_share: share to test on; 0 for no test.
        split_seed: seed of the split, the same in all trials.
        model: size of the network.

    Raises:
        ConfigError: if a share is out of range, heads is empty or names one twice, or stratify is not among heads.
    """

    def __init__(
        self,
        path: str | None = None,
        heads: list[str] | None = None,
        stratify: str | None = None,
        val_share: float = 0.2,
        test_share: float = 0.2,
        split_seed: int = 0,
        model: ImageModel | None = None,
    ) -> None:
        check_shares(val_share, test_share)
        if heads is not None and (not heads or len(set(heads)) < len(heads)):
            raise ConfigError(f"objective.heads={heads} names none, or one twice", "name each label once")
        if heads is not None and stratify is not None and stratify not in heads:
            raise ConfigError(
                f"objective.stratify={stratify} is not one of objective.heads={heads}", "set it to one of these"
            )
        self._path, self._names, self._stratify = path, heads, stratify
        self._shares, self._split_seed = (val_share, test_share), split_seed
        self._size = model if model is not None else ImageModel()
        self._shape: tuple[int, int, int] | None = None
        self._n_classes: dict[str, int] = {}

    def data(self) -> Data:
        """Standardised images of shape ``(n, c, h, w)``; targets have a column for each head."""
        if self._path is None:
            raise DataError("objective.path is not set", "set it to an npz file with images and labels")
        arrays = read_images(Path(self._path).expanduser(), self._names)
        within = self._stratified(arrays)
        data = to_data(arrays, split_stratified(arrays.labels[within], *self._shares, self._split_seed, within))
        _, height, width, channels = arrays.images.shape
        self._shape = (channels, height, width)
        self._n_classes = {key: len(classes) for key, classes in arrays.classes.items()}
        return data

    def _stratified(self, arrays: ImageArrays) -> str:
        if self._stratify is None:
            return max(arrays.classes, key=lambda key: len(arrays.classes[key]))
        if self._stratify not in arrays.labels:
            raise DataError(
                f"objective.stratify={self._stratify} is not a label of {arrays.name}",
                f"set it to one of {', '.join(arrays.labels)}",
            )
        return self._stratify

    def heads(self) -> Mapping[str, Head]:
        """A classifier, its cross-entropy and its accuracy for each label."""
        self._loaded()
        return {
            key: Head((column,), partial(make_classifier, self._size.latent, classes, self._size.dropout))
            for column, (key, classes) in enumerate(self._n_classes.items())
        }

    def encoder(self) -> nn.Module:
        """Images to ``(n, latent)``."""
        return make_encoder(self._loaded(), self._size)

    def decoder(self) -> nn.Module:
        """``(n, latent)`` to standardised images."""
        return make_decoder(self._loaded(), self._size)

    def _loaded(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        if self._shape is None:
            self.data()
        assert self._shape is not None
        return self._shape
