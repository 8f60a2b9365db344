"""The estimated meter: exact arithmetic on a clock moved by hand."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweep.energy.meters.estimated import NAME, EstimatedMeter
from sweep.errors import MeterError
from sweep.records import Provenance
from tests.clocks import FakeProcess


@pytest.fixture
def process() -> FakeProcess:
    return FakeProcess()


@pytest.fixture
def meter(process: FakeProcess) -> Iterator[EstimatedMeter]:
    """10 W static, 3 W a busy core."""
    with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0) as opened:
        yield opened


def test_starts_at_zero_whatever_the_counters_say(meter: EstimatedMeter) -> None:
    assert meter.read() == {NAME: 0.0}


def test_static_power_over_time_and_dynamic_power_over_cpu_time(process: FakeProcess, meter: EstimatedMeter) -> None:
    process.spend(wall=2.0, cpu=4.0)
    assert meter.read() == {NAME: pytest.approx(10 * 2 + 3 * 4)}
    process.spend(wall=1.0)
    assert meter.read() == {NAME: pytest.approx(10 * 3 + 3 * 4)}


def test_a_neighbour_costs_nothing(process: FakeProcess, meter: EstimatedMeter) -> None:
    """One thread: 2 s of work take 5 s, 3 s of them in the queue."""
    process.spend(wall=5.0, cpu=2.0, wait=3.0)
    assert meter.read() == {NAME: pytest.approx(10 * 2 + 3 * 2)}


def test_sleep_is_charged_and_waiting_is_not(process: FakeProcess, meter: EstimatedMeter) -> None:
    process.spend(wall=9.0, cpu=2.0, wait=3.0)
    assert meter.read() == {NAME: pytest.approx(10 * (9 - 3) + 3 * 2)}


def test_two_threads_that_share_one_core_are_charged_as_if_alone(process: FakeProcess, meter: EstimatedMeter) -> None:
    process.spend(wall=4.0, cpu=4.0, wait=4.0)
    assert meter.read() == {NAME: pytest.approx(10 * 2 + 3 * 4)}


def test_where_the_wait_is_unknown_all_wall_time_is_charged() -> None:
    process = FakeProcess(wait=None)
    with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0) as meter:
        process.spend(wall=5.0, cpu=2.0)
        with meter.set_apart():
            process.spend(wall=1.0, cpu=0.5, own=0.5)
        assert meter.read() == {NAME: pytest.approx(10 * 6 + 3 * 2)}


def test_what_is_set_apart_costs_no_dynamic_power(process: FakeProcess, meter: EstimatedMeter) -> None:
    process.spend(wall=1.0, cpu=1.0)
    with meter.set_apart():
        process.spend(wall=0.5, cpu=0.5, own=0.5)
        assert meter.read() == {NAME: pytest.approx(10 * 1.5 + 3 * 1)}
    process.spend(wall=1.0, cpu=1.0)
    assert meter.read() == {NAME: pytest.approx(10 * 2.5 + 3 * 2)}


def test_waiting_that_is_set_apart_is_not_the_trainings(process: FakeProcess, meter: EstimatedMeter) -> None:
    with meter.set_apart():
        process.spend(wall=1.0, cpu=1.0, wait=0.25)
        process.own_wait += 0.25
    assert meter.read() == {NAME: pytest.approx(10 * 1 + 3 * 1)}


def test_nested_sections_count_once(process: FakeProcess, meter: EstimatedMeter) -> None:
    with meter.set_apart(), meter.set_apart():
        process.spend(wall=1.0, cpu=1.0, own=1.0)
    assert meter.read() == {NAME: pytest.approx(10.0)}


def test_a_section_ends_when_its_body_raises(process: FakeProcess, meter: EstimatedMeter) -> None:
    def fail() -> None:
        with meter.set_apart():
            process.spend(cpu=1.0, own=1.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    process.spend(cpu=1.0, own=1.0)
    assert meter.read() == {NAME: pytest.approx(3.0)}


amounts = st.floats(0, 10)


@example([(7.7176421376490945, 0.0, 9.5)])  # rounding
@given(st.lists(st.tuples(amounts, amounts, st.floats(-1, 10)), max_size=30))
def test_joules_never_fall(steps: list[tuple[float, float, float]]) -> None:
    """Not even when the kernel books a wait late, or a section of another thread ends."""
    process = FakeProcess()
    with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0) as meter:
        before_j = 0.0
        for wall, cpu, wait in steps:
            process.spend(wall=wall, cpu=cpu, wait=wait)
            now_j = meter.read()[NAME]
            assert now_j is not None
            assert now_j >= before_j
            before_j = now_j


def test_reading_often_does_not_change_the_sum() -> None:
    """Under a steady load, one reading or a hundred give the same joules."""
    totals = []
    for readings in (1, 100):
        process = FakeProcess()
        with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0) as meter:
            for _ in range(readings):
                process.spend(wall=5 / readings, cpu=4 / readings, wait=3 / readings)
                total_j = meter.read()[NAME]
            totals.append(total_j)
    assert totals[0] == pytest.approx(totals[1])


def test_the_domain_says_model_and_constants(meter: EstimatedMeter) -> None:
    (domain,) = meter.domains
    assert domain.provenance is Provenance.MODELLED
    assert domain.source == "model: 10 W static, 3 W a busy core"


def test_static_power_defaults_to_the_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    assert "2.96 W static" in EstimatedMeter().domains[0].source


@pytest.mark.parametrize(
    "options",
    [{"static_power_w": -1.0}, {"dynamic_power_w": float("nan")}, {"scale_u_rel": -0.1}, {"poll_interval_s": 0.0}],
)
def test_refuses_options_without_meaning(options: dict[str, float]) -> None:
    with pytest.raises(MeterError, match=next(iter(options))):
        EstimatedMeter(**options)
