"""Downloads that survive interruption, and archives that cannot harm.

    download: URL -> FILE.part -> FILE        resumed with an HTTP range request where FILE.part exists
    unpack:   FILE.zip -> folder              members checked by name and by CRC

A member whose name leaves the folder (``../``, an absolute path) or that is a symbolic link is refused, and
nothing of the archive is kept. Limits: a file that changed on the server between two tries is noticed only by the
CRC of its members.
"""

import errno
import http.client
import shutil
import stat
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from sweep.errors import FetchError

Progress = Callable[[int, int | None], None]

CHUNK_BYTES = 1 << 18
ATTEMPTS = 5
"""Tries in a row that bring nothing, before giving up."""
WAIT_S = 1.0
"""Pause between two tries."""

_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR}


class DamagedArchiveError(FetchError):
    """An archive that is of no use: fetch it again."""


def download(url: str, target: Path, progress: Progress, timeout_s: float = 30.0) -> Path:
    """Download a file, going on where an earlier try ended.

    Args:
        url: an http or https address.
        target: where to; it appears when all has arrived, ``target.part`` is there before.
        progress: called with bytes so far and bytes in all (``None`` if the server does not say).
        timeout_s: seconds of silence after which a connection counts as cut.

    Raises:
        FetchError: if the address cannot be read, or the connection was cut too often.
    """
    if not url.startswith(("http://", "https://")):
        raise FetchError(f"{url} is not an http or https address", "give one that is")
    part = target.with_name(target.name + ".part")
    _make_folder(part.parent)
    reason, idle = "the connection was cut", 0
    while idle < ATTEMPTS:
        before = _size(part)
        try:
            if _attempt(url, part, progress, timeout_s):
                part.replace(target)
                return target
        except urllib.error.HTTPError as err:
            raise FetchError(f"{url} answers {err.code} {err.reason}", "check the address, or try later") from err
        except (http.client.HTTPException, OSError) as err:
            if getattr(err, "errno", None) in _DISK_ERRORS:
                raise FetchError(f"{part} cannot be written ({err})", "choose a folder with room") from err
            reason = str(getattr(err, "reason", err)) or type(err).__name__
        idle = 0 if _size(part) > before else idle + 1
        time.sleep(WAIT_S)
    raise FetchError(
        f"{url} did not arrive whole ({reason}; {_size(part)} bytes are kept)",
        "run the same command again, it goes on from there",
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise FetchError(f"{folder} cannot be made ({err})", "choose another folder") from err


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _attempt(url: str, part: Path, progress: Progress, timeout_s: float) -> bool:
    """One connection; whether the file is whole now."""
    have = _size(part)
    headers = {"User-Agent": "sweep-energy"} | ({"Range": f"bytes={have}-"} if have else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (the scheme was checked)
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310
    except urllib.error.HTTPError as err:
        with err:
            if err.code != _RANGE_NOT_SATISFIABLE or not have:
                raise
            whole = _total(err.headers.get("Content-Range")) == have
        if not whole:
            part.unlink()  # not a beginning of what the server has now
        return whole
    with response:
        resumed = response.status == _PARTIAL_CONTENT
        total = _total(response.headers.get("Content-Range")) if resumed else response.length
        return _receive(response, part, have if resumed else 0, total, progress)


def _receive(response: http.client.HTTPResponse, part: Path, have: int, total: int | None, progress: Progress) -> bool:
    with part.open("ab" if have else "wb") as file:
        progress(have, total)
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            progress(have, total)
    return total is None or have == total


def _total(content_range: str | None) -> int | None:
    """The size after the slash of ``bytes 5-9/10`` or ``bytes */10``."""
    size = (content_range or "").rpartition("/")[2]
    return int(size) if size.isdigit() else None


def unpack(archive: Path, folder: Path, wanted: Callable[[PurePosixPath], bool]) -> list[Path]:
    """Unpack the wanted members of a zip file, after checking the names of all.

    Args:
        archive: the zip file.
        folder: where to; the members keep their relative paths.
        wanted: says which members, by their path.

    Raises:
        DamagedArchiveError: if it is not a zip file, a CRC does not match, or a member is unsafe.
        FetchError: if there is no room.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            folder.mkdir(parents=True, exist_ok=True)
            members = [member for member in source.infolist() if not member.is_dir()]
            for member in members:
                _refuse_unsafe(member, archive)
            chosen = [member for member in members if wanted(PurePosixPath(member.filename))]
            _check_room(folder, sum(member.file_size for member in chosen))
            return [Path(source.extract(member, folder)) for member in chosen]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as err:  # RuntimeError: encrypted
        raise DamagedArchiveError(f"{archive} is damaged ({err})", "fetch it again") from err
    except OSError as err:
        raise FetchError(f"{archive} cannot be unpacked ({err})", "choose a folder with room") from err


def _refuse_unsafe(member: zipfile.ZipInfo, archive: Path) -> None:
    name = member.orig_filename.replace("\\", "/")
    path = PurePosixPath(name)
    leaves = path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
    if leaves or stat.S_ISLNK(member.external_attr >> 16):
        kind = "leaves the folder" if leaves else "is a symbolic link"
        raise DamagedArchiveError(f"member {name!r} of {archive.name} {kind}", "fetch the archive from its home")


def _check_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if size_bytes > free:
        raise FetchError(
            f"{folder} has {free / 1e9:.1f} GB free, {size_bytes / 1e9:.1f} GB are needed", "choose another folder"
        )
