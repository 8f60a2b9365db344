"""Thermal design power (TDP) of a processor by its model name, from the table that CodeCarbon maintains.

The table is codecarbon/data/hardware/cpu_power.csv (about 4,900 names with watts, MIT; the extra ``cpu-table``). It is
read as a file: importing the package would load a tracker, and the table is all that is needed.

A name matches only if nothing but its dress differs: "Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz" is "Intel Xeon Gold
6226R", "AMD EPYC 7763 64-Core Processor" is "AMD EPYC 7763". There is no nearest match, which can be a processor of
half the power: a name without a model number, such as the "AMD EPYC" or "Intel(R) Xeon(R) CPU @ 2.20GHz" of virtual
machines, matches nothing. Rows that contradict each other, or whose watts are no number, are left out.
"""

import csv
import importlib.metadata
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

DISTRIBUTION = "codecarbon"
FILE = "codecarbon/data/hardware/cpu_power.csv"

_DRESS = (
    (re.compile(r"\((r|tm|c)\)|[®™]"), ""),
    (re.compile(r"@.*"), ""),  # the clock
    (re.compile(r"\s(w/|with) radeon.*"), ""),  # the graphics beside it
    (re.compile(r"\b(\d+|dual|triple|quad|six|eight|twelve|sixteen)-core\b|\bcpu\b|\bprocessor\b"), " "),
    (re.compile(r"^\s*\d+th gen (?=intel)"), ""),
    (re.compile(r"\b(e[357]-\w+)\s+0\s*$"), r"\1"),  # first generation of Xeon E3, E5 and E7
)


class Table(NamedTuple):
    """A table of TDPs: where it is, and what to call it."""

    path: Path
    version: str


class Entry(NamedTuple):
    """One processor of a table."""

    name: str
    tdp_w: float


def installed_table() -> Table | None:
    """CodeCarbon's table; ``None`` if the package is not installed, or came without it."""
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(FILE)))
    return Table(path, f"CodeCarbon {distribution.version}") if path.is_file() else None


@cache  # 60 ms
def find(name: str, path: Path) -> Entry | None:
    """The entry of a processor.

    Args:
        name: as the system tells it, e.g. ``AMD EPYC 7763 64-Core Processor``.
        path: a CSV file with the columns ``Name`` and ``TDP`` (watts).

    Returns:
        ``None`` if the table has no entry for the name, or several that differ.
    """
    wanted = model_key(name)
    if not wanted:
        return None
    found = [entry for entry in _entries(path) if model_key(entry.name) == wanted]
    return found[0] if len({entry.tdp_w for entry in found}) == 1 else None


def model_key(name: str) -> str:
    """A model name without its dress; empty for one that names no model."""
    key = name.lower()
    for pattern, plain in _DRESS:
        key = pattern.sub(plain, key)
    return " ".join(key.split()) if any(letter.isdigit() for letter in key) else ""


def _entries(path: Path) -> Iterator[Entry]:
    """The rows whose watts can be used."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            try:
                tdp_w = float(row["TDP"])
            except (KeyError, TypeError, ValueError):
                continue
            if 0 < tdp_w < math.inf:
                yield Entry(row["Name"], tdp_w)
