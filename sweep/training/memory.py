"""Peak memory of a stretch of work.

On a GPU what torch's allocator held at most (``torch.cuda.max_memory_allocated``, the largest of all devices). Else the
peak of the process's resident memory, from the kernel. That mark only rises, over the whole life of the process; Linux
can lower it to the present (5 into ``/proc/self/clear_refs``, proc(5)). Where that is not possible, a mark that has
risen since was set by this work, and one that has not says nothing: ``None``.

Limits: resident memory counts the interpreter and its libraries (some 300 MB with torch), and data shared by trials.
"""

import sys
from pathlib import Path

import torch

PROC = Path("/proc/self")
SET_TO_PRESENT = "5"


class PeakMemory:
    """Counts from when it is made.

    Args:
        proc: where the kernel tells of this process.
    """

    def __init__(self, proc: Path = PROC) -> None:
        self._is_lowered = _lower(proc)
        self._before_bytes = _process_peak()
        if torch.cuda.is_available():
            for index in range(torch.cuda.device_count()):
                torch.cuda.reset_peak_memory_stats(index)

    def peak_bytes(self, device: torch.device) -> int | None:
        """The peak so far, of the GPU if ``device`` is one; ``None`` if it cannot be told."""
        if device.type == "cuda":
            return torch.cuda.max_memory_allocated(device)
        now = _process_peak()
        has_risen = now is not None and self._before_bytes is not None and now > self._before_bytes
        return now if self._is_lowered or has_risen else None


def _lower(proc: Path) -> bool:
    """Set the mark to what is resident now; false if this system cannot."""
    try:
        (proc / "clear_refs").write_text(SET_TO_PRESENT)
    except OSError:
        return False
    return True


def _process_peak() -> int | None:
    """Largest resident memory of this process, in bytes; ``None`` on Windows."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
