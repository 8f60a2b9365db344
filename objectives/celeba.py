"""CelebA: attributes of faces and who they are, from the same images.

The multi-task study of "The Power of Training": two heads on one encoder, ``attributes`` (40 of them, several at once;
quality is the accuracy over images and attributes) and ``identity`` (the 40 people with most images). All three
trainings, each head alone and both, see the same images, those of these people. In the published split nobody stands in
two parts, so people are split here: of each, a share of the images validates and a share tests.

    uint8 (n, 3, size, size) -> Pixels -> ResNet18 -> (n, 512) -> linear -> 40 logits | linear -> logits of people

The encoder is a ResNet18 with timm's ImageNet weights, or one of the same shape with random weights where these cannot
be had; ``Data.description`` says which. Without CelebA (``objective.source=auto``) drawn faces stand in for it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from objectives import _celeba_files as files
from objectives import _celeba_synthetic as synthetic
from objectives._data_folder import data_folder
from objectives._image_arrays import Parts, check_shares, split_stratified
from objectives._image_model import ImageModel, make_decoder
from objectives._resnet import WIDTH, Pixels, ResNet18, imagenet_weights
from sweep.errors import ConfigError, DataError
from sweep.objective import Data, Head, MultiTaskObjective, Split

MEND = f"put {files.IMAGES} and the lists of mmlab.ie.cuhk.edu.hk/projects/CelebA.html into celeba in the data folder"

Source = Literal["auto", "local", "synthetic"]
Weights = Literal["auto", "imagenet", "random"]


class AttributeAccuracy:
    """Share of all attributes of all images that are told right. In [0, 1]."""

    def __init__(self) -> None:
        self._shares: list[Tensor] = []

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add a batch: logits and 0 or 1, both of shape ``(n, attributes)``."""
        self._shares.append(((output > 0) == (target > 0)).float().mean(dim=1))

    def compute(self) -> Tensor:
        """Accuracy over all batches so far."""
        return self.scores().mean() if self._shares else torch.zeros(())

    def scores(self) -> Tensor:
        """Share of its attributes that are told right, for each image."""
        return torch.cat(self._shares)


def attribute_loss(output: Tensor, target: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits over images and attributes."""
    return nn.functional.binary_cross_entropy_with_logits(output, target.to(output.dtype))


class _Loaded(NamedTuple):
    """Images and their labels: ``(n, 3, size, size)``, ``(n, attributes)`` and ``(n,)``."""

    images: NDArray[np.uint8]
    attributes: NDArray[np.int64]
    identity: NDArray[np.int64]
    partition: NDArray[np.int64] | None


class CelebA(MultiTaskObjective):
    """CelebA attributes and identities.

    Args:
        source: ``local`` for the data set, ``synthetic`` for drawn faces, ``auto`` for the data set if it is there.
        path: the folder with the data set; ``None`` for ``celeba`` in the data folder.
        size: height and width of the images in pixels.
        identities: how many people, those with most images; ``None`` for all.
        split: ``within`` people, or the ``official`` one, which leaves only the head ``attributes``.
        val_share: share of the images of each person to validate on; in (0, 1).
        test_share: share to test on; 0 for no test.
        split_seed: of the split, the same in all trials.
        weights: ``imagenet`` for timm's, ``random``, or ``auto`` for the first if they can be had.
        width: channels of the first stage; 64 is ResNet18, less costs less and has no ImageNet weights.
        synthetic_seed: seed of the drawn faces.

    Raises:
        ConfigError: for sizes, shares or combinations that cannot be.
    """

    def __init__(
        self,
        source: Source = "auto",
        path: str | None = None,
        size: int = 64,
        identities: int | None = 40,
        split: Literal["within", "official"] = "within",
        val_share: float = 0.15,
        test_share: float = 0.15,
        split_seed: int = 0,
        weights: Weights = "auto",
        width: int = WIDTH,
        synthetic_seed: int = 0,
    ) -> None:
        check_shares(val_share, test_share)
        _check(source, path, size, identities, weights, width)
        self._source, self._path, self._size = source, path, size
        self._identities, self._split = identities, split
        self._shares, self._split_seed = (val_share, test_share), split_seed
        self._weights, self._width, self._seed = weights, width, synthetic_seed
        self._n_classes: tuple[int, int] | None = None
        self._imagenet: tuple[dict[str, Tensor], str] | None = None
        self._why_random: str | None = None

    def data(self) -> Data:
        """Uint8 images of shape ``(n, 3, size, size)``; targets: the attributes, then the identity."""
        folder = self._folder()
        loaded = self._read(folder) if folder is not None else self._draw()
        self._load_weights()
        classes, identity = np.unique(loaded.identity, return_inverse=True)
        if len(classes) < 2:
            raise DataError("there are images of one person only", "set objective.identities to 2 or more")
        n_attributes = loaded.attributes.shape[1]
        self._n_classes = n_attributes, len(classes)
        parts = self._parts(loaded, identity)
        targets = np.column_stack([loaded.attributes, identity]).astype(np.int64)

        def part(index: NDArray[np.int64]) -> Split:
            return Split(torch.from_numpy(np.array(loaded.images[index])), torch.from_numpy(targets[index]))

        return Data(
            train=part(parts.train),
            val=part(parts.val),
            test=part(parts.test) if len(parts.test) else None,
            source="synthetic" if folder is None else "local",
            description=f"{'drawn faces' if folder is None else 'CelebA'}: {len(targets)} images of "
            f"{self._size} x {self._size}, {n_attributes} attributes, {len(classes)} people; encoder "
            f"ResNet18{'' if self._width == WIDTH else f' of width {self._width}'} with {self._origin()}",
            split=parts.how,
            notice=self._notice(folder),
            mend=MEND if folder is None else None,
        )

    def _folder(self) -> Path | None:
        """The folder of the data set; ``None`` for drawn faces.

        Raises:
            DataError: if local data are asked for and are not there.
        """
        if self._source == "synthetic":
            return None
        folder = Path(self._path).expanduser() if self._path is not None else data_folder() / "celeba"
        if files.find(folder, files.ATTRIBUTES) is not None:
            return folder
        if self._source == "local" or self._path is not None:
            raise DataError(f"{files.ATTRIBUTES} is not in {folder}, nor in its Anno", f"set objective.path, or {MEND}")
        return None

    def _read(self, folder: Path) -> _Loaded:
        faces = files.read_faces(folder, self._identities)
        images = files.load_images(folder, faces.files, self._size, data_folder() / "cache")
        return _Loaded(images, faces.attributes, faces.identity, faces.partition)

    def _draw(self) -> _Loaded:
        if self._split == "official" or self._identities is None:
            raise DataError(
                "drawn faces have no official split and no end of people",
                "set objective.split=within and a number of objective.identities, or give CelebA in objective.path",
            )
        return _Loaded(*synthetic.draw_faces(self._identities, self._size, self._seed), None)

    def _parts(self, loaded: _Loaded, identity: NDArray[np.int64]) -> Parts:
        if self._split == "within":
            return split_stratified(identity.reshape(-1), *self._shares, self._split_seed, "identity")
        if loaded.partition is None:
            raise DataError(
                f"objective.split=official needs {files.PARTITION}", "add it, or set objective.split=within"
            )
        train, val, test = (np.flatnonzero(loaded.partition == value) for value in (0, 1, 2))
        if not (len(train) and len(val)):
            raise DataError(
                f"the official split leaves {len(train)} images to train on and {len(val)} to validate on",
                "set objective.identities=null for all people, or objective.split=within",
            )
        how = f"as published, nobody in two parts: {len(train)} train, {len(val)} validation, {len(test)} test"
        return Parts(train, val, test, how)

    def _load_weights(self) -> None:
        """Get the ImageNet weights once, so that ``data`` can say which ones the encoder has."""
        if self._weights == "random" or self._width != WIDTH or self._imagenet or self._why_random:
            return
        try:
            self._imagenet = imagenet_weights()
        except ConfigError as err:
            if self._weights == "imagenet":
                raise
            self._why_random = err.problem

    def _origin(self) -> str:
        return "random weights" if self._imagenet is None else self._imagenet[1]

    def _notice(self, folder: Path | None) -> str | None:
        drawn = "The data are synthetic: drawn faces, they say nothing about people." if folder is None else None
        random = f"The encoder begins with random weights, not ImageNet's: {self._why_random}."
        return " ".join(filter(None, (drawn, random if self._why_random else None))) or None

    def heads(self) -> Mapping[str, Head]:
        """``attributes`` and, unless the split is the official one, ``identity``."""
        if self._n_classes is None:
            self.data()
        assert self._n_classes is not None
        n_attributes, n_people = self._n_classes
        features = 8 * self._width
        columns = tuple(range(n_attributes))
        attributes = Head(columns, partial(nn.Linear, features, n_attributes), attribute_loss, AttributeAccuracy)
        if self._split == "official":
            return {"attributes": attributes}
        return {"attributes": attributes, "identity": Head((n_attributes,), partial(nn.Linear, features, n_people))}

    def encoder(self) -> nn.Module:
        """Bytes to features."""
        self._load_weights()
        resnet = ResNet18(self._width)
        if self._imagenet is not None:
            resnet.load_state_dict(self._imagenet[0])
        return nn.Sequential(OrderedDict(pixels=Pixels(), resnet=resnet))

    def decoder(self) -> nn.Module:
        """Features to images on the scale of ``Pixels``."""
        shape = (3, self._size, self._size)
        return make_decoder(shape, ImageModel(width=self._width, blocks=4, latent=8 * self._width))

    def reconstruction_loss(self, output: Tensor, inputs: Tensor) -> Tensor:
        """Mean squared error on the scale of ``Pixels``."""
        return nn.functional.mse_loss(output, Pixels().to(output.device)(inputs))


def _check(source: Source, path: str | None, size: int, identities: int | None, weights: Weights, width: int) -> None:
    if source == "synthetic" and path is not None:
        raise ConfigError(f"objective.path={path} has no use with objective.source=synthetic", "drop one of the two")
    for name, value, least in (("size", size, 16), ("identities", identities, 2), ("width", width, 1)):
        if value is not None and value < least:
            raise ConfigError(f"objective.{name}={value} is below {least}", f"set {least} or more")
    if weights == "imagenet" and width != WIDTH:
        raise ConfigError(
            f"objective.width={width} has no ImageNet weights", f"set it to {WIDTH}, or objective.weights=random"
        )
