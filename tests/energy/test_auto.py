"""The machine's meters as one: which are opened, in which order, and what happens to those that fail."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
from clocks import FakeTime
from fakes.counters import CounterMeter

from sweep.energy.meter import Meter, Problem
from sweep.energy.meters import auto
from sweep.energy.meters.auto import AutoMeter
from sweep.energy.recorder import Recorder
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Joules

CLOCK = FakeTime()


class _Part(CounterMeter):
    """A meter of a made family."""

    powers: ClassVar[Mapping[str, float]] = {}
    refusal: ClassVar[MeterError | None] = None
    opened: ClassVar[list[type[Meter]]] = []
    attended: ClassVar[list[str]] = []

    def __init__(self, *, poll_interval_s: float = 0.1) -> None:
        super().__init__(CLOCK, self.powers)
        self.poll_interval_s = poll_interval_s

    def attend(self, device: str) -> None:
        self.attended.append(device)

    def open(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        super().open()
        self.opened.append(type(self))


class Boards(_Part):
    rank, covers = 10, frozenset({"gpu"})
    powers: ClassVar[Mapping[str, float]] = {"gpu:0": 100.0, "gpu:1": 60.0}


class Packages(_Part):
    rank, covers = 10, frozenset({"cpu"})
    powers: ClassVar[Mapping[str, float]] = {"package:0": 50.0, "dram:0": 5.0}


class Model(_Part):
    rank, covers = 90, frozenset({"cpu"})
    exact, is_model = True, True
    powers: ClassVar[Mapping[str, float]] = {"cpu:process": 2.0}


class ByName(_Part):
    powers: ClassVar[Mapping[str, float]] = {"package:0": 1.0}


FAMILY = {"a_model": Model, "boards": Boards, "by_name": ByName, "packages": Packages}


@pytest.fixture(autouse=True)
def _family(monkeypatch: pytest.MonkeyPatch) -> None:
    CLOCK.now_s = 0.0
    monkeypatch.setattr(auto, "discover", lambda package, base: FAMILY)
    for cls in FAMILY.values():
        monkeypatch.setattr(cls, "refusal", None)
    monkeypatch.setattr(_Part, "opened", [])
    monkeypatch.setattr(_Part, "attended", [])


def absent() -> SensorAbsentError:
    return SensorAbsentError("there is no such sensor", "buy one")


def test_everything_that_can_be_measured_and_no_model_beside_it() -> None:
    with AutoMeter() as meter:
        assert [domain.name for domain in meter.domains] == ["gpu:0", "gpu:1", "package:0", "dram:0"]
        assert meter.problems == ()
        assert meter.exact is False
    assert _Part.opened == [Boards, Packages]


def test_a_model_where_nothing_measures_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packages, "refusal", absent())
    with AutoMeter() as meter:
        assert [domain.name for domain in meter.domains] == ["gpu:0", "gpu:1", "cpu:process"]
        assert meter.problems == ()  # a sensor that is absent is no problem
        assert meter.exact


def test_a_processor_that_a_meter_tells_unasked_is_not_modelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packages, "refusal", absent())
    monkeypatch.setattr(Boards, "powers", {"gpu:0": 10.0, "cpu:0": 5.0})
    with AutoMeter() as meter:
        assert [domain.name for domain in meter.domains] == ["gpu:0", "cpu:0"]


def test_a_sensor_that_cannot_be_used_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packages, "refusal", MeterError("energy_uj may not be read", "grant it"))
    with AutoMeter() as meter:
        assert "cpu:process" in {domain.name for domain in meter.domains}
        assert meter.problems == (Problem("cpu", "energy_uj may not be read", "grant it"),)


@pytest.mark.fault("no sensor at all", "modelled joules, labelled so; no model either: an error")
def test_nothing_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for cls in (Boards, Packages):
        monkeypatch.setattr(cls, "refusal", absent())
    with AutoMeter() as meter:
        assert [domain.name for domain in meter.domains] == ["cpu:process"]
    monkeypatch.setattr(Model, "refusal", MeterError("no clock", "wait"))
    with pytest.raises(MeterError, match=r"no domain to meter \(cpu: no clock\)"):
        AutoMeter().open()


def test_one_meter_that_fails_leaves_the_others() -> None:
    class Failing(Boards):
        def read(self) -> Joules:
            raise RuntimeError("driver")

    warnings: list[str] = []
    meter = AutoMeter()
    FAMILY["boards"], kept = Failing, FAMILY["boards"]
    try:
        with Recorder(meter, CLOCK, warnings.append) as recorder:
            CLOCK.now_s = 2.0
            recorder.settle()
            assert recorder.timeline.joules(0.0, 2.0) == {
                "gpu:0": None,
                "gpu:1": None,
                "package:0": 100.0,
                "dram:0": 10.0,
            }
    finally:
        FAMILY["boards"] = kept
    assert len(warnings) == 2  # one for each GPU


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["gpu:1"], ["gpu:0", "package:0", "dram:0"]),
        (["gpu", "dram"], ["package:0"]),
        ([], ["gpu:0", "gpu:1", "package:0", "dram:0"]),
    ],
)
def test_what_is_excluded_is_left_out_everywhere(exclude: list[str], left: list[str]) -> None:
    with AutoMeter(exclude=exclude) as meter:
        assert [domain.name for domain in meter.domains] == left
        assert list(meter.read()) == left
        assert list(meter.power_w()) == left


def test_an_excluded_name_must_be_there() -> None:
    with pytest.raises(
        MeterError, match=r"\['dram:7'\] is no domain of this machine \(gpu:0, gpu:1, package:0, dram:0\)"
    ):
        AutoMeter(exclude=["dram:7", "gpu:0"]).open()


def test_something_must_be_left() -> None:
    with pytest.raises(MeterError, match=r"leaves nothing of gpu:0, gpu:1, package:0, dram:0"):
        AutoMeter(exclude=["gpu", "package", "dram"]).open()


def test_two_meters_of_one_domain_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Boards, "powers", {"dram:0": 1.0})
    with pytest.raises(MeterError, match=r"two meters tell dram:0"):
        AutoMeter().open()


def test_the_device_that_works_is_handed_on() -> None:
    meter = AutoMeter()
    meter.attend("cuda:1")
    with meter:
        pass
    assert _Part.attended == ["cuda:1", "cuda:1"]


def test_closed_it_tells_nothing() -> None:
    meter = AutoMeter()
    with meter:
        pass
    meter.close()
    assert meter.domains == ()
    with pytest.raises(MeterError, match="while closed"):
        meter.read()


@pytest.mark.parametrize("interval_s", [0.0, -1.0, float("nan"), float("inf"), 1e12])
def test_an_interval_must_be_one_that_a_poller_can_keep(interval_s: float) -> None:
    with pytest.raises(MeterError, match="poll_interval_s="):
        AutoMeter(poll_interval_s=interval_s)
