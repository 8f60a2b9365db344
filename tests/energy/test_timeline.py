"""The timeline: exact partition, honest gaps, uncertainty by the documented formula."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.energy.timeline import Timeline
from sweep.errors import MeterError
from sweep.records import Domain, Gap, Provenance, Reading

GPU = Domain(name="gpu:0", provenance=Provenance.MEASURED, scale_u_rel=0.05, random_u_rel=0.01)
DRAM = Domain(name="dram:0", provenance=Provenance.MEASURED, scale_u_rel=0.1, random_u_rel=0.0)


def timeline(*rows: tuple[float, float | None], domain: Domain = GPU) -> Timeline:
    made = Timeline([domain])
    for time_s, energy_j in rows:
        made.append(Reading(time_s=time_s, energy_j={domain.name: energy_j}))
    return made


def test_interpolates_between_readings() -> None:
    line = timeline((0, 0), (2, 10), (4, 50))
    assert line.joules(1, 3) == {"gpu:0": 25.0}
    assert line.joules(0, 4) == {"gpu:0": 50.0}
    assert line.joules(2, 2) == {"gpu:0": 0.0}


steps = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0, 1e4)), min_size=1, max_size=30)
fractions = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@given(steps, fractions)
def test_touching_intervals_add_up(steps: list[tuple[float, float]], fractions: list[float]) -> None:
    time_s = energy_j = 0.0
    line = timeline((time_s, energy_j))
    for step_s, step_j in steps:
        time_s, energy_j = time_s + step_s, energy_j + step_j
        line.append(Reading(time_s=time_s, energy_j={"gpu:0": energy_j}))
    a, b, c = (time_s * fraction for fraction in sorted(fractions))
    parts = [line.joules(*ends)["gpu:0"] for ends in ((a, b), (b, c), (a, c))]
    first, second, whole = (part for part in parts if part is not None)
    assert first >= -1e-9 * energy_j
    assert whole == pytest.approx(first + second, rel=1e-9, abs=1e-12 * max(energy_j, 1.0))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e3)), min_size=2, max_size=12), fractions)
def test_what_is_known_is_known_consistently(values: list[float | None], fractions: list[float]) -> None:
    """Holes and falls anywhere: if both parts are known, so is the whole, and it is their sum."""
    line = timeline(*((float(i), value) for i, value in enumerate(values)))
    a, b, c = ((len(values) - 1) * fraction for fraction in sorted(fractions))
    first, second, whole = (line.joules(*ends)["gpu:0"] for ends in ((a, b), (b, c), (a, c)))
    if first is not None and second is not None:
        assert whole == pytest.approx(first + second, rel=1e-9, abs=1e-9)
    if whole is not None:
        assert whole >= 0


def test_unknown_outside_the_readings() -> None:
    line = timeline((1, 0), (2, 10))
    for interval in ((0.9, 2), (1, 2.1), (3, 4), (0, 0.5)):
        assert line.joules(*interval) == {"gpu:0": None}
    assert Timeline([GPU]).joules(0, 1) == {"gpu:0": None}


def test_a_hole_makes_its_inside_uncertain_and_not_what_spans_it() -> None:
    line = timeline((0, 0), (1, 10), (2, None), (3, None), (4, 70), (5, 80))
    assert line.joules(0, 5) == {"gpu:0": 80.0}
    assert line.joules(1, 4) == {"gpu:0": 60.0}
    assert line.joules(0, 2) == {"gpu:0": 30.0}
    spanning, into, after = (line.energy(*interval)["gpu:0"] for interval in ((1, 4), (0, 2), (4, 5)))
    assert (spanning.gap_s, into.gap_s, after.gap_s) == (3.0, 1.0, 0.0)
    assert into.u_random_j == pytest.approx(math.hypot(0.01 * 30.0, 20.0 * 3.0 / math.sqrt(12)))
    assert spanning.u_random_j < into.u_random_j


def test_after_the_last_good_reading_nothing_is_known() -> None:
    line = timeline((0, 0), (1, 10), (2, None))
    assert line.joules(0, 1.5) == {"gpu:0": None}
    assert line.energy(0, 2)["gpu:0"].u_random_j is None


def test_a_bridged_gap_raises_the_uncertainty_in_proportion() -> None:
    line = timeline((0, 0), (1, 10), (3, 30), (4, 40))
    sure = line.energy(0, 4)["gpu:0"]
    line.bridge(Gap(domain="gpu:0", start_s=1.0, end_s=3.0, u_j=7.0, reason="its counter started anew"))
    whole, half, beside = (line.energy(*interval)["gpu:0"] for interval in ((0, 4), (0, 2), (3, 4)))
    assert whole.energy_j == sure.energy_j
    assert whole.u_random_j == pytest.approx(math.hypot(sure.u_random_j, 7.0))
    assert (whole.gap_s, half.gap_s, beside.gap_s) == (2.0, 1.0, 0.0)
    assert half.u_random_j >= 3.5


def test_dynamic_joules_are_those_above_idle() -> None:
    line = timeline((0, 0), (4, 40))
    assert line.energy(0, 4)["gpu:0"].dynamic_j is None
    line.know_idle({"gpu:0": 2.5})
    assert line.energy(1, 3)["gpu:0"].dynamic_j == 15.0


def test_a_domain_with_a_hole_leaves_the_others_known() -> None:
    line = Timeline([GPU, DRAM])
    line.append(Reading(time_s=0, energy_j={"gpu:0": 0, "dram:0": 0}))
    line.append(Reading(time_s=1, energy_j={"gpu:0": 5}))
    assert line.joules(0, 1) == {"gpu:0": 5.0, "dram:0": None}


def test_a_fall_is_a_break_that_nothing_crosses() -> None:
    line = timeline((0, 0), (1, 10), (2, 3), (3, 8))
    assert line.joules(0, 1) == {"gpu:0": 10.0}
    assert line.joules(2, 3) == {"gpu:0": 5.0}
    for interval in ((0, 3), (0, 2), (1, 2), (1.5, 3), (0, 1.5)):
        assert line.joules(*interval) == {"gpu:0": None}


def test_a_fall_after_a_hole_is_seen() -> None:
    assert timeline((0, 0), (1, 10), (2, None), (3, 4), (4, 20)).joules(0, 4) == {"gpu:0": None}


def test_time_does_not_go_back() -> None:
    line = timeline((0, 0), (2, 10))
    with pytest.raises(MeterError, match="monotonic clock"):
        line.append(Reading(time_s=1.9, energy_j={"gpu:0": 11}))
    assert len(line) == 2


def test_the_first_of_two_readings_at_one_time_stands() -> None:
    line = timeline((0, 0), (1, 10), (1, 12), (2, 20))
    assert line.joules(0, 1) == {"gpu:0": 10.0}


@pytest.mark.parametrize(
    ("time_s", "energy_j"),
    [(math.nan, {"gpu:0": 1.0}), (1.0, {"gpu:0": math.inf}), (1.0, {"gpu:1": 1.0})],
)
def test_refuses_what_is_no_reading(time_s: float, energy_j: dict[str, float]) -> None:
    line = timeline((0, 0))
    with pytest.raises(MeterError):
        line.append(Reading(time_s=time_s, energy_j=dict(energy_j)))
    assert len(line) == 1


def test_refuses_an_interval_that_ends_before_it_starts() -> None:
    line = timeline((0, 0), (1, 1))
    with pytest.raises(ValueError, match="ends before"):
        line.joules(1, 0)
    with pytest.raises(ValueError, match="ends before"):
        line.energy(math.nan, 1)


def test_uncertainty_of_a_model_read_at_the_boundaries_has_no_boundary_term() -> None:
    energy = timeline((0, 0), (10, 200)).energy(0, 10)["gpu:0"]
    assert (energy.energy_j, energy.u_scale_j, energy.u_random_j) == (200.0, pytest.approx(10.0), pytest.approx(2.0))
    assert energy.provenance is Provenance.MEASURED


def test_uncertainty_of_a_counter_adds_its_tick_at_both_ends() -> None:
    """20 W and then 40 W, ticks of 0.1 s: 2 J and 4 J wide at the ends."""
    ticked = Domain(name="gpu:0", provenance=Provenance.MEASURED, scale_u_rel=0, random_u_rel=0, tick_s=0.1)
    line = timeline((0, 0), (10, 200), (20, 600), domain=ticked)
    energy = line.energy(0, 20)["gpu:0"]
    assert energy.u_random_j == pytest.approx(math.sqrt((2.0**2 + 4.0**2) / 12))


def test_uncertainty_grows_with_the_distance_of_the_readings_around_a_boundary() -> None:
    exact = Domain(name="gpu:0", provenance=Provenance.MODELLED, scale_u_rel=0, random_u_rel=0)
    close, far = (timeline((0, 0), (step, 10 * step), (50, 500), domain=exact) for step in (1.0, 20.0))
    near_j, far_j = (line.energy(0.5, 50)["gpu:0"].u_random_j for line in (close, far))
    assert near_j == pytest.approx(10 * 1 / math.sqrt(12))
    assert far_j == pytest.approx(10 * 20 / math.sqrt(12))


def test_uncertainty_beside_a_hole_uses_the_power_of_the_interval() -> None:
    ticked = Domain(name="gpu:0", provenance=Provenance.MEASURED, scale_u_rel=0, random_u_rel=0, tick_s=0.1)
    line = timeline((0, 0), (1, None), (2, 20), domain=ticked)
    assert line.energy(0, 2)["gpu:0"].u_random_j == pytest.approx(10 * 0.1 * math.sqrt(2 / 12))


def test_unknown_energy_has_no_uncertainty() -> None:
    energy = timeline((0, 0), (1, None)).energy(0, 1)["gpu:0"]
    assert (energy.energy_j, energy.u_scale_j, energy.u_random_j) == (None, None, None)


def test_forget_drops_the_past_and_keeps_the_rest() -> None:
    line = timeline(*((float(i), float(i * i)) for i in range(100)))
    kept = line.joules(50.5, 98)
    line.forget(50.5)
    assert len(line) == 50
    assert line.start_s == 50.0
    assert line.joules(50.5, 98) == kept
    assert line.joules(49, 98) == {"gpu:0": None}


def test_forget_keeps_later_breaks() -> None:
    line = timeline((0, 0), (1, 10), (2, 1), (3, 5), (4, 2), (5, 6))
    line.forget(3)
    assert line.joules(3, 5) == {"gpu:0": None}
    assert line.joules(4, 5) == {"gpu:0": 4.0}
    line.forget(100)
    assert len(line) == 1


def test_readings_come_back_as_they_were() -> None:
    rows = [(0.0, 0.0), (1.0, None), (2.0, 7.0)]
    assert [(r.time_s, r.energy_j["gpu:0"]) for r in timeline(*rows).readings()] == rows
