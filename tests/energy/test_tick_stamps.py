"""Stamping the ticks of a counter, and finding them again in the timeline."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.energy.timeline import Timeline
from sweep.records import Domain, Joules, Provenance, Reading

pytestmark = pytest.mark.alone


class Counter(Meter):
    """1 J for each tick of 20 ms; polled once an hour unless its ticks are stamped."""

    poll_interval_s = 3600.0

    def __init__(self, tick_s: float | None = 0.02, fails: Callable[[], bool] = lambda: False) -> None:
        self.tick_s, self.fails, self.reads = tick_s, fails, 0

    def open(self) -> None:
        self.start_s = time.monotonic()

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
        return {"a": (time.monotonic() - self.start_s) // (self.tick_s or 0.02), "b": 0.0}


def test_only_changes_are_stored_and_soon_after_they_happen() -> None:
    meter = Counter()
    with Recorder(meter) as recorder:
        before = len(recorder.timeline)
        with recorder.tick_stamped():
            time.sleep(0.6)
        after_s = time.monotonic()
        times_s, joules = recorder.timeline.updates("a", meter.start_s, after_s)
        assert len(recorder.timeline) - before == len(times_s)
        assert len(times_s) > 15
        late_s = times_s - meter.start_s - joules * 0.02
        assert abs(np.median(late_s)) < 0.005


def test_afterwards_the_poller_is_as_slow_as_before() -> None:
    meter = Counter()
    with Recorder(meter) as recorder:
        with recorder.tick_stamped():
            time.sleep(0.1)
        time.sleep(0.05)
        reads = meter.reads
        time.sleep(0.2)
        assert meter.reads <= reads + 1
        with recorder.tick_stamped():
            time.sleep(0.2)
        assert meter.reads > reads + 10
    assert not any(thread.name == "sweep-poller" for thread in threading.enumerate())


def test_a_counter_without_ticks_is_read_now_and_then() -> None:
    meter = Counter(tick_s=None)
    with Recorder(meter) as recorder, recorder.tick_stamped():
        time.sleep(0.2)
        assert 3 < len(recorder.timeline) < 100


def test_failing_readings_are_holes_and_end_nothing() -> None:
    failing, warnings = threading.Event(), list[str]()
    with Recorder(Counter(fails=failing.is_set), warn=warnings.append) as recorder, recorder.tick_stamped():
        time.sleep(0.1)
        failing.set()
        time.sleep(0.1)
        failing.clear()
        time.sleep(0.2)
        updates, _ = recorder.timeline.updates("a", 0.0, time.monotonic())
        assert recorder.failures > 0
        assert updates[-1] - updates[0] > 0.2
    assert len(warnings) == 1


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
