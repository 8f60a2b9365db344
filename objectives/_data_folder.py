"""Where data sets and caches live."""

import os
from pathlib import Path


def data_folder() -> Path:
    """``$SWEEP_DATA``, or ``data`` in the current folder."""
    return Path(os.environ.get("SWEEP_DATA") or "data").expanduser()
