"""The estimated meter: exact arithmetic on a clock moved by hand."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.host import GIB, Host
from hypothesis import example, given
from hypothesis import strategies as st

from sweep.energy.host.cpu_table import Table
from sweep.energy.meters.estimated import MEMORY, NAME, EstimatedMeter
from sweep.errors import MeterError
from sweep.records import Domain, Provenance, Scope
from tests.clocks import FakeProcess


@pytest.fixture
def process() -> FakeProcess:
    return FakeProcess()


@pytest.fixture
def meter(process: FakeProcess) -> Iterator[EstimatedMeter]:
    """10 W static, 3 W a busy core; no memory."""
    with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0, memory_power_w_per_gib=0.0) as opened:
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
    with EstimatedMeter(process, static_power_w=10.0, dynamic_power_w=3.0, memory_power_w_per_gib=0.0) as meter:
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
    assert domain.scope is Scope.PROCESS
    assert domain.source == "model: 10 W static, 3 W a busy core; as set"


class Machine(Host):
    """A host whose processor is in the table, with a process that does what it is told."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.process = FakeProcess()
        self.processor("Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz", packages=2, siblings=32)
        self.hold(GIB)

    def meter(self, **options: float) -> EstimatedMeter:
        return EstimatedMeter(self.process, proc_root=str(self.proc), sysfs_root=str(self.sysfs), **options)  # type: ignore[arg-type]

    def domain(self, name: str = NAME, **options: float) -> Domain:
        return {domain.name: domain for domain in self.meter(**options).domains}[name]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Two processors of 150 W with 32 threads each, 512 GiB: this process may run on all 64 and holds 1 GiB."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    table = tmp_path / "cpu_power.csv"
    table.write_text("Name,TDP\nIntel Xeon Gold 6226R,150.0\n")
    monkeypatch.setattr("sweep.energy.host.core_power.installed_table", lambda: Table(table, "CodeCarbon 3.3.2"))
    made = Machine(tmp_path)
    (made.proc / "meminfo").write_text(f"MemTotal: {512 << 20} kB\n")
    return made


def test_a_machine_that_is_busy_through_and_through_draws_the_tdp_of_all_sockets(machine: Machine) -> None:
    with machine.meter() as meter:
        machine.process.spend(wall=10.0, cpu=640.0)
        assert meter.read()[NAME] == pytest.approx(10 * 2 * 150)


def test_an_idle_process_that_may_use_the_whole_machine_draws_a_tenth_of_that(machine: Machine) -> None:
    with machine.meter() as meter:
        machine.process.spend(wall=10.0)
        assert meter.read()[NAME] == pytest.approx(10 * 2 * 15)
    assert machine.domain().idle_power_w == pytest.approx(30)


@pytest.mark.fault("container limits", "2 of 64 cores and 4 of 512 GiB are charged")
def test_a_container_is_charged_with_its_share(machine: Machine) -> None:
    machine.group("0::/")
    machine.limit("cpu.max", "200000 100000")
    machine.limit("memory.max", str(4 * GIB))
    machine.hold(500 * GIB)
    with machine.meter() as meter:
        machine.process.spend(wall=10.0, cpu=20.0)
        joules = meter.read()
    assert joules[NAME] == pytest.approx(10 * 2 / 64 * 300)
    assert joules[MEMORY] == pytest.approx(10 * 4 * 0.392)
    assert "2 cores" in machine.domain().note


@pytest.mark.fault("container on a host of 1 TiB", "memory that the process holds, not the host's 378 W")
def test_a_container_without_limit_is_charged_with_what_it_holds(machine: Machine) -> None:
    (machine.proc / "meminfo").write_text(f"MemTotal: {1 << 30} kB\n")
    machine.hold(2 * GIB)
    with machine.meter() as meter:
        machine.process.spend(wall=100.0)
        assert meter.read()[MEMORY] == pytest.approx(100 * 2 * 0.392)


@pytest.mark.fault("container with 1.5 cores", "1.5 cores are charged, not 1 and not 2")
def test_fractions_of_cores_are_charged(machine: Machine) -> None:
    machine.limit("cpu.max", "150000 100000")
    assert machine.domain().idle_power_w == pytest.approx(1.5 / 64 * 30)


def test_memory_that_grows_evenly_is_charged_with_its_mean(machine: Machine) -> None:
    with machine.meter() as meter:
        machine.process.spend(wall=10.0)
        machine.hold(3 * GIB)
        assert meter.read()[MEMORY] == pytest.approx(10 * 2 * 0.392)
        machine.process.spend(wall=10.0)
        assert meter.read()[MEMORY] == pytest.approx((20 + 30) * 0.392)


def test_memory_is_not_charged_while_others_have_the_cores(machine: Machine) -> None:
    with machine.meter() as meter:
        machine.process.spend(wall=5.0, cpu=2.0, wait=3.0)
        assert meter.read()[MEMORY] == pytest.approx(2 * 0.392)


@pytest.mark.fault("memory unreadable for a while", "not known then, bridged after, never 0")
def test_memory_that_cannot_be_read_now_is_not_known_and_made_up_for(machine: Machine) -> None:
    with machine.meter() as meter:
        (machine.proc / "self" / "statm").unlink()
        machine.process.spend(wall=10.0)
        assert meter.read()[MEMORY] is None
        machine.hold(3 * GIB)
        assert meter.read()[MEMORY] == pytest.approx(10 * 2 * 0.392)


def test_where_the_memory_held_is_not_told_the_domain_is_not_listed(machine: Machine) -> None:
    (machine.proc / "self" / "statm").unlink()
    with machine.meter() as meter:
        assert [domain.name for domain in meter.domains] == [NAME]
        assert set(meter.read()) == set(meter.conditions()) == {NAME}


def test_memory_can_be_left_out(machine: Machine) -> None:
    assert [domain.name for domain in machine.meter(memory_power_w_per_gib=0.0).domains] == [NAME]


def test_memory_is_added_only_to_power_that_does_not_hold_it(machine: Machine) -> None:
    assert machine.domain(MEMORY).additive
    assert machine.domain(MEMORY, static_power_w=1.0, dynamic_power_w=1.0).additive
    machine.processor("AMD EPYC", siblings=2)
    assert not machine.domain(MEMORY).additive
    assert "not added" in machine.domain(MEMORY).note


def test_conditions_tell_the_memory_held(machine: Machine) -> None:
    assert machine.meter().conditions()[MEMORY].memory_bytes == GIB


def test_own_watts_win_over_the_table(machine: Machine) -> None:
    assert machine.domain(static_power_w=7.0).source.startswith("model: 7 W static, 4.219 W a busy core; TDP 150 W of")
    assert machine.domain(dynamic_power_w=7.0).source.startswith("model: 30 W static, 7 W a busy core; TDP 150 W of")
    assert "as set" in machine.domain(static_power_w=7.0, dynamic_power_w=7.0).source


def test_own_watts_do_not_ask_for_the_table(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.energy.host.core_power.installed_table", lambda: pytest.fail("was asked"))
    assert "fleet" not in machine.domain(static_power_w=7.0, dynamic_power_w=7.0).note


def test_the_uncertainty_is_that_of_the_constants_or_as_set(machine: Machine) -> None:
    known = machine.domain().scale_u_rel
    assert machine.domain(scale_u_rel=0.05).scale_u_rel == 0.05
    machine.processor("AMD EPYC", siblings=2)
    assert machine.domain().scale_u_rel > known


def test_the_source_is_the_same_in_the_next_session(machine: Machine) -> None:
    before = [domain.source for domain in machine.meter().domains]
    machine.hold(7 * GIB)
    machine.process.spend(wall=1000.0, cpu=1000.0)
    assert [domain.source for domain in machine.meter().domains] == before


def test_static_power_defaults_to_the_usable_cores(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    machine.processor("AMD EPYC", siblings=2)
    assert "2.96 W static" in machine.domain().source


@pytest.mark.parametrize("name", ["proc_root", "sysfs_root"])
def test_refuses_a_root_that_is_no_folder(name: str) -> None:
    with pytest.raises(MeterError, match=f"meter.{name}=/no/such"):
        EstimatedMeter(**{name: "/no/such"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"static_power_w": -1.0},
        {"dynamic_power_w": float("nan")},
        {"scale_u_rel": -0.1},
        {"poll_interval_s": 0.0},
        {"memory_power_w_per_gib": -1.0},
    ],
)
def test_refuses_options_without_meaning(options: dict[str, float]) -> None:
    with pytest.raises(MeterError, match=next(iter(options))):
        EstimatedMeter(**options)  # type: ignore[arg-type]
