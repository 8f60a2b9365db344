"""Files that are replaced at once or not at all."""

import os
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Write a file at once or not at all.

    Raises:
        OSError: if its folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
