"""Clocks that stand still until told otherwise."""

import itertools
from collections.abc import Callable

from sweep.energy.host.process import ProcessClock, ThreadTimes


class FakeTime:
    """A monotonic clock moved by hand, in seconds."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def counting(tick_s: float) -> Callable[[], float]:
    """A clock on which every look at it takes so long, and nothing else does."""
    looks = itertools.count()
    return lambda: tick_s * next(looks)


class FakeProcess(ProcessClock):
    """Process counters moved by hand; ``wait`` is ``None`` where the platform does not tell."""

    def __init__(self, wait: float | None = 0.0) -> None:
        self.wall = 100.0
        self.cpu = 7.0
        self.wait = wait
        self.own_cpu = 0.5
        self.own_wait = 0.0

    def spend(self, wall: float = 0.0, cpu: float = 0.0, wait: float = 0.0, own: float = 0.0) -> None:
        """Let time pass; ``own`` is the calling thread's part of ``cpu``."""
        self.wall += wall
        self.cpu += cpu
        self.own_cpu += own
        if self.wait is not None:
            self.wait += wait

    def wall_s(self) -> float:
        return self.wall

    def cpu_s(self) -> float:
        return self.cpu

    def wait_s(self) -> float | None:
        return self.wait

    def thread(self) -> ThreadTimes:
        return ThreadTimes(self.own_cpu, None if self.wait is None else self.own_wait)
