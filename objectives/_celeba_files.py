"""CelebA on disk: the lists as published, the images of the most frequent people, and their cache.

    img_align_celeba/000001.jpg ...   178 x 218, RGB
    list_attr_celeba.txt              number of images; names of the 40 attributes; then: file -1 1 -1 ...
    identity_CelebA.txt               file identity
    list_eval_partition.txt           file 0|1|2, the published split (training, validation, test)

Source: Z. Liu, P. Luo, X. Wang and X. Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015; for
non-commercial research, not to be passed on. The files lie in one folder, or in ``Anno``, ``Eval`` and ``Img`` of it.

    jpg -> the square in the middle -> size x size -> uint8 (n, 3, size, size), a memory-mapped npy file
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.errors import DataError

VERSION = 1
"""Part of the cache key: raise it when images are cut differently."""

ATTRIBUTES = "list_attr_celeba.txt"
IDENTITIES = "identity_CelebA.txt"
PARTITION = "list_eval_partition.txt"
IMAGES = "img_align_celeba"
PLACES = ("", "Anno", "Eval", "Img")
HOME = "copy it again from mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


class Faces(NamedTuple):
    """What the lists say of some images.

    Attributes:
        files: names of the images.
        attributes: 0 or 1, int64, shape ``(n, len(names))``.
        names: of the attributes.
        identity: number of the person, int64, shape ``(n,)``.
        partition: 0, 1 or 2 for training, validation and test as published, shape ``(n,)``; ``None`` if the list is
            not there.
    """

    files: list[str]
    attributes: NDArray[np.int64]
    names: list[str]
    identity: NDArray[np.int64]
    partition: NDArray[np.int64] | None


def find(folder: Path, name: str) -> Path | None:
    """A file, or the folder of images, in the folder or in one of its usual subfolders."""
    return next((folder / place / name for place in PLACES if (folder / place / name).exists()), None)


def read_faces(folder: Path, n_identities: int | None) -> Faces:
    """Read the lists and keep the images of the most frequent people.

    Args:
        folder: see above.
        n_identities: how many people; of equally frequent ones those with the smaller number. ``None`` for all.

    Raises:
        DataError: if a list is missing or malformed, or the lists do not agree on the images.
    """
    table = _attributes(_needed(folder, ATTRIBUTES))
    identity = _column(_needed(folder, IDENTITIES), table.index)
    listed = find(folder, PARTITION)
    partition = _column(listed, table.index) if listed is not None else None
    if partition is not None and not np.isin(partition, (0, 1, 2)).all():
        raise DataError(f"{listed} has values other than 0, 1 and 2", HOME)
    people, counts = np.unique(identity, return_counts=True)
    if n_identities is not None and n_identities > len(people):
        raise DataError(
            f"objective.identities={n_identities}, but {folder} has {len(people)} people", "set it to so many or less"
        )
    chosen = people[np.lexsort((people, -counts))][:n_identities]
    at = np.flatnonzero(np.isin(identity, chosen))
    return Faces(
        files=table.index[at].tolist(),
        attributes=table.to_numpy(dtype=np.int64)[at],
        names=[str(name) for name in table.columns],
        identity=identity[at],
        partition=partition[at] if partition is not None else None,
    )


def _needed(folder: Path, name: str) -> Path:
    path = find(folder, name)
    if path is None:
        raise DataError(f"{name} is not in {folder}, nor in its Anno, Eval or Img", f"{HOME}, or set objective.path")
    return path


def _attributes(path: Path) -> pd.DataFrame:
    """0 and 1 by file and attribute."""
    try:
        with path.open() as file:
            count, names = file.readline().strip(), file.readline().split()
            table = pd.read_csv(file, sep=r"\s+", header=None, index_col=0, dtype={0: str})
    except PermissionError as err:
        raise DataError(f"{path} may not be read (permission denied)", "make it readable for you") from err
    except (OSError, ValueError) as err:  # pandas' ParserError and UnicodeDecodeError are ValueErrors
        raise DataError(f"{path} is not a list of attributes ({err})", HOME) from err
    if str(len(table)) != count or table.shape[1] != len(names):
        raise DataError(
            f"{path} has {len(table)} rows of {table.shape[1]} values, its head says {count or 'nothing'} and names "
            f"{len(names)} attributes",
            HOME,
        )
    if not table.isin((-1, 1)).to_numpy().all():  # a word, or a row of other length, is neither
        raise DataError(f"{path} has values other than -1 and 1", HOME)
    if table.index.has_duplicates:
        raise DataError(f"{path} lists {table.index[table.index.duplicated()][0]} twice", HOME)
    table.columns = pd.Index(names)
    return (table > 0).astype(np.int64)


def _column(path: Path, files: pd.Index) -> NDArray[np.int64]:
    """The number that a list of ``file number`` gives to each file."""
    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, index_col=0, dtype={0: str, 1: np.int64})
    except PermissionError as err:
        raise DataError(f"{path} may not be read (permission denied)", "make it readable for you") from err
    except (OSError, ValueError) as err:
        raise DataError(f"{path} is not a list of images and numbers ({err})", HOME) from err
    if table.shape[1] != 1 or table.index.has_duplicates:
        raise DataError(f"{path} has {table.shape[1] + 1} columns or lists an image twice", HOME)
    missing = files.difference(table.index)
    if len(missing):
        raise DataError(f"{path} lacks {len(missing)} images of {ATTRIBUTES}, first {missing[0]}", HOME)
    return table.loc[files, 1].to_numpy(dtype=np.int64)


def load_images(folder: Path, files: Sequence[str], size: int, cache: Path) -> NDArray[np.uint8]:
    """The images, from the cache if they were decoded before.

    Args:
        folder: holds ``img_align_celeba``.
        files: names of the images.
        size: height and width in pixels.
        cache: folder of caches; without it everything works, but slower.

    Returns:
        Shape ``(n, 3, size, size)``, memory-mapped copy-on-write where the cache could be written.

    Raises:
        DataError: if an image is missing or damaged.
    """
    images = find(folder, IMAGES)
    if images is None:
        raise DataError(f"the folder {IMAGES} is not in {folder}, nor in its Img", f"{HOME} and unpack it there")
    paths = [images / name for name in files]
    shape = (len(files), 3, size, size)
    cached = cache / f"celeba-{_key(paths, size)}.npy"
    known = _mapped(cached, shape)
    if known is not None:
        return known
    try:
        _save(cached, shape, _decoded(paths, size))
    except OSError as err:
        logging.getLogger(__name__).warning(
            "the decoded images cannot be kept in %s (%s): they are decoded anew each time", cache, err
        )
        return np.stack(list(_decoded(paths, size)))
    saved = _mapped(cached, shape)
    assert saved is not None
    return saved


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The cached images; ``None`` if they are not there, or damaged."""
    try:
        mapped = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(mapped) if mapped.shape == shape and mapped.dtype == np.uint8 else None


def _save(path: Path, shape: tuple[int, ...], images: Iterator[NDArray[np.uint8]]) -> None:
    """Write the cache image by image, at once or not at all; a mapped file would end the process on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with scratch.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for image in images:
                file.write(image.tobytes())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _key(paths: Sequence[Path], size: int) -> str:
    """Hash of everything that the decoded images depend on; of files, their name, size and time of change."""
    digest = hashlib.sha256(json.dumps((VERSION, size)).encode())
    for path in paths:
        try:
            stat = path.stat()
        except OSError as err:
            raise DataError(f"{path} cannot be read ({err.strerror})", HOME) from err
        digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _decoded(paths: Sequence[Path], size: int) -> Iterator[NDArray[np.uint8]]:
    """Images of shape ``(3, size, size)``, one by one."""
    try:
        from PIL import Image
    except ImportError as err:
        raise DataError(
            f"Pillow, which decodes the images of CelebA, does not import ({err})",
            'pip install "sweep-energy[images]", or set objective.source=synthetic',
        ) from err
    for path in paths:
        try:
            with Image.open(path) as image:
                width, height = image.size
                side = min(width, height)
                left, top = (width - side) // 2, (height - side) // 2
                box = (left, top, left + side, top + side)
                small = image.convert("RGB").crop(box).resize((size, size), Image.Resampling.BILINEAR)
                yield np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)
        except (OSError, ValueError, SyntaxError) as err:  # Pillow raises SyntaxError for broken headers
            raise DataError(f"{path} is not a readable image ({err})", HOME) from err
