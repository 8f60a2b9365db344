"""The log of marks: host clock, and a device whose events are known later."""

from itertools import count, pairwise

import numpy as np
import pytest
import torch
from clocks import FakeTime

from sweep.errors import LayerError
from sweep.layers.marking import marks as marks_module
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import EventMarks, HostMarks, marks_for


def test_host_marks_are_readings_of_the_clock_and_are_taken_once() -> None:
    clock = FakeTime(1.0)
    marks = HostMarks(clock)
    marks.mark(3)
    clock.now_s = 1.5
    marks.mark(9)
    assert len(marks) == 2
    taken = marks.take()
    assert taken.starts_s.tolist() == [1.0, 1.5]
    assert taken.owners.tolist() == [3, 9]
    assert len(marks) == 0
    assert marks.take().owners.tolist() == []


class Device:
    """A stream: events are passed ``lag`` ms after the one before, once the device got that far."""

    def __init__(self, clock: FakeTime) -> None:
        self.clock = clock
        self.done_ms = 0.0
        self.last_ms = 0.0
        self.synchronized = 0
        self.made = 0

    def event(self) -> "Event":
        self.made += 1
        return Event(self)


class Event:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.at_ms = -1.0

    def record(self) -> None:
        self.device.last_ms += 10.0
        self.at_ms = self.device.last_ms

    def query(self) -> bool:
        return self.at_ms <= self.device.done_ms

    def synchronize(self) -> None:
        self.device.synchronized += 1
        self.device.done_ms = max(self.device.done_ms, self.at_ms)

    def elapsed_time(self, other: "Event") -> float:
        assert self.query()
        assert other.query(), "elapsed_time of an event that is not passed would synchronise"
        return other.at_ms - self.at_ms


def test_device_marks_get_the_time_of_the_device_and_never_synchronise() -> None:
    clock = FakeTime(100.0)
    device = Device(clock)
    marks = EventMarks(clock, device.event)
    marks.start()
    assert device.synchronized == 1
    clock.now_s = 100.001  # the host is far ahead of the device
    for owner in (1, 2, 3):
        marks.mark(owner)
    assert device.synchronized == 1
    taken = marks.take()
    assert taken.starts_s.tolist() == pytest.approx([100.01, 100.02, 100.03])
    assert taken.owners.tolist() == [1, 2, 3]


def test_events_are_used_again_once_the_device_has_passed_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks_module, "DRAIN_FROM", 8)
    clock = FakeTime(0.0)
    device = Device(clock)
    marks = EventMarks(clock, device.event)
    marks.start()
    for index in range(100):
        device.done_ms = device.last_ms - 20.0  # two events behind the host
        marks.mark(index)
    assert device.synchronized == 1
    assert device.made < 20
    taken = marks.take()
    assert taken.owners.tolist() == list(range(100))
    assert np.diff(taken.starts_s).tolist() == pytest.approx([0.01] * 99)


def test_a_device_without_timed_events_is_refused() -> None:
    with pytest.raises(LayerError, match="layers cannot be timed on mps"):
        marks_for(torch.device("mps"), FakeTime())


def test_the_first_step_is_marked_and_then_one_in_each_block() -> None:
    choice = StepChoice(every=8, seed=1)
    marked = [choice.next() for _ in range(1 + 2 + 4 + 8 * 50)]
    assert marked[0]
    bounds = [0, 1, 3, *range(7, len(marked) + 1, 8)]
    assert [sum(marked[a:b]) for a, b in pairwise(bounds)] == [1] * 53


def test_marked_steps_stand_for_all_steps() -> None:
    choice = StepChoice(every=8, seed=2)
    weights = [choice.weight for _ in range(7 + 8 * 20) if choice.next()]
    assert sum(weights) == 7 + 8 * 20
    assert choice.steps == sum(weights)


def test_places_in_a_block_are_all_drawn() -> None:
    places = set()
    choice = StepChoice(every=4, seed=0)
    for index in count(0):
        if choice.next() and index >= 3:
            places.add((index - 3) % 4)
        if index > 400:
            break
    assert places == {0, 1, 2, 3}


def test_every_step_can_be_marked_and_torch_random_numbers_are_left_alone() -> None:
    before = torch.random.get_rng_state()
    choice = StepChoice(every=1, seed=0)
    assert all(choice.next() for _ in range(50))
    assert torch.equal(before, torch.random.get_rng_state())
