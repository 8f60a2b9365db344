"""Polled power and states, and what is made of them."""

import pytest
from clocks import FakeTime
from fakes.counters import CounterMeter

from sweep.energy.checks.steadiness import steadiness
from sweep.energy.recorder import Recorder
from sweep.energy.sensors import NEAR_S, SensorLog
from sweep.records import Conditions


def test_equation_1_is_mean_power_times_duration() -> None:
    log = SensorLog()
    for time_s, power_w in ((0.0, 500.0), (1.0, 100.0), (2.0, 200.0), (3.0, 300.0), (4.0, 900.0)):
        log.add_power(time_s, {"gpu:0": power_w, "gpu:1": None})
    assert log.polled_j("gpu:0", 1.0, 3.0) == 400.0
    assert log.polled_j("gpu:1", 1.0, 3.0) is None
    assert log.polled_j("package:0", 1.0, 3.0) is None


def test_a_short_interval_takes_the_last_value_if_it_is_new() -> None:
    log = SensorLog()
    log.add_power(1.0, {"gpu:0": 100.0})
    assert log.polled_j("gpu:0", 1.2, 1.4) == pytest.approx(20.0)
    assert log.polled_j("gpu:0", 1.1 + NEAR_S, 1.2 + NEAR_S) is None
    assert log.polled_j("gpu:0", 0.2, 0.4) is None


def test_what_is_forgotten_is_unknown_and_the_rest_stays() -> None:
    log = SensorLog()
    for time_s in (0.0, 5.0, 10.0):
        log.add_power(time_s, {"gpu:0": 100.0})
        log.add_conditions(time_s, {"gpu:0": Conditions(temperature_c=time_s)})
    log.forget(9.0)
    assert log.mean_power_w("gpu:0", 0.0, 6.0) is None
    assert log.mean_power_w("gpu:0", 9.0, 11.0) == 100.0
    assert log.summary(0.0, 11.0)["gpu:0"].temperature_start_c == 10.0


def test_the_summary_of_states() -> None:
    log = SensorLog()
    log.add_conditions(0.0, {"gpu:0": Conditions(temperature_c=99.0)})
    log.add_conditions(
        1.0, {"gpu:0": Conditions(temperature_c=40.0, clock_mhz=1000.0, others=0), "package:0": Conditions()}
    )
    log.add_conditions(2.0, {"gpu:0": Conditions(temperature_c=60.0, utilisation=0.5, memory_bytes=7, others=2)})
    log.add_conditions(
        3.0, {"gpu:0": Conditions(temperature_c=50.0, clock_mhz=2000.0, utilisation=1.0, memory_bytes=5)}
    )
    found = log.summary(1.0, 3.0)
    assert list(found) == ["gpu:0"]  # nothing is known of the package
    gpu = found["gpu:0"]
    assert (gpu.temperature_start_c, gpu.temperature_max_c, gpu.clock_mean_mhz) == (40.0, 60.0, 1500.0)
    assert (gpu.utilisation_mean, gpu.memory_max_bytes, gpu.others_max) == (0.75, 7, 2)


def test_the_recorder_polls_power_beside_the_counter() -> None:
    clock = FakeTime()
    meter = CounterMeter(clock, {"gpu:0": 100.0})
    with Recorder(meter, clock) as recorder:
        start_s = recorder.mark()
        meter.powers_w["gpu:0"] = 80.0
        recorder.sense()
        meter.powers_w["gpu:0"] = 100.0
        clock.now_s += 2.0
        recorder.settle()
        spent = recorder.energy(start_s, clock.now_s)["gpu:0"]
    assert (spent.energy_j, spent.polled_j) == (200.0, 160.0)


@pytest.mark.parametrize(("last_w", "steady"), [(100.0, True), (104.0, True), (120.0, False), (50.0, False)])
def test_steady_is_what_ends_as_it_began(last_w: float, steady: bool) -> None:
    clock = FakeTime()
    meter = CounterMeter(clock, {"gpu:0": 100.0})
    with Recorder(meter, clock) as recorder:
        for power_w in (100.0, 70.0, last_w):
            meter.powers_w["gpu:0"] = power_w
            clock.now_s += 30.0
            recorder.settle()
        found = steadiness(recorder, 0.0, 90.0)
    assert found is not None
    assert found.drift_rel == pytest.approx(last_w / 100.0 - 1.0)
    assert found.steady is steady


def test_nothing_spent_is_neither_steady_nor_not() -> None:
    clock = FakeTime()
    with Recorder(CounterMeter(clock, {"gpu:0": 0.0}), clock) as recorder:
        clock.now_s += 30.0
        recorder.settle()
        assert steadiness(recorder, 0.0, 30.0) is None
        assert steadiness(recorder, 0.0, 60.0) is None
