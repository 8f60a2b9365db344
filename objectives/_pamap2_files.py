"""PAMAP2 recordings: the files as published, and how windows are cut from them.

A file ``subject1xx.dat`` is text without header, 54 columns separated by spaces, 100 rows a second: time in s,
activity id, heart rate, then three inertial units (hand, chest, ankle) of 17 columns each: temperature,
acceleration +-16 g and +-6 g, angular rate, magnetic field (three axes each) and an orientation that the authors
declare invalid. Lost packets are NaN. Source: A. Reiss and D. Stricker, "Introducing a New Benchmarked Dataset
for Activity Monitoring", ISWC 2012; UCI 231, CC BY 4.0, DOI 10.24432/C5NW2H.

    file -> linear interpolation of gaps -> every 3rd row (33.3 Hz) -> runs of one activity -> windows

Gaps of up to 1 s are interpolated; a window that touches a longer gap, or one at an end of the file, is left out.
A window lies within one run of one protocol activity in one file. There is no anti-alias filter before the
decimation, as is usual for this data set.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.errors import DataError

VERSION = 1
"""Part of the cache key: raise it when windows are cut differently."""

N_COLUMNS = 54
RATE_HZ = 100
DECIMATION = 3
GAP_ROWS = RATE_HZ  # 1 s
ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuuming",
    17: "ironing",
    24: "rope jumping",
}
"""The protocol activities by id; 0 is the time between two of them."""

Sensor = Literal["acc16", "acc6", "gyro", "mag"]
IMU_STARTS = (3, 20, 37)
SENSOR_OFFSETS: dict[Sensor, int] = {"acc16": 1, "acc6": 4, "gyro": 7, "mag": 10}

FETCH = "python -m sweep fetch pamap2"


class Windows(NamedTuple):
    """Windows of one or several recordings.

    Attributes:
        x: float32, shape ``(n, time, channels)``.
        y: activity ids, int64, shape ``(n,)``.
        subject: 101 to 109, int64, shape ``(n,)``.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    subject: NDArray[np.int64]


def columns(sensors: Sequence[Sensor]) -> list[int]:
    """Zero-based columns of the sensors, unit by unit: 18 for acceleration and angular rate."""
    return [start + SENSOR_OFFSETS[sensor] + axis for start in IMU_STARTS for sensor in sensors for axis in range(3)]


def find_recordings(folder: Path) -> list[Path]:
    """The ``subject1xx.dat`` files in the folder, its ``Protocol``, or its ``PAMAP2_Dataset/Protocol``."""
    for place in (folder, folder / "Protocol", folder / "PAMAP2_Dataset" / "Protocol"):
        found = sorted(place.glob("subject1??.dat"))
        if found:
            return found
    return []


def read_recording(path: Path, sensors: Sequence[Sensor]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read one file.

    Returns:
        Signals of shape ``(rows, channels)`` with NaN for lost packets, and activity ids of shape ``(rows,)``.

    Raises:
        DataError: if the file is empty, cut, of another layout, not numeric, or may not be read.
    """
    try:
        _check_layout(path)
        wanted = columns(sensors)
        kinds = dict.fromkeys(wanted, np.float32) | {1: np.float64}
        table = pd.read_csv(path, sep=r"\s+", header=None, usecols=[1, *wanted], dtype=kinds)
    except PermissionError as err:
        raise DataError(f"{path} may not be read (permission denied)", "make it readable for you") from err
    except (OSError, ValueError) as err:  # pandas raises ParserError, a ValueError, or ValueError itself
        raise DataError(f"{path} is not a PAMAP2 recording ({err})", f"copy it again, or run {FETCH}") from err
    activity = table[1].to_numpy()
    if not np.isfinite(activity).all() or (activity != np.floor(activity)).any():
        raise DataError(f"{path} has activity ids in column 2 that are not integers", f"copy it again, or run {FETCH}")
    return table[wanted].to_numpy(dtype=np.float32), activity.astype(np.int64)


def _check_layout(path: Path) -> None:
    """Compare the first line, the last one, and the separators in all with 54 columns."""
    with path.open("rb") as file:
        first = file.readline()
        if not first.strip():
            raise DataError(f"{path} is empty", f"copy it again, or run {FETCH}")
        if len(first.split()) != N_COLUMNS:
            raise DataError(
                f"{path} has {len(first.split())} columns, a PAMAP2 recording has {N_COLUMNS}",
                "point objective.path at the folder Protocol of the data set as published",
            )
        spaces, lines, tail = first.count(b" "), 1, b""
        while chunk := file.read(1 << 20):
            spaces, lines = spaces + chunk.count(b" "), lines + chunk.count(b"\n")
            tail = (tail + chunk)[-4096:]
    last = (tail or first).rstrip(b"\n").rsplit(b"\n", 1)[-1]
    if len(last.split()) != N_COLUMNS:
        raise DataError(
            f"the last line of {path} has {len(last.split())} of {N_COLUMNS} columns, the file was cut",
            f"copy it again, or run {FETCH}",
        )
    lines += bool(tail) and not tail.endswith(b"\n")
    if spaces != first.count(b" ") * lines:
        raise DataError(
            f"{path} has a line with more or fewer than {N_COLUMNS} columns", f"copy it again, or run {FETCH}"
        )


def cut_windows(
    signals: NDArray[np.float32], activity: NDArray[np.int64], window: int, step: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Interpolate, decimate and cut one recording.

    Args:
        signals: shape ``(rows, channels)``, 100 Hz, NaN where nothing was received.
        activity: shape ``(rows,)``.
        window: samples of a window after the decimation.
        step: samples from the start of one window to the next.

    Returns:
        Windows of shape ``(n, window, channels)`` and their activity ids.
    """
    filled = np.column_stack([fill_gaps(channel) for channel in signals.T])[::DECIMATION]
    labels = activity[::DECIMATION]
    starts = np.array(
        [start for begin, end in _runs(labels) for start in range(begin, end - window + 1, step)],
        dtype=np.int64,
    )
    starts = starts[np.isin(labels[starts], list(ACTIVITIES))]
    x = filled[starts[:, None] + np.arange(window)]
    whole = np.isfinite(x).all(axis=(1, 2))
    return x[whole], labels[starts][whole]


def fill_gaps(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate runs of at most ``GAP_ROWS`` NaN between two values; longer ones and the ends stay NaN."""
    lost = np.isnan(channel)
    if not lost.any() or lost.all():
        return channel
    rows = np.arange(len(channel))
    filled = np.interp(rows, rows[~lost], channel[~lost]).astype(np.float32)
    for begin, end in _runs(lost):
        at_an_end = begin == 0 or end == len(channel)
        if lost[begin] and (end - begin > GAP_ROWS or at_an_end):
            filled[begin:end] = np.nan
    return filled


def _runs(values: NDArray[np.generic]) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of equal values."""
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return itertools.pairwise(bounds)


def read_windows(paths: Sequence[Path], sensors: Sequence[Sensor], window: int, step: int) -> Windows:
    """Windows of several recordings, one file after the other.

    Raises:
        DataError: if a file cannot be used, or there is no window in any.
    """
    parts = []
    for path in paths:
        x, y = cut_windows(*read_recording(path, sensors), window, step)
        parts.append(Windows(x, y, np.full(len(y), int(path.stem.removeprefix("subject")), dtype=np.int64)))
    whole = join(parts)
    if not len(whole.y):
        raise DataError(
            f"{', '.join(path.name for path in paths)}: no window of {window} samples of one protocol activity",
            f"give recordings of the activities {', '.join(map(str, ACTIVITIES))}, or a shorter objective.window",
        )
    return whole


def join(parts: Sequence[Windows]) -> Windows:
    """Several sets of windows as one."""
    return Windows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
