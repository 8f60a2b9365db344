"""What a counter shows, and the joules that follow: right ones with a raised uncertainty, or unknown; never a fall."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.energy.counter import STUCK_S, Counter
from sweep.records import Domain, Gap, Provenance

RANGE_J = 1000.0


def package(range_j: float | None = RANGE_J, max_power_w: float | None = 500.0, tick_s: float = 1e-3) -> Domain:
    return Domain(
        name="package:0",
        provenance=Provenance.MEASURED,
        scale_u_rel=0.05,
        random_u_rel=0.01,
        tick_s=tick_s,
        range_j=range_j,
        max_power_w=max_power_w,
    )


def run(domain: Domain, shown: Iterable[tuple[float, float | None]]) -> tuple[list[float | None], list[Gap]]:
    counter = Counter(domain)
    steps = [counter.update(time_s, value_j) for time_s, value_j in shown]
    return [step.energy_j for step in steps], [step.gap for step in steps if step.gap is not None]


def steady(power_w: float, until_s: float, interval_s: float = 0.1, start_j: float = 0.0) -> list[tuple[float, float]]:
    """A counter at one power that wraps at ``RANGE_J``."""
    count = round(until_s / interval_s)
    return [(k * interval_s, (start_j + power_w * k * interval_s) % RANGE_J) for k in range(count + 1)]


def test_the_first_reading_is_the_zero() -> None:
    assert run(package(), [(0.0, 123.0), (1.0, 223.0)]) == ([0.0, 100.0], [])


@pytest.mark.fault("counter wraps once between two readings", "the joules are right")
def test_one_wrap_is_corrected() -> None:
    energy_j, gaps = run(package(), steady(100.0, 12.0, start_j=RANGE_J - 250.0))
    assert energy_j == pytest.approx([100.0 * 0.1 * k for k in range(121)])
    assert not gaps


@pytest.mark.fault(
    "counter wraps several times between two readings", "the likeliest number of wraps, uncertainty raised"
)
def test_two_wraps_are_counted_by_the_power_before() -> None:
    shown = [*steady(100.0, 5.0), (30.0, 3000.0 % RANGE_J)]
    energy_j, gaps = run(package(), shown)
    assert energy_j[-1] == pytest.approx(3000.0)
    (gap,) = gaps
    assert (gap.start_s, gap.end_s) == (5.0, 30.0)
    assert 100.0 < gap.u_j < 1500.0
    assert "wrapped" in gap.reason


def test_one_early_step_does_not_settle_how_often_a_counter_wraps() -> None:
    """A step of 1 J after 1 ms looks like 1000 W, at which 21 J would fit the next 20 ms better than 1 J."""
    shown = [(0.0, 0.0), *((0.001 + 0.02 * k, (1.0 + k) % 10.0) for k in range(100))]
    energy_j, _ = run(package(range_j=10.0, max_power_w=2000.0, tick_s=0.001), shown)
    assert energy_j[-1] == pytest.approx(100.0)


def test_a_wrap_that_could_only_have_happened_once_is_sure() -> None:
    energy_j, gaps = run(package(max_power_w=150.0), [*steady(100.0, 5.0), (11.0, 1100.0 % RANGE_J)])
    assert energy_j[-1] == pytest.approx(1100.0)
    assert not gaps


@pytest.mark.fault(
    "counter starts anew (driver reloaded, machine resumed)", "bridged at the power before, uncertainty raised"
)
@pytest.mark.parametrize("range_j", [None, 262144.0])
def test_a_restart_is_bridged(range_j: float | None) -> None:
    before = [(0.1 * k, 80_000.0 + 20.0 * k) for k in range(51)]
    after = [(5.0 + 0.1 * k, 20.0 * (k - 1)) for k in range(1, 51)]
    energy_j, (gap,) = run(package(range_j, max_power_w=2000.0), [*before, *after])
    assert energy_j[51] is None  # it may be a glitch
    assert energy_j[-1] == pytest.approx(20.0 * 100, rel=0.01)
    assert (gap.start_s, gap.end_s) == pytest.approx((5.0, 5.1))
    assert gap.u_j == pytest.approx(20.0 / math.sqrt(3.0), rel=0.1)
    assert "started anew" in gap.reason


@pytest.mark.fault("one huge reading", "left out; the joules are right")
@pytest.mark.parametrize("glitch_j", [9e12, 999.9])
def test_a_glitch_upwards_is_left_out(glitch_j: float) -> None:
    shown: list[tuple[float, float | None]] = list(steady(100.0, 5.0))
    shown[20] = (shown[20][0], glitch_j)
    energy_j, gaps = run(package(), shown)
    assert energy_j[20] is None
    assert energy_j[-1] == pytest.approx(500.0)
    assert not gaps


@pytest.mark.fault("one reading far below the last", "left out; the joules are right")
def test_a_glitch_downwards_is_left_out() -> None:
    shown: list[tuple[float, float | None]] = [(0.1 * k, 500.0 + 10.0 * k) for k in range(41)]
    shown[20] = (2.0, 1.0)
    energy_j, gaps = run(package(range_j=None), shown)
    assert energy_j[20] is None
    assert energy_j[-1] == pytest.approx(400.0)
    assert not gaps


@pytest.mark.fault("counter jumps up and goes on from there", "the jump is not counted: bridged, uncertainty raised")
def test_a_lasting_jump_is_bridged() -> None:
    shown = [(0.1 * k, 10.0 * k + (5e6 if k >= 20 else 0.0)) for k in range(41)]
    energy_j, (gap,) = run(package(range_j=None), shown)
    assert energy_j[-1] == pytest.approx(400.0)
    assert "jumped" in gap.reason


@pytest.mark.fault("negative, infinite or missing reading", "a hole; the counter goes on, the joules are right")
@pytest.mark.parametrize("bad", [None, -1.0, math.nan, math.inf])
def test_what_is_no_reading_is_a_hole(bad: float | None) -> None:
    shown: list[tuple[float, float | None]] = list(steady(100.0, 5.0))
    shown[20] = (shown[20][0], bad)
    energy_j, gaps = run(package(), shown)
    assert energy_j[20] is None
    assert energy_j[-1] == pytest.approx(500.0)
    assert not gaps


@pytest.mark.fault("counter stands still, then makes up for it", "unknown meanwhile; the joules are right")
def test_a_counter_that_catches_up_lost_nothing() -> None:
    stuck = [(5.0 + 0.1 * k, 500.0) for k in range(1, 101)]
    energy_j, gaps = run(package(range_j=None), [*steady(100.0, 5.0), *stuck, (15.1, 1510.0)])
    assert energy_j[60] == 500.0  # not yet suspicious
    assert energy_j[50 + round(STUCK_S / 0.1) + 2] is None
    assert energy_j[-1] == pytest.approx(1510.0)
    assert not gaps


@pytest.mark.fault("counter stands still and loses joules", "half of what is missing is added, uncertainty raised")
def test_a_counter_that_lost_joules_is_made_up_for() -> None:
    stuck = [(5.0 + 0.1 * k, 500.0) for k in range(1, 101)]
    energy_j, (gap,) = run(package(range_j=None), [*steady(100.0, 5.0), *stuck, (15.1, 510.0)])
    truth_j = 1510.0
    assert energy_j[-1] is not None
    assert abs(energy_j[-1] - truth_j) < 2.0 * gap.u_j
    assert "stood still" in gap.reason


@pytest.mark.fault("counter never moves", "unknown, never 0; a study refuses it before its first trial")
def test_a_counter_that_never_moves_is_unknown() -> None:
    energy_j, _ = run(package(), [(0.1 * k, 42.0) for k in range(100)])
    assert energy_j == [0.0, *[None] * 99]


def test_a_counter_that_moves_late_tells_its_joules_then() -> None:
    assert run(package(), [(0.0, 42.0), (0.1, 42.0), (0.2, 52.0), (0.3, 52.0)])[0] == [0.0, None, 10.0, 10.0]


@pytest.mark.fault(
    "process suspended while its device falls idle", "the counter is believed, nothing is added; uncertainty raised"
)
def test_nothing_is_added_for_a_pause_that_nobody_watched() -> None:
    energy_j, (gap,) = run(package(range_j=None), [*steady(200.0, 4.0), (14.0, 1000.0), (14.1, 1020.0)])
    assert energy_j[-2:] == pytest.approx([1000.0, 1020.0])
    assert (gap.start_s, gap.end_s) == (4.0, 14.0)
    assert gap.u_j == pytest.approx(1800.0 / math.sqrt(12.0))
    assert "was not read" in gap.reason


@pytest.mark.fault("process suspended for a minute", "the counter went on: the joules are right")
def test_a_long_pause_without_readings_is_crossed() -> None:
    energy_j, gaps = run(package(range_j=262144.0, max_power_w=500.0), [*steady(100.0, 5.0), (65.0, 6500.0)])
    assert energy_j[-1] == pytest.approx(6500.0)
    assert not gaps


def test_time_that_goes_back_tells_nothing() -> None:
    assert run(package(), [(1.0, 10.0), (0.5, 20.0), (2.0, 30.0)]) == ([0.0, None, 20.0], [])


def test_a_recording_may_stand_still() -> None:
    replayed = Domain(name="gpu:0", provenance=Provenance.REPLAYED, scale_u_rel=0.05, random_u_rel=0.01, tick_s=0.1)
    energy_j, _ = run(replayed, [(float(k), 42.0) for k in range(100)])
    assert energy_j[-1] == 0.0


@settings(deadline=None)
@given(
    powers_w=st.lists(st.floats(min_value=1.0, max_value=400.0), min_size=3, max_size=60),
    start_j=st.floats(min_value=0.0, max_value=RANGE_J - 1e-3),
    interval_s=st.floats(min_value=0.01, max_value=1.9),
)
def test_joules_are_those_that_were_spent(powers_w: list[float], start_j: float, interval_s: float) -> None:
    """Polled often enough for its range, a counter tells all joules, however often it wraps."""
    counter, truth_j, time_s = Counter(package()), 0.0, 0.0
    counter.update(time_s, start_j)
    for power_w in powers_w:
        time_s += interval_s
        truth_j += power_w * interval_s
        step = counter.update(time_s, (start_j + truth_j) % RANGE_J)
        assert step.energy_j == pytest.approx(truth_j, rel=1e-9, abs=1e-6)
        assert step.gap is None


@settings(deadline=None)
@given(
    shown=st.lists(
        st.tuples(
            st.floats(min_value=0.0, max_value=20.0),
            st.one_of(st.none(), st.floats(min_value=-10.0, max_value=1e7), st.just(math.nan)),
        ),
        max_size=80,
    ),
    domain=st.sampled_from([package(), package(range_j=None), package(max_power_w=None), package(None, None)]),
)
def test_whatever_a_counter_shows_joules_never_fall(shown: list[tuple[float, float | None]], domain: Domain) -> None:
    energy_j, gaps = run(domain, shown)
    known = [value for value in energy_j if value is not None]
    assert known == sorted(known)
    assert all(math.isfinite(value) for value in known)
    assert all(gap.u_j >= 0.0 and gap.end_s >= gap.start_s for gap in gaps)
