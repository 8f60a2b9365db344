"""The load check: how much other programs disturbed a stretch of training, and which measured domains they are in.

    wait_share       lost / wall: the process waited for a core (``sweep.energy.host.process``)
    other_cpu_share  CPU time of others / (cores * wall): they worked beside it (``sweep.energy.host.neighbours``)
    others           processes of others on a GPU, as its driver tells

One training thread beside an idle core waited 0.008 of the time, and beside one busy neighbour for each core 0.67.
Above ``THRESHOLD`` the stretch is contaminated: its duration belongs in part to someone else. Counters see whole
devices: where a domain of the processor is measured, others that use more than ``THRESHOLD`` of the cores contaminate
it even where they do not keep the training waiting, and a GPU is contaminated by any process of others that computes
on it. A stretch in which the process stood still for seconds (suspended by a signal, a debugger or the machine) holds
time and joules that are not the training's, and is marked as well.

Limits: threads of this process that compete with each other (more threads than cores) count as waiting too, and so does
what was set apart. Where the kernel does not tell the wait (macOS) ``wait_share`` is ``None``. That other programs used
memory bandwidth or caches is not seen.
"""

from collections.abc import Callable, Mapping, Sequence

from sweep.energy.host.neighbours import Busy, busy, other_share
from sweep.energy.host.process import ProcessClock, lost_s
from sweep.records import Domain, LoadCheck, Provenance, Sensors

THRESHOLD = 0.05
"""Share of the wall time; half of the repeatability of modelled joules (``EstimatedMeter``)."""

PROCESSOR = frozenset({"package", "dram", "psys", "core", "uncore", "cpu"})
"""Kinds of domains that other programs' CPU time shows in."""


class LoadWatch:
    """Checks the load from ``start`` to ``stop``.

    Args:
        clock: counters of the process.
        threshold: shares above which a stretch is contaminated.
        look: CPU time of the machine.

    Attributes:
        foreign: why each measured domain that does so held joules of other programs at the last check.
    """

    def __init__(
        self,
        clock: ProcessClock | None = None,
        threshold: float = THRESHOLD,
        look: Callable[[], Busy | None] = busy,
    ) -> None:
        self._clock = clock or ProcessClock()
        self._threshold = threshold
        self._look = look
        self._before: tuple[float, float, float | None] | None = None
        self._busy: Busy | None = None
        self.foreign: dict[str, str] = {}

    def start(self) -> None:
        """Begin, or begin anew."""
        self._busy = self._look()
        self._before = self._counters()

    def stop(
        self,
        domains: Sequence[Domain] = (),
        sensors: Mapping[str, Sensors] | None = None,
        paused_s: float = 0.0,
    ) -> LoadCheck | None:
        """The check since ``start``; ``None`` if the platform tells nothing, or nothing was started.

        Args:
            domains: of the meter.
            sensors: what they told meanwhile.
            paused_s: seconds in which nobody read the meter.
        """
        if self._before is None:
            return None
        waited, others = self._waited(self._before, self._counters()), other_share(self._busy, self._look())
        self._before = self._busy = None
        measured = [domain for domain in domains if domain.provenance == Provenance.MEASURED]
        found = {domain.name: self._foreign(domain, others, (sensors or {}).get(domain.name)) for domain in measured}
        self.foreign = {name: reason for name, reason in found.items() if reason}
        reasons = dict.fromkeys(self.foreign.values())
        if waited is not None and waited > self._threshold:
            reasons[f"it waited {waited:.0%} of its time for a core"] = None
        if paused_s:
            reasons[f"it stood still for {paused_s:.0f} s: suspended, or a driver hung"] = None
        if waited is None and others is None and not reasons:
            return None
        return LoadCheck(
            wait_share=waited,
            contaminated=bool(reasons),
            other_cpu_share=others,
            domains=list(self.foreign),
            reasons=list(reasons),
        )

    def _waited(
        self, before: tuple[float, float, float | None], after: tuple[float, float, float | None]
    ) -> float | None:
        (wall0, cpu0, wait0), (wall1, cpu1, wait1) = before, after
        if wait0 is None or wait1 is None or wall1 <= wall0:
            return None
        return lost_s(wall1 - wall0, cpu1 - cpu0, wait1 - wait0) / (wall1 - wall0)

    def _foreign(self, domain: Domain, others: float | None, sensors: Sensors | None) -> str | None:
        """Why a measured domain holds joules of other programs; ``None`` if it does not."""
        if domain.kind in PROCESSOR and others is not None and others > self._threshold:
            return f"other programs used {others:.0%} of the machine's cores"
        if domain.kind not in PROCESSOR and sensors is not None and sensors.others_max:
            return f"{sensors.others_max} other {_processes(sensors.others_max)} on {domain.name}"
        return None

    def _counters(self) -> tuple[float, float, float | None]:
        return self._clock.wall_s(), self._clock.cpu_s(), self._clock.wait_s()


def _processes(count: int) -> str:
    return "process" if count == 1 else "processes"
