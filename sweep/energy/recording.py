"""The file format of a recording: what a meter reported, to be played back by the replay meter.

JSON Lines, UTF-8. The first line is the header, then one line a reading: its time in seconds and the cumulative
joules of each domain in the header's order, ``null`` where unknown. The last line counts the readings, so that a
file cut short is noticed:

    {"format": "sweep-recording", "version": 1, "device": "...", "note": "...", "domains": [{"name": "gpu:0", ...}]}
    [0.0, 0.0]
    [0.1, 21.4]
    {"readings": 2}

``domains`` are ``sweep.records.Domain`` objects: name, provenance of the joules when they were recorded,
uncertainties, tick. Times rise strictly; joules never fall. Limits: read whole into memory; joules that were bridged
are not told from others.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import msgspec

from sweep.errors import MeterError
from sweep.records import Domain, Reading, Record

VERSION = 1


class _Header(Record, frozen=True, kw_only=True):
    format: Literal["sweep-recording"]
    version: int
    device: str
    domains: list[Domain]
    note: str = ""


class _Footer(Record, frozen=True, kw_only=True):
    readings: int


class Recording(Record, frozen=True, kw_only=True):
    """Readings of a meter with what is needed to judge them.

    Attributes:
        device: what was measured, e.g. ``NVIDIA A100-SXM4-40GB``.
        domains: in the order of the file, with their original provenance.
        readings: at least one; times rise strictly, joules of a domain never fall.
        note: how it was made.
    """

    device: str
    domains: list[Domain]
    readings: list[Reading]
    note: str = ""


def write_recording(path: str | Path, recording: Recording) -> None:
    """Write a recording, whole or not at all.

    Raises:
        MeterError: if it breaks a rule of the format, or the file cannot be written.
    """
    _check(recording, path)
    header = _Header(
        format="sweep-recording",
        version=VERSION,
        device=recording.device,
        domains=recording.domains,
        note=recording.note,
    )
    names = [domain.name for domain in recording.domains]
    rows = [[reading.time_s, *(reading.energy_j.get(name) for name in names)] for reading in recording.readings]
    text = b"\n".join(map(msgspec.json.encode, [header, *rows, _Footer(readings=len(rows))])) + b"\n"
    part = Path(f"{path}.part")
    try:
        part.write_bytes(text)
        part.replace(path)
    except OSError as err:
        raise MeterError(f"the recording {path} cannot be written ({err})", "choose a writable folder") from err


class RecordingWriter:
    """Writes readings as they come; the file has its name once it is whole.

    Until then it is ``<path>.part``, which lacks the last line; what a killed process wrote stays there.

    Args:
        path: of the recording.
        device: what is measured.
        domains: of the readings.
        note: how it is made.
    """

    def __init__(self, path: Path, device: str, domains: Sequence[Domain], note: str = "") -> None:
        self._path, self._part = path, Path(f"{path}.part")
        self._names = [domain.name for domain in domains]
        self._header = _Header(
            format="sweep-recording", version=VERSION, device=device, domains=list(domains), note=note
        )
        self._file: BinaryIO | None = None
        self._count, self._last_s = 0, -math.inf

    def __enter__(self) -> Self:
        """Begin.

        Raises:
            MeterError: if the file cannot be written.
        """
        try:
            self._file = self._part.open("wb")
        except OSError as err:
            raise MeterError(
                f"the recording {self._path} cannot be written ({err})", "choose a writable folder"
            ) from err
        self._line(self._header)
        return self

    def add(self, reading: Reading) -> None:
        """Write a reading; one that is not later than the last is left out."""
        if self._file is not None and reading.time_s > self._last_s:
            self._last_s = reading.time_s
            self._count += 1
            self._line([reading.time_s, *(reading.energy_j.get(name) for name in self._names)])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and give the file its name if there is something in it."""
        file, self._file = self._file, None
        if file is None:
            return
        with file:
            file.write(msgspec.json.encode(_Footer(readings=self._count)) + b"\n")
        if self._count:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def _line(self, item: Any) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(item) + b"\n")


def read_recording(path: str | Path) -> Recording:
    """Read a recording.

    Raises:
        MeterError: if the file is missing, truncated, of another format or version, or breaks a rule of it.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as err:
        raise MeterError(
            f"the recording {path} cannot be read ({err.strerror})", "set meter.path to a recording"
        ) from err
    header = _header(lines[0] if lines else b"", path)
    rows = _rows(lines[1:], len(header.domains), path)
    names = [domain.name for domain in header.domains]
    readings = [Reading(time_s=time_s, energy_j=dict(zip(names, joules, strict=True))) for time_s, joules in rows]
    recording = Recording(device=header.device, domains=header.domains, readings=readings, note=header.note)
    _check(recording, path)
    return recording


def _header(line: bytes, path: str | Path) -> _Header:
    try:
        header = msgspec.json.decode(line, type=_Version)
    except msgspec.MsgspecError as err:
        raise MeterError(
            f"{path} is not a recording ({err})", "give a file that starts with a sweep-recording header"
        ) from err
    if header.version != VERSION:
        raise MeterError(
            f"the recording {path} has version {header.version}, this sweep reads version {VERSION}",
            "play it with the sweep that wrote it",
        )
    try:
        return msgspec.json.decode(line, type=_Header)
    except msgspec.MsgspecError as err:
        raise MeterError(f"the header of {path} does not fit ({err})", "restore the recording") from err


class _Version(msgspec.Struct):
    format: Literal["sweep-recording"]
    version: int


def _rows(lines: Sequence[bytes], n_domains: int, path: str | Path) -> list[tuple[float, list[float | None]]]:
    """Time and joules of each reading."""
    try:
        count = msgspec.json.decode(lines[-1] if lines else b"", type=_Footer).readings
    except msgspec.MsgspecError as err:
        raise MeterError(
            f"the recording {path} is truncated: its last line is no count of readings", "copy it again"
        ) from err
    if count != len(lines) - 1:
        raise MeterError(
            f"the recording {path} has {len(lines) - 1} readings, its last line says {count}", "copy it again"
        )
    return [_row(line, number, n_domains, path) for number, line in enumerate(lines[:-1], start=2)]


def _row(line: bytes, number: int, n_domains: int, path: str | Path) -> tuple[float, list[float | None]]:
    try:
        values = msgspec.json.decode(line, type=list[float | None])
    except msgspec.MsgspecError as err:
        raise MeterError(f"line {number} of {path} is no reading ({err})", "restore the recording") from err
    if len(values) != n_domains + 1 or values[0] is None:
        raise MeterError(
            f"line {number} of {path} does not hold a time and {n_domains} joules",
            "give the time and one value for each domain",
        )
    return values[0], values[1:]


def _check(recording: Recording, path: str | Path) -> None:
    """Refuse what cannot be played."""
    names = [domain.name for domain in recording.domains]
    if not names or len(set(names)) != len(names):
        raise MeterError(f"the recording {path} has the domains {names}", "name each domain once, at least one")
    if not recording.readings:
        raise MeterError(f"the recording {path} has no readings", "record at least one")
    for before, after in pairwise(recording.readings):
        if not before.time_s < after.time_s:
            raise MeterError(
                f"in the recording {path} the time {after.time_s} s follows {before.time_s} s",
                "order the readings by time, one for each time",
            )
    for name in names:
        _check_rising(name, (reading.energy_j.get(name) for reading in recording.readings), path)


def _check_rising(name: str, values: Iterable[float | None], path: str | Path) -> None:
    known = [value for value in values if value is not None]
    for before, after in pairwise(known):
        if after < before:
            raise MeterError(
                f"in the recording {path} the joules of {name} fall from {before} to {after}",
                "correct the wrap of its counter before recording",
            )
