"""Powercap trees whose counters move in real time, once a millisecond, with wraps and restarts where they are wanted.

One thread writes the counters of all trees. If the machine is busy it comes late, as a register that ticks late would:
``delays_s`` tells how late.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from _meter_scenes import ARM_S, RESTART_AT_J, Tree, Window
from fakes.powercap import TICK_S, FakePowercap, Zone, dies, epyc, intel, laptop

START_J = 12_345.0
PACKAGE = "0"


def build(root: Path, layout: str) -> FakePowercap:
    """A tree of this layout below a folder."""
    makers: dict[str, Callable[[], FakePowercap]] = {
        "intel": lambda: intel(root, 2, start_j=START_J),
        "epyc": lambda: epyc(root),
        "dies": lambda: dies(root, (START_J, START_J)),
        "laptop": lambda: laptop(root),
    }
    return makers[layout]()


class _MovingZone:
    """A counter that follows a power: the joules that it showed last are an offset plus the integral."""

    def __init__(self, zone: Zone, energy_j: Callable[[float], float]) -> None:
        self.zone = zone
        self.energy_j = energy_j
        self.offset_j = zone.total_j - energy_j(0.0)

    def show(self, time_s: float) -> None:
        self.zone.total_j = self.offset_j + self.energy_j(time_s)
        self.zone.write(self.zone.shown_uj())

    def set_total(self, total_j: float, at_s: float) -> None:
        """Have counted so much at a time."""
        self.offset_j = total_j - self.energy_j(at_s)


class MovingTrees:
    """Trees in real time.

    Args:
        folder: gets one folder for each tree.
        trees: by name.
        windows: in whose middle counters wrap or restart.
        clock: seconds since the zero of the scene.
    """

    def __init__(
        self, folder: Path, trees: Mapping[str, Tree], windows: Sequence[Window], clock: Callable[[], float]
    ) -> None:
        self.roots: dict[str, Path] = {}
        self.delays_s: list[float] = []
        self._clock = clock
        self._zones: list[_MovingZone] = []
        self._events: list[tuple[float, Callable[[], None]]] = []
        for number, (name, tree) in enumerate(trees.items()):
            self.roots[name] = root = folder / f"tree{number}"
            root.mkdir()
            self._add(build(root, tree.layout), tree, windows)
        self._events.sort(key=lambda event: event[0])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._move, name="powercap", daemon=True)

    def __enter__(self) -> "MovingTrees":
        """Start counting."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join()

    def _add(self, fake: FakePowercap, tree: Tree, windows: Sequence[Window]) -> None:
        zones = {
            address: _MovingZone(fake.zones[address], lambda time_s, power=power: power.energy_j(0.0, time_s))
            for address, power in tree.powers.items()
        }
        self._zones += zones.values()
        package = zones[PACKAGE]
        for window in windows:
            if tree.event == "wrap":
                self._at(window.start_s - ARM_S, package, package.zone.range_j, window.middle_s)
            elif tree.event == "restart":
                self._at(window.start_s - ARM_S, package, RESTART_AT_J, window.start_s)
                self._at(window.middle_s, package, 0.0, window.middle_s)

    def _at(self, when_s: float, zone: _MovingZone, total_j: float, at_s: float) -> None:
        """From ``when_s`` on, count as if the total were this at ``at_s``."""
        self._events.append((when_s, lambda: zone.set_total(total_j, at_s)))

    def _move(self) -> None:
        due_s = self._clock() // TICK_S * TICK_S
        while not self._stop.is_set():
            due_s = max(due_s + TICK_S, self._clock() // TICK_S * TICK_S)
            time.sleep(max(due_s - self._clock(), 0.0))
            tick_s = self._clock() // TICK_S * TICK_S
            while self._events and self._events[0][0] <= tick_s:
                self._events.pop(0)[1]()
            for zone in self._zones:
                zone.show(tick_s)
            self.delays_s.append(self._clock() - tick_s)
