"""The recorder: marks, polling, failing meters, and an orderly end."""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.errors import MeterError
from sweep.records import Domain, Joules, Provenance
from tests.clocks import FakeTime


class PowerMeter(Meter):
    """10 W on a clock moved by hand; ``fail`` makes readings raise."""

    poll_interval_s = 3600.0
    exact: ClassVar[bool] = True

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.fail = False
        self.opened = self.closed = 0
        self.apart: list[str] = []

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.closed += 1

    @property
    def domains(self) -> tuple[Domain, ...]:
        return (Domain(name="psu", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0),)

    def read(self) -> Joules:
        if self.fail:
            raise OSError("the sensor is gone")
        return {"psu": 10 * self.clock()}

    @contextmanager
    def set_apart(self) -> Iterator[None]:
        self.apart.append(threading.current_thread().name)
        yield


class TickedMeter(PowerMeter):
    exact: ClassVar[bool] = False


def test_marks_of_an_exact_meter_are_readings() -> None:
    clock = FakeTime()
    with Recorder(PowerMeter(clock), clock) as recorder:
        clock.now_s = 1.5
        start_s = recorder.mark()
        clock.now_s = 4.0
        end_s = recorder.mark()
        assert (start_s, end_s) == (1.5, 4.0)
        assert [reading.time_s for reading in recorder.timeline.readings()] == [0.0, 1.5, 4.0]
        assert recorder.timeline.joules(start_s, end_s) == {"psu": 25.0}


def test_marks_of_a_ticked_meter_are_times_only_until_settled() -> None:
    clock = FakeTime()
    with Recorder(TickedMeter(clock), clock) as recorder:
        clock.now_s = 2.0
        end_s = recorder.mark()
        assert recorder.timeline.joules(0, end_s) == {"psu": None}
        clock.now_s = 3.0
        recorder.settle()
        assert recorder.timeline.joules(0, end_s) == {"psu": 20.0}


def test_a_failing_reading_is_a_hole_and_one_warning() -> None:
    clock, warnings = FakeTime(), list[str]()
    meter = PowerMeter(clock)
    with Recorder(meter, clock, warnings.append) as recorder:
        meter.fail = True
        for now_s in (1.0, 2.0):
            clock.now_s = now_s
            recorder.mark()
        meter.fail = False
        clock.now_s = 3.0
        recorder.mark()
        assert recorder.timeline.joules(0, 3) == {"psu": 30.0}
        assert recorder.energy(0, 3)["psu"].gap_s == 3.0
        assert recorder.energy(0, 2)["psu"].u_random_j == pytest.approx(10.0 * 3.0 / math.sqrt(12))
        assert recorder.failures == 2
    assert len(warnings) == 1
    assert "the sensor is gone" in warnings[0]


def test_a_time_without_readings_is_told_if_the_poller_should_have_read() -> None:
    clock = FakeTime()
    meter = PowerMeter(clock)
    with Recorder(meter, clock) as recorder:
        meter.poll_interval_s = 1.0
        for clock.now_s in (4.0, 24.0, 26.0):
            recorder.settle()
        assert recorder.paused_s(0.0, 4.0) == 0.0
        assert recorder.paused_s(0.0, 26.0) == 20.0
        assert recorder.paused_s(10.0, 12.0) == 20.0  # within it
        assert recorder.paused_s(24.5, 26.0) == 0.0
        meter.poll_interval_s = 10.0
        assert recorder.paused_s(0.0, 26.0) == 0.0


def test_warnings_go_to_the_log_by_default(caplog: pytest.LogCaptureFixture) -> None:
    meter = PowerMeter(FakeTime())
    meter.fail = True
    with Recorder(meter, FakeTime()):
        pass
    assert [record.name for record in caplog.records] == ["sweep.energy.recorder"]


def test_a_clock_that_goes_back_does_not_reach_the_loop() -> None:
    clock, warnings = FakeTime(5.0), list[str]()
    with Recorder(PowerMeter(clock), clock, warnings.append) as recorder:
        clock.now_s = 4.0
        assert recorder.mark() == 4.0
        assert len(recorder.timeline) == 1
        clock.now_s = 6.0
    assert "monotonic clock" in warnings[0]


def test_the_poller_reads_beside_the_work_and_sets_itself_apart() -> None:
    ticks = itertools.count()
    meter = PowerMeter(lambda: float(next(ticks)))
    meter.poll_interval_s = 0.001
    with Recorder(meter) as recorder:
        deadline_s = time.monotonic() + 10
        while len(recorder.timeline) < 5 and time.monotonic() < deadline_s:
            time.sleep(0.001)
        assert len(recorder.timeline) >= 5
        assert "sweep-poller" in meter.apart
    assert not any(thread.name == "sweep-poller" for thread in threading.enumerate())


def test_closes_the_meter_and_keeps_the_timeline_when_the_body_raises() -> None:
    clock = FakeTime()
    meter = PowerMeter(clock)
    recorder = Recorder(meter, clock)

    def train() -> None:
        with recorder:
            clock.now_s = 2.0
            raise RuntimeError("training")

    with pytest.raises(RuntimeError, match="training"):
        train()
    assert (meter.opened, meter.closed) == (1, 1)
    assert recorder.timeline.joules(0, 2) == {"psu": 20.0}


def test_a_meter_that_does_not_open_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: PowerMeter) -> None:
        raise MeterError("no sensor", "plug one in")

    monkeypatch.setattr(PowerMeter, "open", refuse)
    before = threading.active_count()
    with pytest.raises(MeterError, match="plug one in"), Recorder(PowerMeter(FakeTime())):
        pass
    assert threading.active_count() == before


def test_marks_from_several_threads_stay_in_order() -> None:
    with Recorder(PowerMeter(time.monotonic)) as recorder:
        threads = [
            threading.Thread(target=lambda: [recorder.mark() for _ in range(200)], name=f"worker-{i}") for i in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times = [reading.time_s for reading in recorder.timeline.readings()]
    assert times == sorted(times)
    assert recorder.failures == 0


def test_there_is_no_timeline_before_entry() -> None:
    with pytest.raises(RuntimeError, match="entered"):
        _ = Recorder(PowerMeter(FakeTime())).timeline


def test_a_reading_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    release, warnings = threading.Event(), list[str]()
    monkeypatch.setattr("sweep.energy.recorder._JOIN_S", 0.05)

    class HangingMeter(PowerMeter):
        poll_interval_s = 0.001

        def read(self) -> Joules:
            if threading.current_thread().name == "sweep-poller":
                hung.set()
                release.wait(10)
            return super().read()

    hung = threading.Event()
    meter = HangingMeter(time.monotonic)
    with Recorder(meter, warn=warnings.append):
        assert hung.wait(10)
    release.set()
    assert meter.closed == 1
    assert "has not returned" in warnings[0]
