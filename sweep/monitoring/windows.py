"""Named windows within a measurement: nested, repeated, summed by the path of their names."""

from dataclasses import dataclass, field

from sweep.analysis.measured import WindowEnergy
from sweep.monitoring.interval import Energies, Interval, Source, additive_j, plus


@dataclass(eq=False)
class Window:
    """One window; its joules are known when it has ended.

    Attributes:
        name: path of names, ``outer/inner``.
        duration_s: ``None`` before it has ended, as all that follows.
    """

    name: str
    interval: Interval
    duration_s: float | None = None
    by_domain: Energies = field(default_factory=dict)

    @property
    def energy_j(self) -> float | None:
        """Joules of additive domains."""
        return additive_j(self.by_domain)


@dataclass
class _Sum:
    count: int = 0
    duration_s: float = 0.0
    spent: Energies = field(default_factory=dict)


class Windows:
    """Windows that are open, and the sums of those that have ended."""

    def __init__(self) -> None:
        self._open: list[Window] = []
        self._sums: dict[str, _Sum] = {}

    def begin(self, name: str, now_s: float) -> Window:
        """Open one within those that are open."""
        path = f"{self._open[-1].name}/{name}" if self._open else name
        window = Window(path, Interval(now_s))
        self._open.append(window)
        self._sums.setdefault(path, _Sum())  # in order of their beginnings
        return window

    def end(self, window: Window, source: Source, now_s: float) -> None:
        """Close one; nothing to do if it was closed with the monitor."""
        if window not in self._open:
            return
        self._open.remove(window)
        window.by_domain = window.interval.upto(source, now_s)
        window.duration_s = now_s - window.interval.start_s
        total = self._sums[window.name]
        total.count += 1
        total.duration_s += window.duration_s
        total.spent = plus(total.spent, window.by_domain)

    def end_all(self, source: Source, now_s: float) -> None:
        """Close those that are open, innermost first."""
        for window in self._open[::-1]:
            self.end(window, source, now_s)

    def cut(self, source: Source, now_s: float) -> None:
        """The timeline before now is needed no longer."""
        for window in self._open:
            window.interval.cut(source, now_s)

    def results(self) -> list[WindowEnergy]:
        """Sums of those that have ended."""
        return [
            WindowEnergy(name, total.count, total.duration_s, additive_j(total.spent), dict(total.spent))
            for name, total in self._sums.items()
            if total.count
        ]
