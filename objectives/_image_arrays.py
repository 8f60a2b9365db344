"""Images with one or several labels each: read from npz, checked, split, standardised.

    npz -> ImageArrays -> Parts (indices) -> Data (tensors)

Channels are standardised with the mean and the deviation of the training images, computed in float64,
z = (x - mean_train) / std_train. The split is random and stratified: of every class of one chosen label the same
share goes to each part. Images that are near copies of each other (frames of a film, say) then stand in several
parts, and the result flatters. Everything lives in memory, four bytes a value.
"""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.errors import ConfigError, DataError
from sweep.objective import Data, Split

SAVE = "save it with numpy.savez(file, images=..., <label>=...)"


class ImageArrays(NamedTuple):
    """Checked images of one data set.

    Attributes:
        images: integers from 0 to 255 or finite floats, shape ``(n, h, w, c)``.
        labels: class indices 0..k-1 by name of the label, int64, each of shape ``(n,)``.
        classes: the classes behind the indices, by name of the label, each of shape ``(k,)``.
        name: what the data are called in sentences.
    """

    images: NDArray[np.generic]
    labels: dict[str, NDArray[np.int64]]
    classes: dict[str, NDArray[np.generic]]
    name: str


class Parts(NamedTuple):
    """Indices of the images of each part, and how they were chosen, as a sentence."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]
    how: str


def read_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of an npz file by name.

    Raises:
        DataError: if the file, or an array in it, cannot be read.
    """
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:  # NumPy reads other files as well
            return {key: _member(arrays, key, path) for key in arrays.files}
    except FileNotFoundError as err:
        raise DataError(f"{path} does not exist", "set objective.path to an npz file") from err
    except PermissionError as err:
        raise DataError(f"{path} may not be read (permission denied)", "make it readable for you") from err
    except IsADirectoryError as err:
        raise DataError(f"{path} is a folder", "set objective.path to an npz file in it") from err
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as err:
        raise DataError(
            f"{path} is not a readable npz file ({err})", "save it with numpy.savez, or copy it again"
        ) from err


def _member(arrays: "np.lib.npyio.NpzFile", key: str, path: Path) -> NDArray[np.generic]:
    try:
        return np.asarray(arrays[key])
    except ValueError as err:  # what NumPy raises for object arrays and for damaged headers
        raise DataError(
            f"array {key} of {path} cannot be read ({err})", "save plain numbers or strings, not objects"
        ) from err


def read_images(path: Path, heads: Sequence[str] | None) -> ImageArrays:
    """Read ``images (n, h, w[, c])`` and the labels.

    Args:
        path: an npz file.
        heads: names of the label arrays; ``None`` for every other array of shape ``(n,)`` that repeats itself, so
            that names of files and other serial numbers are left out.

    Raises:
        DataError: if the file cannot be read, or its arrays do not fit each other.
    """
    arrays = read_arrays(path)
    if "images" not in arrays:
        raise DataError(f"{path} has no array images (it has {', '.join(sorted(arrays)) or 'none'})", SAVE)
    images = check_images(arrays.pop("images"), str(path))
    if heads is None:
        heads = [key for key, column in arrays.items() if _is_label(column, len(images))]
    unknown = [key for key in heads if key not in arrays]
    if unknown or not heads:
        has = ", ".join(sorted(arrays)) or "none"
        missing = f"no array {' and '.join(unknown)}" if unknown else f"no label for its {len(images)} images"
        raise DataError(f"{path} has {missing} (beside images it has {has})", "set objective.heads to some of these")
    return encode_labels(images, {key: arrays[key] for key in heads}, str(path))


def _is_label(column: NDArray[np.generic], n: int) -> bool:
    return column.shape == (n,) and column.dtype.kind in "iuUb" and len(np.unique(column)) < n


def check_images(images: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Images of shape ``(n, h, w, c)``; a missing axis of channels is added.

    Raises:
        DataError: if the shape, the type or a value cannot be.
    """
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise DataError(
            f"images of {name} has shape {images.shape}, it needs (images, height, width) or "
            "(images, height, width, channels), none empty",
            "reshape it",
        )
    if images.dtype.kind not in "fiu":
        raise DataError(f"images of {name} has type {images.dtype}, it needs real numbers", "convert it to uint8")
    if images.dtype.kind == "f" and not (finite := np.isfinite(images)).all():
        first = int(np.argwhere(~finite)[0][0])
        raise DataError(
            f"images of {name} has {int((~finite).sum())} values that are NaN or infinite (first in image {first})",
            "drop these images",
        )
    return images if images.ndim == 4 else images[..., None]


def encode_labels(images: NDArray[np.generic], columns: Mapping[str, NDArray[np.generic]], name: str) -> ImageArrays:
    """Map each label to 0..k-1.

    Raises:
        DataError: if a label cannot name a head, is of another length, of no use as a class, or has one class only.
    """
    labels, classes = {}, {}
    for key, column in columns.items():
        if not key or "." in key:
            raise DataError(
                f"label {key!r} of {name} cannot name a head, as it is empty or has a dot",
                "rename the array, or set objective.heads to others",
            )
        if column.shape != (len(images),):
            raise DataError(
                f"{key} of {name} has shape {column.shape}, there are {len(images)} images",
                f"give one {key} for each image, or set objective.heads to others",
            )
        if column.dtype.kind not in "iuUb":
            raise DataError(
                f"{key} of {name} has type {column.dtype}, it needs integers or strings",
                f"convert it, e.g. {key}.astype(int), or set objective.heads to others",
            )
        classes[key], indices = np.unique(column, return_inverse=True)
        if len(classes[key]) < 2:
            raise DataError(
                f"{key} of {name} has only the class {classes[key][0]}",
                "give images of at least two classes, or set objective.heads to others",
            )
        labels[key] = indices.astype(np.int64).reshape(-1)
    return ImageArrays(images, labels, classes, name)


def check_shares(val_share: float, test_share: float) -> None:
    """Refuse shares that cannot be.

    Raises:
        ConfigError: unless 0 < val_share, 0 <= test_share and their sum is below 1.
    """
    if not (0 < val_share < 1 and 0 <= test_share < 1 and val_share + test_share < 1):
        raise ConfigError(
            f"objective.val_share={val_share} and objective.test_share={test_share} do not leave a part "
            "to train on and one to validate on",
            "set val_share above 0, test_share to 0 or more, and their sum below 1",
        )


def split_stratified(label: NDArray[np.int64], val_share: float, test_share: float, seed: int, within: str) -> Parts:
    """Give the same share of every class to each part, at random.

    Shuffle, then deal: the images of a class in random order take the places that are spread evenly over the whole, so
    that parts have the sizes that the shares say even where classes are small. Of every class the
    image that comes last is trained on.

    Args:
        label: class indices, shape ``(n,)``.
        val_share: share to validate on.
        test_share: share to test on; 0 for no test.
        seed: of the order, the same in all trials.
        within: name of the label, for the sentence.

    Raises:
        DataError: if a part would be empty.
    """
    random = np.random.default_rng(seed)
    n = len(label)
    n_test, n_val = round(test_share * n), round(val_share * n)
    if n_val < 1 or (test_share > 0 and n_test < 1) or n - n_val - n_test < 1:
        raise DataError(
            f"{n} images with val_share {val_share} and test_share {test_share} leave a part empty",
            "set objective.val_share and objective.test_share so that both leave images",
        )
    place = np.empty(n)
    for each in np.unique(label):
        own = random.permutation(np.flatnonzero(label == each))
        place[own] = (np.arange(len(own)) + random.random()) / len(own)
    place[[np.flatnonzero(label == each)[np.argmax(place[label == each])] for each in np.unique(label)]] = np.inf
    order = np.argsort(place, kind="stable")
    test, val, train = np.split(order, [n_test, n_test + n_val])
    how = f"random within each class of {within} (seed {seed}): "
    how += f"{len(train)} train, {len(val)} validation, {len(test)} test"
    return Parts(np.sort(train), np.sort(val), np.sort(test), how)


def to_data(arrays: ImageArrays, parts: Parts) -> Data:
    """Standardise with training statistics and make tensors.

    Returns:
        Inputs float32 of shape ``(n, c, h, w)``, targets int64 of shape ``(n, labels)`` in the order of ``labels``.

    Raises:
        DataError: if all training images are of one class.
    """
    for key, label in arrays.labels.items():
        present = np.unique(label[parts.train])
        if len(present) < 2:
            raise DataError(
                f"all training images of {arrays.name} are of the class {arrays.classes[key][present[0]]} of {key}",
                "set objective.split_seed to another number, or objective.val_share to less",
            )
    targets = np.stack(list(arrays.labels.values()), axis=1)
    mean, std = statistics(arrays.images[parts.train])

    def part(index: NDArray[np.int64]) -> Split:
        return Split(standardise(arrays.images[index], mean, std), torch.from_numpy(targets[index]))

    return Data(
        train=part(parts.train),
        val=part(parts.val),
        test=part(parts.test) if len(parts.test) else None,
        description=describe(arrays),
        split=parts.how,
    )


def statistics(images: NDArray[np.generic]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel, shape ``(c,)``; 1 for a constant channel."""
    mean = images.mean(axis=(0, 1, 2), dtype=np.float64)
    std = images.std(axis=(0, 1, 2), dtype=np.float64)
    return mean, np.where(std > 1e-6 * np.maximum(1.0, np.abs(mean)), std, 1.0)


def standardise(images: NDArray[Any], mean: NDArray[np.float64], std: NDArray[np.float64]) -> torch.Tensor:
    """Float32 of shape ``(n, c, h, w)`` from images of shape ``(n, h, w, c)``."""
    scaled = ((images - mean) / std).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


def describe(arrays: ImageArrays) -> str:
    """One sentence on size and labels."""
    n, height, width, channels = arrays.images.shape
    labels = ", ".join(f"{key} ({len(classes)} classes)" for key, classes in arrays.classes.items())
    return f"{arrays.name}: {n} images of {height} x {width} x {channels}, labels {labels}"
