"""The load check: how much other programs disturbed a stretch of training.

    wait_share = lost / wall

with ``lost`` the wall time that this process lost to others (``sweep.energy.process``). One
training thread beside an idle core waited 0.008 of the time, and beside one busy neighbour for each core 0.67. Above
``THRESHOLD`` the stretch is contaminated: its duration and what a counter of the whole package shows belong in part
to someone else.

Limits: a neighbour on a core of its own leaves no trace here although a package counter sees it; threads of this
process that compete with each other (more threads than cores) count as waiting too, and so does what was set apart;
child processes are not seen. Where the kernel does not tell the wait (macOS) the check is ``None``.
"""

from sweep.energy.process import ProcessClock, lost_s
from sweep.records import LoadCheck

THRESHOLD = 0.05
"""Share of the wall time; half of the repeatability of modelled joules (``EstimatedMeter``)."""


class LoadWatch:
    """Checks the load from ``start`` to ``stop``.

    Args:
        clock: counters of the process.
        threshold: share of the wall time above which a stretch is contaminated.
    """

    def __init__(self, clock: ProcessClock | None = None, threshold: float = THRESHOLD) -> None:
        self._clock = clock or ProcessClock()
        self._threshold = threshold
        self._before: tuple[float, float, float | None] | None = None

    def start(self) -> None:
        """Begin, or begin anew."""
        self._before = self._counters()

    def stop(self) -> LoadCheck | None:
        """The check since ``start``; ``None`` if the platform does not tell, or nothing was started."""
        if self._before is None:
            return None
        (wall0, cpu0, wait0), (wall1, cpu1, wait1) = self._before, self._counters()
        self._before = None
        if wait0 is None or wait1 is None or wall1 <= wall0:
            return None
        share = lost_s(wall1 - wall0, cpu1 - cpu0, wait1 - wait0) / (wall1 - wall0)
        return LoadCheck(wait_share=share, contaminated=share > self._threshold)

    def _counters(self) -> tuple[float, float, float | None]:
        return self._clock.wall_s(), self._clock.cpu_s(), self._clock.wait_s()
