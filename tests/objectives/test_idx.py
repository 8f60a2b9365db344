"""IDX files: read as the format says, and every way in which one may be wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from objectives._idx import IMAGES, LABELS, read_idx
from sweep.errors import DataError

HEAD = b"\x00\x00\x08\x03" + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + b"\x00\x00\x01\x02"
"""Two images of 3 x 258, byte by byte: uint8, three axes, big endian."""
VALUES = bytes(value % 251 for value in range(2 * 3 * 258))


@pytest.mark.parametrize("packed", [False, True])
def test_images_are_read_row_by_row(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(HEAD + VALUES) if packed else HEAD + VALUES)
    images = read_idx(path, IMAGES)
    assert images.shape == (2, 3, 258)
    assert images.dtype == np.uint8
    assert images[1, 2, 5] == (1 * 3 * 258 + 2 * 258 + 5) % 251


def test_labels_are_read(tmp_path: Path) -> None:
    (tmp_path / "labels").write_bytes(struct.pack(">II", 2049, 4) + bytes([9, 0, 3, 3]))
    assert read_idx(tmp_path / "labels", LABELS).tolist() == [9, 0, 3, 3]


BAD = {
    "labels for images": (struct.pack(">II", 2049, 1) + b"\0", "begins with the magic number 2049, images begin with"),
    "little endian": (struct.pack("<I", 2051) + HEAD[4:] + VALUES, "the magic number 50855936"),
    "empty": (b"", "begins with nothing, images begin with 2051"),
    "cut in the head": (HEAD[:10], "has 10 bytes, its head alone has 16"),
    "cut in the values": (HEAD + VALUES[:-1], "has 1547 values, its head says 2 x 3 x 258: copy it again"),
    "too long": (HEAD + VALUES + b"\0", "has 1549 values, its head says 2 x 3 x 258"),
    "gzip, cut": (gzip.compress(HEAD + VALUES)[:-9], "cannot be read .*end-of-stream"),
    "gzip, damaged": (gzip.compress(HEAD + VALUES)[:-8] + bytes(8), "cannot be read .*CRC"),
    "gzip, rubbish": (b"\x1f\x8b" + bytes(30), "cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, case: str) -> None:
    content, message = BAD[case]
    (tmp_path / "images.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(tmp_path / "images.gz", IMAGES)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images\.gz does not exist: give the path"):
        read_idx(tmp_path / "images.gz", IMAGES)


def test_a_file_that_may_not_be_read_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match="may not be read"):
        read_idx(tmp_path, IMAGES)
