"""Fashion-MNIST on disk: where its four IDX files are looked for, how they are read and downloaded.

60,000 training and 10,000 test images of 28 x 28 grey values, ten classes of clothing. Source: H. Xiao, K. Rasul and
R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms", 2017,
arXiv:1708.07747; github.com/zalandoresearch/fashion-mnist, MIT. Subsets of other sizes are read as well: from files of
the same format, or from an npz file with ``x_train, y_train, x_test, y_test``.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from objectives._download import Progress, download
from objectives._idx import IMAGES, LABELS, read_idx
from objectives._image_arrays import read_arrays
from sweep.errors import DataError, FetchError

URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
MD5 = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
"""The files and their check sums, as published."""

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts them."""

FETCH = "python -m sweep fetch fashion_mnist"
CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
"""By label, 0 to 9."""


class Fashion(NamedTuple):
    """Images, uint8 of shape ``(n, height, width)``, and their labels, uint8 of shape ``(n,)``."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def find_fashion(path: Path | None, home: Path) -> Path:
    """The folder, or the npz file, to read.

    Args:
        path: where the user says; ``None`` for the first of ``home`` and Debian's folder that holds the files.
        home: where downloads go.

    Raises:
        DataError: if they are nowhere.
    """
    if path is not None:
        return path
    found = next((place for place in (home, DEBIAN) if _has_files(place)), None)
    if found is None:
        raise DataError(
            f"the four files of Fashion-MNIST are neither in {home} nor in {DEBIAN}",
            f"run {FETCH}, or set objective.path to a folder with them or to an npz file",
        )
    return found


def _has_files(folder: Path) -> bool:
    return all(_file(folder, name).is_file() for name in MD5)


def _file(folder: Path, name: str) -> Path:
    """The file as downloaded, or without gzip."""
    plain = folder / name.removesuffix(".gz")
    return plain if plain.is_file() else folder / name


def read_fashion(path: Path) -> Fashion:
    """Read a folder of IDX files, or an npz file.

    Raises:
        DataError: if a file is missing or malformed, or the arrays do not fit each other.
    """
    if path.is_dir():
        magics = (IMAGES, LABELS, IMAGES, LABELS)
        fashion = Fashion(*(read_idx(_file(path, name), magic) for name, magic in zip(MD5, magics, strict=True)))
    else:
        arrays = read_arrays(path)
        keys = ("x_train", "y_train", "x_test", "y_test")
        missing = [key for key in keys if key not in arrays]
        if missing:
            has = ", ".join(sorted(arrays)) or "none"
            raise DataError(
                f"{path} has no array {' and '.join(missing)} (it has {has})",
                "save it with numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)",
            )
        fashion = Fashion(*(_bytes(arrays[key], key, path) for key in keys))
    _check(fashion, path)
    return fashion


def _bytes(array: NDArray[np.generic], key: str, path: Path) -> NDArray[np.uint8]:
    if array.dtype.kind not in "iu" or (array.size and (array.min() < 0 or array.max() > 255)):
        raise DataError(f"{key} of {path} is not of integers from 0 to 255", "save it as uint8")
    return array.astype(np.uint8)


def _check(fashion: Fashion, path: Path) -> None:
    for part, images, labels in (("training", *fashion[:2]), ("test", *fashion[2:])):
        if images.ndim != 3 or 0 in images.shape or images.shape[1:] != fashion.train_images.shape[1:]:
            raise DataError(
                f"the {part} images of {path} have shape {images.shape}, those to train on "
                f"{fashion.train_images.shape}",
                "give images (n, height, width) of one size",
            )
        if labels.shape != (len(images),):
            raise DataError(
                f"{path} has {len(images)} {part} images and labels of shape {labels.shape}",
                "give one label for each image",
            )
        if labels.max() >= len(CLASSES) or len(np.unique(labels)) < 2:
            raise DataError(
                f"the {part} labels of {path} are {np.unique(labels).tolist()}",
                f"give at least two classes, numbered 0 to {len(CLASSES) - 1}",
            )


def fetch_fashion(folder: Path, progress: Progress) -> Path:
    """Download what is not there; nothing to do, and no call of ``progress``, if all is.

    ``SWEEP_FASHION_MNIST_URL`` replaces the address of the folder, e.g. by a mirror's.

    Raises:
        FetchError: if a file does not arrive whole, or is not the one published; it is removed then.
    """
    base = (os.environ.get("SWEEP_FASHION_MNIST_URL") or URL).rstrip("/")
    for name, expected in MD5.items():
        target = folder / name
        if not _file(folder, name).is_file():
            download(f"{base}/{name}", target, progress)
            if hashlib.md5(target.read_bytes(), usedforsecurity=False).hexdigest() != expected:
                target.unlink()
                raise FetchError(
                    f"{base}/{name} is not the file as published (its MD5 is not {expected})",
                    "fetch again, or set SWEEP_FASHION_MNIST_URL to the address of another mirror",
                )
    return folder
