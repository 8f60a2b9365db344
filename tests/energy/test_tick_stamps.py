"""Stamping the ticks of a counter, and finding them again in the timeline."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from clocks import FakeTime
from counting import until

from sweep.energy.meter import Meter
from sweep.energy.recorder import LOOKS_A_TICK, Recorder
from sweep.energy.timeline import Timeline
from sweep.records import Domain, Joules, Provenance, Reading

TICK_S = 0.02
LATE = 1.1
"""A thread wakes up that much later than it asked for."""


class Counter(Meter):
    """1 J for each tick; polled once an hour unless its ticks are stamped."""

    poll_interval_s = 3600.0

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        tick_s: float | None = TICK_S,
        fails: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock, self.tick_s, self.fails, self.reads = clock, tick_s, fails, 0

    def open(self) -> None:
        self.start_s = self.clock()

    def close(self) -> None:
        pass

    @property
    def domains(self) -> tuple[Domain, ...]:
        return (
            Domain(name="a", provenance=Provenance.MEASURED, scale_u_rel=0, random_u_rel=0, tick_s=self.tick_s),
            Domain(name="b", provenance=Provenance.MEASURED, scale_u_rel=0, random_u_rel=0),
        )

    def read(self) -> Joules:
        self.reads += 1
        if self.fails():
            raise OSError("gone")
        return {"a": (self.clock() - self.start_s) // TICK_S, "b": 0.0}


class Waiting(threading.Event):
    """Whoever waits for it lets time pass instead."""

    def __init__(self, clock: FakeTime) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.now_s += LATE * (timeout or 0.0)
        return False


class Stamping(Recorder):
    """Stamps ticks when it is told to, in time that only its waiting lets pass, and not in a thread."""

    def __init__(self, meter: Counter, clock: FakeTime, warn: Callable[[str], None] | None = None) -> None:
        super().__init__(meter, clock, warn)
        self._stop, self._time = Waiting(clock), clock

    def _poll(self) -> None:
        pass

    def stamp(self, duration_s: float) -> None:
        end_s = self._time.now_s + duration_s
        with self.tick_stamped():
            while self._time.now_s < end_s:
                self._stamp_a_tick()


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(100.0)


def test_only_changes_are_stored_and_soon_after_they_happen(clock: FakeTime) -> None:
    meter = Counter(clock)
    with Stamping(meter, clock) as recorder:
        before, reads = len(recorder.timeline), meter.reads
        recorder.stamp(0.6)
        times_s, joules = recorder.timeline.updates("a", meter.start_s, clock.now_s)
        assert len(recorder.timeline) - before == len(times_s)
        assert len(times_s) == pytest.approx(0.6 / TICK_S, abs=2)
        assert meter.reads - reads < 8 * len(times_s)
        late_s = times_s - meter.start_s - joules * TICK_S
        assert np.abs(late_s).max() <= 0.51 * LATE * TICK_S / LOOKS_A_TICK


def test_a_counter_without_ticks_is_read_now_and_then(clock: FakeTime) -> None:
    with Stamping(Counter(clock, tick_s=None), clock) as recorder:
        recorder.stamp(0.2)
        assert 3 < len(recorder.timeline) < 100


def test_failing_readings_are_holes_and_end_nothing(clock: FakeTime) -> None:
    failing, warnings = threading.Event(), list[str]()
    with Stamping(Counter(clock, fails=failing.is_set), clock, warnings.append) as recorder:
        recorder.stamp(0.1)
        failing.set()
        recorder.stamp(0.1)
        failing.clear()
        recorder.stamp(0.2)
        updates, _ = recorder.timeline.updates("a", 0.0, clock.now_s)
        assert recorder.failures > 0
        assert updates[-1] - updates[0] > 0.3
    assert len(warnings) == 1


@pytest.fixture
def polled() -> Iterator[tuple[Counter, Recorder]]:
    """A counter in real time, and the thread that reads it."""
    meter = Counter()
    with Recorder(meter) as recorder:
        yield meter, recorder
    assert not any(thread.name == "sweep-poller" for thread in threading.enumerate())


def test_the_poller_stamps_and_is_as_slow_as_before_afterwards(polled: tuple[Counter, Recorder]) -> None:
    meter, recorder = polled
    with recorder.tick_stamped():
        until(lambda: len(recorder.timeline) > 3)
    reads = meter.reads
    time.sleep(0.3)
    assert meter.reads <= reads + 3  # those of the tick that it was looking for
    with recorder.tick_stamped():
        until(lambda: meter.reads > reads + 20)


def test_updates_are_the_readings_at_which_a_counter_moved() -> None:
    timeline = Timeline(Counter().domains)
    for time_s, a in enumerate([0.0, 0.0, 2.0, None, 2.0, 5.0, 5.0, 1.0, 3.0]):
        timeline.append(Reading(time_s=float(time_s), energy_j={"a": a, "b": 0.0}))
    times_s, joules = timeline.updates("a", 0.0, 8.0)
    assert (times_s.tolist(), joules.tolist()) == ([2.0, 5.0, 8.0], [2.0, 5.0, 3.0])
    assert timeline.updates("a", 2.0, 4.9)[0].tolist() == []
    assert timeline.updates("a", 1.5, 5.0)[0].tolist() == [2.0, 5.0]
    assert timeline.updates("b", 0.0, 8.0)[0].tolist() == []


@pytest.mark.parametrize("bounds_s", [(-5.0, -1.0), (20.0, 30.0)])
def test_there_are_no_updates_beyond_the_readings(bounds_s: tuple[float, float]) -> None:
    timeline = Timeline(Counter().domains)
    assert timeline.updates("a", *bounds_s)[0].tolist() == []
    timeline.append(Reading(time_s=0.0, energy_j={"a": 1.0, "b": None}))
    assert timeline.updates("a", *bounds_s)[0].tolist() == []
    assert timeline.updates("b", -5.0, 5.0)[0].tolist() == []
