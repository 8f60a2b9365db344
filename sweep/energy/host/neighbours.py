"""CPU time of other programs on the machine, from what the kernel counts.

    others = busy time of all cores - CPU time of this process and its descendants

    /proc/stat                    user, nice, system, irq and softirq of each core, in clock ticks
    /proc/<pid>/stat              utime, stime, and those of children that were waited for (fields 14 to 17)
    /proc/<pid>/task/*/children   living children
                                  (Documentation/filesystems/proc.rst in the kernel tree)

A container sees the whole host there, and so does a counter of the package: that is what is wanted. In a virtual
machine neither sees the other guests.

Limits: clock ticks of 10 ms; descendants that were born and left unattended between two looks count as others. Without
/proc/stat (macOS, Windows) nothing is known.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FIRST_CPU_FIELD = 11  # of /proc/<pid>/stat, counted after the program's name
BUSY_FIELDS = (0, 1, 2, 5, 6)


class Busy(NamedTuple):
    """CPU time so far.

    Attributes:
        machine_s: of all cores.
        own_s: of this process and its descendants.
        cores: of the machine.
        wall_s: when this was read, on the monotonic clock.
    """

    machine_s: float
    own_s: float
    cores: int
    wall_s: float


def busy(proc: Path = Path("/proc")) -> Busy | None:
    """CPU time of the machine and of this process; ``None`` if the platform does not tell.

    Args:
        proc: where procfs is mounted.
    """
    try:
        lines = (proc / "stat").read_text().splitlines()
        tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    cores = [line.split()[1:] for line in lines if line.startswith("cpu") and line[3:4].isdigit()]
    try:
        machine_s = tick_s * sum(int(core[field]) for core in cores for field in BUSY_FIELDS)
    except (IndexError, ValueError):
        return None
    own_s = tick_s * sum(_cpu_ticks(proc, pid) for pid in family(proc))
    return Busy(machine_s, own_s, len(cores), time.monotonic()) if cores else None


def other_share(before: Busy | None, after: Busy | None) -> float | None:
    """CPU time of other programs between two looks, over what all cores could have given; 0 to 1."""
    if before is None or after is None or after.wall_s <= before.wall_s:
        return None
    others_s = (after.machine_s - before.machine_s) - (after.own_s - before.own_s)
    return min(max(others_s / (after.cores * (after.wall_s - before.wall_s)), 0.0), 1.0)


def family(proc: Path = Path("/proc")) -> set[int]:
    """Process ids of this process and its living descendants."""
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(_children(proc, pid))
    return found


def _children(proc: Path, pid: int) -> Iterator[int]:
    for path in proc.glob(f"{pid}/task/*/children"):
        try:
            yield from map(int, path.read_text().split())
        except (OSError, ValueError):
            continue


def _cpu_ticks(proc: Path, pid: int) -> int:
    """Own CPU time and that of waited-for children; 0 for a process that has gone."""
    try:
        fields = (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[FIRST_CPU_FIELD : FIRST_CPU_FIELD + 4]))
    except (OSError, ValueError):
        return 0
