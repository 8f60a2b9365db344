"""A test stand: a real meter under a real recorder, on fake sensors and a clock moved by hand.

    stand.at(20.0, lambda: tree.set_counter("0", 0.0))
    stand.pass_time(60.0)
    stand.joules("package:0")

The poller's thread sleeps meanwhile; the stand takes its readings, so that each falls on a known time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clocks import FakeTime

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.records import DomainEnergy

NEVER_S = 3600.0
EVERY_S = 0.1


class Stand:
    """What is on the stand.

    Args:
        recorder: entered.
        clock: the recorder's, at the start.
        sync: moves the fake counters to a time.

    Attributes:
        true_s: the time that has passed, whatever the clock says.
    """

    def __init__(self, recorder: Recorder, clock: FakeTime, sync: Callable[[float], None], warnings: list[str]) -> None:
        self.recorder = recorder
        self.clock = clock
        self.warnings = warnings
        self.start_s = self.true_s = clock.now_s
        self._sync = sync
        self._events: list[tuple[float, Callable[[], object]]] = []

    def at(self, after_s: float, event: Callable[[], object]) -> None:
        """Do something so many seconds after the start, before the reading of that time."""
        self._events.append((self.start_s + after_s, event))

    def pass_time(self, duration_s: float, every_s: float = EVERY_S) -> None:
        """Let time pass, with a reading every so often."""
        shown_s, from_s = self.clock.now_s, self.true_s
        for step in range(1, round(duration_s / every_s) + 1):
            self.clock.now_s, self.true_s = shown_s + step * every_s, from_s + step * every_s
            self._sync(self.true_s)
            for event in [event for time_s, event in self._events if time_s <= self.true_s + 1e-9]:
                event()
            self._events = [item for item in self._events if item[0] > self.true_s + 1e-9]
            self.recorder.settle()

    def step_clock(self, by_s: float) -> None:
        """The clock goes wrong; what the counters count does not care."""
        self.clock.now_s += by_s

    def suspend(self, duration_s: float) -> None:
        """The process sleeps, the machine does not."""
        self.pass_time(duration_s, every_s=duration_s)

    def joules(self, name: str, after_s: float = 0.0) -> DomainEnergy:
        """Joules of a domain from so many seconds after the start until now."""
        return self.recorder.energy(self.start_s + after_s, self.clock.now_s)[name]


@contextmanager
def on_stand(meter: Meter, clock: FakeTime, sync: Callable[[float], None] = lambda now_s: None) -> Iterator[Stand]:
    """Put a meter on the stand."""
    meter.poll_interval_s, warnings = NEVER_S, list[str]()
    sync(clock.now_s)
    with Recorder(meter, clock, warnings.append) as recorder:
        yield Stand(recorder, clock, sync, warnings)
