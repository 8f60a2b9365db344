"""Names of studies and of their folders."""

import re
import unicodedata
from pathlib import Path

LONGEST = 80


def slug(name: str) -> str:
    """A name as one safe path component: ASCII letters, digits, ``.``, ``_`` and ``-``.

    ``../../x`` becomes ``x``; what has nothing safe in it becomes ``study``.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_name)
    return re.sub(r"-{2,}", "-", safe).strip("-._")[:LONGEST].strip("-._") or "study"


def default_name(label: str, source: str) -> str:
    """The experiment's name; with the source of its data where that can change under the same command."""
    return f"{label}-{source}" if source == "synthetic" else label


def folder_of(name: str, folder: str | None) -> Path:
    """Where a study lives: ``study.dir``, or ``reports/`` and a safe form of the name."""
    return Path(folder).expanduser() if folder else Path("reports") / slug(name)
