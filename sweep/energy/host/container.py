"""What a container allows this process: cores, also fractions of one, and memory; and what it holds of that.

    cores     threads may run on            sched_getaffinity: cpusets and taskset
              quota / period                cgroup v2 cpu.max, v1 cpu.cfs_quota_us / cpu.cfs_period_us
    memory    limit                         cgroup v2 memory.max, v1 memory.limit_in_bytes
              held                          resident pages, second field of /proc/self/statm

(Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst in the kernel tree; proc(5).)
/proc/self/cgroup tells the group of the process; the least limit of it and of all groups above counts. Inside a
container the group's path is often that of the host and does not exist: the walk upward then ends at the root, which
is where a container finds its own limits.

Limits. Resident pages that several processes share are counted in each. Memory of child processes is not seen.
Without /proc, on macOS and Windows, the memory held is not known: the peak that getrusage tells is not what is held.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from sweep.energy.host.process import usable_cores

_NO_LIMIT_BYTES = 1 << 60
"""Above this a cgroup v1 says that it sets no limit: 2^63 less a page."""


class Limits(NamedTuple):
    """What this process may use at most.

    Attributes:
        cores: logical cores, e.g. 1.5.
        memory_bytes: ``None`` if no container limits it.
    """

    cores: float
    memory_bytes: int | None


def read_limits(proc: Path = Path("/proc"), sysfs: Path = Path("/sys")) -> Limits:
    """The limits of this process now.

    Args:
        proc: where procfs is mounted.
        sysfs: where sysfs is mounted, cgroups below ``fs/cgroup``.
    """
    root = sysfs / "fs" / "cgroup"
    paths = _groups(proc / "self" / "cgroup")
    cpu_1, memory_1 = (list(_upward(root / name, paths.get(name, "/"))) for name in ("cpu", "memory"))
    unified = list(_upward(root, paths.get("", "/")))
    quotas = [_share(_numbers(folder / "cpu.max")) for folder in unified]
    quotas += [_share(_numbers(at / "cpu.cfs_quota_us") + _numbers(at / "cpu.cfs_period_us")) for at in cpu_1]
    memories = [_numbers(folder / "memory.max") for folder in unified]
    memories += [_numbers(folder / "memory.limit_in_bytes") for folder in memory_1]
    memory = min((limit for limits in memories for limit in limits), default=math.inf)
    return Limits(min([*quotas, usable_cores()]), int(memory) if memory < _NO_LIMIT_BYTES else None)


def held_bytes(proc: Path = Path("/proc")) -> int | None:
    """Memory that this process holds now; ``None`` if the system does not tell."""
    try:
        descriptor = os.open(f"{proc}/self/statm", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 128).split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
    finally:
        os.close(descriptor)


def _groups(path: Path) -> dict[str, str]:
    """The group of this process by controller; the empty one is that of version 2."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    fields = [line.split(":", 2) for line in lines]
    return {name: group for _, names, group in (f for f in fields if len(f) == 3) for name in names.split(",")}


def _upward(root: Path, group: str) -> Iterator[Path]:
    """Folders of a group and of those above it, up to the root."""
    path = PurePosixPath(group.strip("/"))
    inside = PurePosixPath() if ".." in path.parts else path  # of a group outside the root the root alone is seen
    for part in (inside, *inside.parents):
        yield root / part


def _numbers(path: Path) -> list[float]:
    """Numbers of a cgroup file, ``max`` as infinity; none if the file is missing or not as expected."""
    try:
        return [math.inf if word == "max" else float(word) for word in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _share(quota_and_period: list[float]) -> float:
    """Cores of a quota; none set, which version 1 writes as -1, is infinity."""
    match quota_and_period:
        case [quota, period] if quota > 0 and period > 0:
            return quota / period
    return math.inf
