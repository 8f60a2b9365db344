"""Idle power of measured domains, and what stands in its way."""

import time

import pytest
from clocks import FakeProcess, FakeTime
from fakes.counters import CounterMeter, domain

from sweep.energy.checks.idle import BUSY, TRIES, idle_power_w, measure_idle
from sweep.energy.checks.load import LoadWatch
from sweep.energy.host.neighbours import Busy
from sweep.energy.recorder import Recorder
from sweep.records import Conditions, Domain, Provenance

MODELLED = domain("cpu:process", provenance=Provenance.MODELLED, idle_power_w=1.5)


def watch(others_s: float = 0.0) -> LoadWatch:
    """A watch that sees others use so much CPU time of one second of two cores, again and again."""
    seconds = iter(range(1000))
    return LoadWatch(FakeProcess(), look=lambda: Busy(others_s * (now := next(seconds)), 0.0, 2, float(now)))


def test_the_power_of_a_quiet_window_is_idle_power() -> None:
    clock = FakeTime()
    meter = CounterMeter(clock, {"package:0": 12.5, "gpu:0": 30.0})
    with Recorder(meter, clock) as recorder:
        found = measure_idle(recorder, 5.0, lambda seconds: setattr(clock, "now_s", clock.now_s + seconds), watch())
        assert {idle.domain: idle.power_w for idle in found} == pytest.approx({"package:0": 12.5, "gpu:0": 30.0})
        assert all(idle.quiet and idle.duration_s == 5.0 for idle in found)
        recorder.timeline.know_idle(idle_power_w(found))
        start_s = recorder.mark()
        meter.powers_w["gpu:0"] = 130.0
        clock.now_s += 10.0
        recorder.settle()
        spent = recorder.energy(start_s, clock.now_s)
        assert spent["gpu:0"].dynamic_j == pytest.approx(1000.0)
        assert spent["package:0"].dynamic_j == pytest.approx(0.0)


@pytest.mark.fault("another program computes while idle power is taken", "tried again, then told but not subtracted")
def test_a_window_beside_others_is_not_quiet() -> None:
    clock, waits = FakeTime(), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.now_s += seconds

    with Recorder(CounterMeter(clock, {"package:0": 12.5}), clock) as recorder:
        (idle,) = measure_idle(recorder, 2.0, sleep, watch(others_s=1.0))
    assert len(waits) == TRIES
    assert (idle.quiet, idle.power_w) == (False, pytest.approx(12.5))
    assert idle.reason == "other programs used 50% of the machine's cores"
    assert idle_power_w([idle]) == {"package:0": None}


def test_a_device_that_is_busy_does_not_idle() -> None:
    meter = CounterMeter(time.monotonic, {"gpu:0": 30.0})
    meter.states = {"gpu:0": Conditions(utilisation=2 * BUSY)}
    with Recorder(meter) as recorder:
        (idle,) = measure_idle(recorder, 0.2, watch=watch())
    assert not idle.quiet
    assert idle.reason == "it was busy 10% of the time"


def test_a_counter_that_does_not_tell_has_no_idle_power() -> None:
    clock = FakeTime()
    meter = CounterMeter(clock, {"gpu:0": 30.0, "gpu:1": 40.0})
    meter.dead = {"gpu:1"}
    with Recorder(meter, clock, lambda _: None) as recorder:
        recorder.catch_up = recorder.settle  # type: ignore[method-assign] # no patience here
        found = measure_idle(recorder, 1.0, lambda seconds: setattr(clock, "now_s", clock.now_s + seconds), watch())
    assert [(idle.domain, idle.power_w, idle.quiet) for idle in found] == [
        ("gpu:0", 30.0, True),
        ("gpu:1", None, False),
    ]


@pytest.mark.parametrize(("domains", "seconds"), [([MODELLED], 5.0), ([domain("gpu:0")], 0.0)])
def test_nothing_is_waited_for_where_there_is_nothing_to_measure(domains: list[Domain], seconds: float) -> None:
    def refuse(_: float) -> None:
        pytest.fail("waited")

    clock = FakeTime()
    with Recorder(CounterMeter(clock, {item.name: 1.0 for item in domains}, *domains), clock) as recorder:
        assert measure_idle(recorder, seconds, refuse) == []
