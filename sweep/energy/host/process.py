"""Counters that the operating system keeps of this process: CPU time and run-queue wait.

    run-queue wait   seconds that threads were ready to run while other programs had the cores;
                     Linux: second field of /proc/self/task/<tid>/schedstat, in nanoseconds
                     (Documentation/scheduler/sched-stats.rst in the kernel tree)

From both follows what the load of others cost, ``lost_s``. With C the CPU time, Q the wait of all threads and W
the wall time of one interval, some thread was ready during at most min(W, C + Q), and of its ready time the
process was kept waiting for the share Q / (C + Q):

    lost = min(W, C + Q) Q / (C + Q)

This is exact for one thread, whether or not it also sleeps (then C + Q <= W, lost = Q), and for threads that keep
each other busy, as in a fork-join pool (W - lost = W C / (C + Q)). Threads that run side by side *and* sleep make
it too large.

Why this one. The same 40 training steps (batch 64, two OpenMP threads, passive wait policy) on two cores that were
not idle, with 0, 1, 2 and 4 spinning neighbours, medians of 6, in seconds:

    wall                        0.98  1.53  1.86  2.59
    wall - wait, main thread    0.61  0.80  0.94  1.15    a worker waits while the main thread sleeps at the barrier
    wall - wait, all threads    0.31  0.28  0.24  0.12    counts what two threads wait at once twice
    wall - lost                 0.58  0.64  0.67  0.72    CPU time: 0.87 0.89 0.93 0.91

With one thread the last three are the same: 0.59, 0.60, 0.61, 0.72.

Limits: children are not counted; threads that ended between two readings take their last wait with them; the
kernel books a wait when it ends, so one still under way (milliseconds) is seen by the next reading. Without
schedstat (macOS, Windows, a kernel without CONFIG_SCHED_INFO) the wait is ``None``.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple

_NS = 1e-9


def usable_cores() -> int:
    """Cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class ThreadTimes(NamedTuple):
    """CPU time and run-queue wait of one thread, in seconds; ``wait_s`` is ``None`` if not known."""

    cpu_s: float
    wait_s: float | None


class ProcessClock:
    """Wall time, CPU time and run-queue wait of this process, each cumulative and in seconds.

    Not safe from several threads at once: ``wait_s`` remembers what it saw.

    Args:
        proc: where Linux keeps the counters.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._tasks = str(proc / "self" / "task")
        self._own = str(proc / "thread-self" / "schedstat")
        self._waits: dict[str, float] = {}
        self._wait_s = 0.0

    def wall_s(self) -> float:
        """Monotonic wall time."""
        return time.monotonic()

    def cpu_s(self) -> float:
        """CPU time of all threads, those that have ended included."""
        return time.process_time()

    def thread(self) -> ThreadTimes:
        """Counters of the calling thread."""
        return ThreadTimes(time.thread_time(), _schedstat(self._own))

    def wait_s(self) -> float | None:
        """Run-queue wait of all threads since the first call, or ``None`` if the kernel does not tell."""
        if _schedstat(self._own) is None:
            return None
        waits: dict[str, float] = {}
        for task in os.listdir(self._tasks):  # noqa: PTH208 - a hot path: Path.iterdir costs twice as much
            wait = _schedstat(f"{self._tasks}/{task}/schedstat")
            if wait is not None:
                waits[task] = wait
                before = self._waits.get(task, 0.0)
                self._wait_s += wait - before if wait >= before else wait  # a reused id starts anew
        self._waits = waits
        return self._wait_s


def lost_s(wall_s: float, cpu_s: float, wait_s: float) -> float:
    """Seconds of an interval that were lost to other programs, see the module's text.

    Args:
        wall_s: wall time of the interval.
        cpu_s: CPU time of all threads in it.
        wait_s: run-queue wait of all threads in it.

    Returns:
        Between 0 and ``wall_s``.
    """
    ready_s = cpu_s + wait_s
    return min(wall_s, min(wall_s, ready_s) * wait_s / ready_s) if wait_s > 0 else 0.0  # rounding must not exceed it


def _schedstat(path: str) -> float | None:
    """Run-queue wait from one schedstat file; ``None`` if it is missing, or its thread has ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        _, wait_ns, runs = map(int, os.read(descriptor, 96).split())
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    return wait_ns * _NS if runs else None  # all zero: the kernel does not count
