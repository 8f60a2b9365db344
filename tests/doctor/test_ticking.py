"""Ticks and steps of counters of which both are known."""

import math

import pytest

from sweep.doctor.ticking import LOOK_S, Look, look, ticking
from sweep.energy.meter import Meter
from sweep.records import Domain, Joules
from tests.clocks import FakeTime


def looks(tick_s: float, step_j: float, until_s: float, every_s: float) -> list[Look]:
    count = round(until_s / every_s)
    times = [k * every_s for k in range(count + 1)]
    return [Look(t, {"psu": step_j * math.floor((t + 1e-9) / tick_s)}) for t in times]


@pytest.mark.parametrize("tick_s", [0.001, 0.02, 0.1])
def test_tick_and_step_of_a_steady_counter(tick_s: float) -> None:
    found = ticking(looks(tick_s, 0.25, 1.0, 0.0002), "psu")
    assert found.tick_s == pytest.approx(tick_s, rel=0.01)
    assert found.step_j == pytest.approx(0.25)
    assert found.moves == pytest.approx(1.0 / tick_s, abs=1)
    assert not found.at_every_look


def test_a_tick_without_joules_does_not_change_the_tick() -> None:
    seen = looks(0.01, 1.0, 1.0, 0.0005)
    held = [Look(at.time_s, {"psu": at.shown_j["psu"] - (at.shown_j["psu"] % 10 == 7)}) for at in seen]  # type: ignore[operator]
    assert ticking(held, "psu").tick_s == pytest.approx(0.01, rel=0.01)


def test_a_counter_that_stands_still_has_no_tick_and_no_step() -> None:
    found = ticking([Look(0.1 * k, {"psu": 5.0}) for k in range(20)], "psu")
    assert (found.moves, found.tick_s, found.step_j) == (0, None, None)
    assert found.looked_s == pytest.approx(1.9)


def test_two_moves_are_too_few_for_a_tick() -> None:
    found = ticking(looks(0.4, 1.0, 1.0, 0.01), "psu")
    assert (found.moves, found.tick_s, found.step_j) == (2, None, 1.0)


def test_what_moves_at_every_look_has_no_tick() -> None:
    found = ticking([Look(0.01 * k, {"psu": 0.3 * k}) for k in range(50)], "psu")
    assert found.at_every_look
    assert found.tick_s is None
    assert found.look_s == pytest.approx(0.01)


def test_a_wrap_is_no_step_and_a_missing_reading_no_move() -> None:
    shown = [98.0, 99.0, None, 99.0, 1.0, 2.0]
    found = ticking([Look(float(k), {"psu": value}) for k, value in enumerate(shown)], "psu")
    assert (found.moves, found.step_j) == (3, 1.0)


def test_nothing_seen_is_nothing_claimed() -> None:
    found = ticking([], "psu")
    assert (found.moves, found.tick_s, found.look_s, found.looked_s) == (0, None, None, 0.0)


class Flaky(Meter):
    """Every second reading fails."""

    def __init__(self) -> None:
        self.count = 0

    def open(self) -> None: ...

    def close(self) -> None: ...

    @property
    def domains(self) -> tuple[Domain, ...]:
        return ()

    def read(self) -> Joules:
        self.count += 1
        if self.count % 2:
            raise OSError("not now")
        return {"psu": float(self.count)}


def test_looking_leaves_failing_readings_out_and_ends_in_time() -> None:
    clock = FakeTime()

    def rest(duration_s: float) -> None:
        clock.now_s += duration_s

    seen = look(Flaky(), 100 * LOOK_S, clock, rest)
    assert len(seen) in (50, 51)
    assert clock.now_s == pytest.approx(100 * LOOK_S, abs=1.5 * LOOK_S)
