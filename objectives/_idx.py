"""Arrays in IDX files, the format of MNIST and its kin, plain or compressed with gzip.

    offset 0   two zero bytes, type of the values (8: uint8), number of axes
    offset 4   length of each axis, 4 bytes, big endian
    then       the values, last axis fastest

As one big-endian number the first four bytes are 2051 for images (three axes) and 2049 for labels (one). Source:
http://yann.lecun.com/exdb/mnist. Limit: values of type uint8 only.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweep.errors import DataError

IMAGES = 2051
LABELS = 2049

_GZIP = b"\x1f\x8b"
_COPY = "copy it again"


def read_idx(path: Path, magic: int) -> NDArray[np.uint8]:
    """Read one file.

    Args:
        path: the file; gzip is recognised by its content, not by its name.
        magic: what it should hold, ``IMAGES`` or ``LABELS``.

    Returns:
        Shape ``(n, height, width)`` for images, ``(n,)`` for labels.

    Raises:
        DataError: if it is not there, may not be read, holds something else, or has fewer or more values than it says.
    """
    content = _content(path)
    axes = magic & 0xFF
    start = 4 + 4 * axes
    found = int.from_bytes(content[:4], "big") if len(content) >= 4 else None
    if found != magic:
        what = "nothing" if found is None else f"the magic number {found}"
        raise DataError(
            f"{path} begins with {what}, {'images begin' if magic == IMAGES else 'labels begin'} with {magic}",
            f"give the IDX file, not another one, or {_COPY}",
        )
    if len(content) < start:
        raise DataError(f"{path} has {len(content)} bytes, its head alone has {start}", _COPY)
    shape = struct.unpack(f">{axes}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataError(f"{path} has {len(content) - start} values, its head says {' x '.join(map(str, shape))}", _COPY)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == _GZIP else content
    except FileNotFoundError as err:
        raise DataError(f"{path} does not exist", "give the path of the file") from err
    except PermissionError as err:
        raise DataError(f"{path} may not be read (permission denied)", "make it readable for you") from err
    except (OSError, EOFError, zlib.error) as err:  # gzip raises BadGzipFile, an OSError, or EOFError if it was cut
        raise DataError(f"{path} cannot be read ({err})", _COPY) from err
