"""PAMAP2 from the UCI repository: a nested zip of about 656 MB that becomes a folder ``Protocol`` of 1.6 GB.

    pamap2.zip > PAMAP2_Dataset.zip > PAMAP2_Dataset/Protocol/subject101.dat ... subject109.dat

Only the protocol recordings are unpacked. The folder appears when all nine files are there with as many rows as
the authors published; the archive is removed then. ``SWEEP_PAMAP2_URL`` replaces the address, e.g. by a mirror's;
an archive without the outer layer is fine too.
"""

import os
import tempfile
from pathlib import Path

from objectives._download import DamagedArchiveError, Progress, download, unpack
from sweep.errors import FetchError

URL = "https://archive.ics.uci.edu/static/public/231/pamap2+physical+activity+monitoring.zip"
ROWS = {
    "subject101.dat": 376417,
    "subject102.dat": 447000,
    "subject103.dat": 252833,
    "subject104.dat": 329576,
    "subject105.dat": 374783,
    "subject106.dat": 361817,
    "subject107.dat": 313599,
    "subject108.dat": 408031,
    "subject109.dat": 8477,
}
"""Rows of each protocol recording, as published."""


def fetch_pamap2(folder: Path, progress: Progress) -> Path:
    """Download and unpack the protocol recordings; nothing to do, and no call of ``progress``, if they are there.

    Args:
        folder: holds ``Protocol`` afterwards.
        progress: see ``download``.

    Raises:
        FetchError: if the archive does not arrive whole, is unsafe, or is not PAMAP2.
    """
    protocol = folder / "Protocol"
    missing = [name for name in ROWS if not (protocol / name).is_file()]
    if not missing:
        return folder
    if protocol.exists():
        raise FetchError(f"{protocol} is there but lacks {', '.join(missing)}", "move it away and fetch again")
    archive = folder / "pamap2.zip"
    if not archive.exists():
        download(os.environ.get("SWEEP_PAMAP2_URL") or URL, archive, progress)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder) as scratch:
        try:
            files = _unpack_nested(archive, Path(scratch))
            _check_rows(files, archive)
        except DamagedArchiveError:
            archive.unlink()
            raise
        ready = Path(scratch) / "Protocol"
        ready.mkdir()
        for file in files:
            file.rename(ready / file.name)
        ready.rename(protocol)
    archive.unlink()
    return folder


def _unpack_nested(archive: Path, scratch: Path) -> list[Path]:
    inner = unpack(archive, scratch / "outer", lambda path: path.name == "PAMAP2_Dataset.zip")
    source = inner[0] if inner else archive
    return unpack(source, scratch / "inner", lambda path: path.parent.name == "Protocol" and path.name in ROWS)


def _check_rows(files: list[Path], archive: Path) -> None:
    rows = {file.name: _count_rows(file) for file in files}
    for name, expected in ROWS.items():
        if rows.get(name) != expected:
            raise DamagedArchiveError(
                f"{name} in {archive.name} has {rows.get(name, 0)} rows, PAMAP2 has {expected}",
                "fetch again; if that does not help, the archive is not PAMAP2 as published",
            )


def _count_rows(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
