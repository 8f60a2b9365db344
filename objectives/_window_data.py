"""Windows of sensor signals: read, checked, standardised.

    npz -> WindowArrays -> Parts (indices) -> Data (tensors)

Channels are standardised with the mean and the deviation of the training windows, computed in float64,
z = (x - mean_train) / std_train; a channel that is constant in training is only centred. Everything lives in
memory.
"""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.errors import DataError
from sweep.objective import Data, Split


class WindowArrays(NamedTuple):
    """Checked windows of one data set.

    Attributes:
        x: signals, float32, shape ``(n, time, channels)``, finite.
        y: class indices 0..k-1, int64, shape ``(n,)``.
        classes: the labels behind the indices, shape ``(k,)``.
        subject: who wore the sensors, shape ``(n,)``; ``None`` if the data do not say.
        name: what the data are called in sentences.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    classes: NDArray[np.generic]
    subject: NDArray[np.generic] | None
    name: str


class Parts(NamedTuple):
    """Indices of the windows of each part, and how they were chosen, as a sentence."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]
    how: str


def read_npz(path: Path) -> WindowArrays:
    """Read ``X (n, time, channels)``, ``y (n,)`` and, if it is there, ``subject (n,)``.

    Raises:
        DataError: if the file cannot be read, or its arrays do not fit each other.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            present = {Path(name).stem for name in archive.namelist() if name.endswith(".npy")}
        with np.load(path, allow_pickle=False) as arrays:
            missing = [key for key in ("X", "y") if key not in present]
            if missing:
                has = ", ".join(sorted(present)) or "none"
                raise DataError(
                    f"{path} has no array {' and '.join(missing)} (it has {has})",
                    "save it with numpy.savez(file, X=..., y=..., subject=...)",
                )
            x, y = _member(arrays, "X", path), _member(arrays, "y", path)
            subject = _member(arrays, "subject", path) if "subject" in present else None
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
    return check_arrays(x, y, subject, str(path))


def _member(arrays: "np.lib.npyio.NpzFile", key: str, path: Path) -> NDArray[np.generic]:
    try:
        return np.asarray(arrays[key])
    except ValueError as err:  # what NumPy raises for object arrays and for damaged headers
        raise DataError(
            f"array {key} of {path} cannot be read ({err})",
            "save plain numbers or strings, not objects",
        ) from err


def check_arrays(
    x: NDArray[np.generic], y: NDArray[np.generic], subject: NDArray[np.generic] | None, name: str
) -> WindowArrays:
    """Check shapes, types and values, and map the labels to 0..k-1.

    Raises:
        DataError: naming the array, what is wrong with it, and the next step.
    """
    if x.ndim != 3 or 0 in x.shape:
        raise DataError(
            f"X of {name} has shape {x.shape}, it needs three axes (windows, time, channels), none empty",
            "reshape it; one channel is X[:, :, None]",
        )
    if x.dtype.kind not in "fiu":
        raise DataError(f"X of {name} has type {x.dtype}, it needs real numbers", "convert it to float32")
    for key, column in (("y", y), ("subject", subject)):
        if column is not None:
            _check_column(key, column, len(x), name)
    with np.errstate(over="ignore"):  # too large for float32 shows as inf below
        signals = np.ascontiguousarray(x, dtype=np.float32)
    _check_finite(signals, name)
    classes, indices = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"y of {name} has only the class {classes[0]}", "give windows of at least two classes")
    return WindowArrays(signals, indices.astype(np.int64).reshape(-1), classes, subject, name)


def _check_column(key: str, column: NDArray[np.generic], n: int, name: str) -> None:
    if column.shape != (n,):
        raise DataError(
            f"{key} of {name} has shape {column.shape}, X has {n} windows", f"give one {key} for each window"
        )
    if column.dtype.kind not in "iuUb":
        raise DataError(
            f"{key} of {name} has type {column.dtype}, it needs integers or strings",
            f"convert it, e.g. {key}.astype(int)",
        )


def _check_finite(x: NDArray[np.float32], name: str) -> None:
    bad = ~np.isfinite(x)
    if bad.any():
        window, time, channel = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"X of {name} has {int(bad.sum())} values that are NaN or infinite in float32 "
            f"(first at window {window}, time {time}, channel {channel})",
            "interpolate them, or drop these windows",
        )


def to_data(arrays: WindowArrays, parts: Parts) -> Data:
    """Standardise with training statistics and make tensors of shape ``(n, channels, time)``.

    Validation windows of one subject are a group.

    Raises:
        DataError: if all training windows are of one class.
    """
    present = np.unique(arrays.y[parts.train])
    if len(present) < 2:
        raise DataError(
            f"all training windows of {arrays.name} are of the class {arrays.classes[present[0]]}",
            "choose other subjects for validation and test",
        )
    mean, std = _statistics(arrays.x[parts.train])

    def part(index: NDArray[np.int64]) -> Split:
        scaled = ((arrays.x[index] - mean) / std).astype(np.float32).transpose(0, 2, 1)
        return Split(torch.from_numpy(np.ascontiguousarray(scaled)), torch.from_numpy(arrays.y[index]))

    return Data(
        train=part(parts.train),
        val=part(parts.val),
        test=part(parts.test) if len(parts.test) else None,
        description=describe(arrays),
        split=parts.how,
        val_groups=None if arrays.subject is None else arrays.subject[parts.val].tolist(),
    )


def _statistics(x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel, shape ``(channels,)``; 1 for a constant channel."""
    mean = x.mean(axis=(0, 1), dtype=np.float64)
    std = x.std(axis=(0, 1), dtype=np.float64)
    return mean, np.where(std > 1e-6 * np.maximum(1.0, np.abs(mean)), std, 1.0)


def describe(arrays: WindowArrays) -> str:
    """One sentence on size and make-up."""
    n, time, channels = arrays.x.shape
    size = f"{n} windows of {time} samples x {channels} channels, {len(arrays.classes)} classes"
    who = "" if arrays.subject is None else f", {len(np.unique(arrays.subject))} subjects"
    return f"{arrays.name}: {size}{who}"
