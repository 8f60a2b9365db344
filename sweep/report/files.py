"""Files that are replaced at once or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write and to read back, which takes the place of ``path`` at the end of a block that no error ends.

    Raises:
        OSError: if its folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w+b") as stream:
            yield stream
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, text: str) -> None:
    """Write a text; errors as those of ``replacing``."""
    with replacing(path) as stream:
        stream.write(text.encode())
