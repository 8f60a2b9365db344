"""The base of all records, and how they become JSON and come back."""

import gc
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from sweep.errors import RecordError

SCHEMA_VERSION = 3


READABLE = frozenset({1, 2, SCHEMA_VERSION})
"""Versions that this one reads; what a version 1 record lacks (layers, steps), or a version 2 one (scope, dynamic and
polled joules, gaps, idle power), is not known."""


Joules = dict[str, float | None]
"""Joules for each domain; ``None`` where a gap in the readings leaves the domain unknown."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Base of all records: immutable, keyword-only, strict.

    None refers to itself, so the garbage collector need not look at them: a study may hold millions.
    """


R = TypeVar("R", bound=Record)


def dumps(record: Record) -> bytes:
    """JSON text of a record, indented for a human reader."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def loads(data: bytes, kind: type[R], where: str | Path = "record") -> R:
    """Read a record back.

    Raises:
        RecordError: if it is not JSON, of another schema version, or does not fit the type.
    """
    try:
        record = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as err:
        _check_version(_version(data), where)
        raise RecordError(
            f"{where} is not a readable {_called(kind)} ({err})", "restore it from a copy of the study"
        ) from err
    _check_version(getattr(record, "schema_version", SCHEMA_VERSION), where)
    return record


def _called(kind: type[Record]) -> str:
    """Name of the kind, for one that is read in part that of the whole."""
    return next(item.__name__ for item in kind.__mro__ if not item.__name__.startswith("_"))


def load(path: Path, kind: type[R], what: str) -> R:
    """Read the record of a file.

    Args:
        path: of the file.
        kind: of the record.
        what: it is, for errors.

    Raises:
        RecordError: if it is missing or damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as err:
        raise RecordError(f"{what} is missing ({path})", "restore the artifacts folder") from err
    return loads(data, kind, f"{what} ({path})")


def _check_version(version: int, where: str | Path) -> None:
    if version not in READABLE:
        raise RecordError(
            f"{where} has schema version {version}, this sweep reads versions {sorted(READABLE)}",
            "read it with the sweep that wrote it",
        )


def _version(data: bytes) -> int:
    """Of a record that cannot be read as a whole; this one if even its version cannot."""
    try:
        return msgspec.json.decode(data, type=_Versioned).schema_version
    except msgspec.MsgspecError:
        return SCHEMA_VERSION


class _Versioned(msgspec.Struct):
    schema_version: int = SCHEMA_VERSION


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: reading makes no garbage, and looking for it takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def finite(value: float) -> float | None:
    """The value, or ``None`` if it is NaN or infinite."""
    return value if math.isfinite(value) else None


def total_j(values: Iterable[float | None]) -> float | None:
    """Sum of joules; ``None`` if there is none, or if one of them is unknown."""
    items = list(values)
    return None if not items or None in items else math.fsum(items)  # type: ignore[arg-type]
