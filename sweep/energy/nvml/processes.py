"""Who else computes on a GPU.

NVML lists the processes that hold a compute context on a board. This process and its descendants are ours; the rest are
others. In a container NVML tells the host's process ids, or none at all: if none of the ids is ours although torch
computes on the board here, one of the entries must be us.

Limits: a process that only draws is not counted; one that holds a context and does nothing is. Descendants are found
through /proc, so on Windows only the process itself is ours.
"""

import os
import sys
from collections.abc import Collection


def count_others(pids: Collection[int], ordinal: int) -> int:
    """Processes of others among those that compute on a board.

    Args:
        pids: of all that compute on it.
        ordinal: torch's number of the board.
    """
    foreign = [pid for pid in pids if not _descends(pid, os.getpid())]
    hidden = bool(foreign) and len(foreign) == len(pids) and _computes_here(ordinal)
    return len(foreign) - hidden


def _descends(pid: int, ancestor: int) -> bool:
    """Whether a process is another, or comes from it."""
    while pid > 1:
        if pid == ancestor:
            return True
        pid = _parent(pid)
    return False


def _parent(pid: int) -> int:
    """Field 4 of /proc/<pid>/stat (proc(5)); 0 where it cannot be read. The name before it may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123 - asked every second for each process
            return int(stat.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _computes_here(ordinal: int) -> bool:
    """Whether torch, if this process has it, holds memory on a board; asking starts nothing."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return False
    return bool(torch.cuda.memory_reserved(ordinal) > 0)
