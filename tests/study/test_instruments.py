"""What a session says of its instruments, and what it refuses."""

import pytest
import torch
from clocks import FakeTime
from fakes.counters import CounterMeter, domain

from sweep.config import StudyConfig, SweepConfig
from sweep.energy.meter import Problem
from sweep.energy.recorder import Recorder
from sweep.errors import ConfigError, MeterError
from sweep.observer import Observer
from sweep.records import IdlePower, Provenance
from sweep.study import instruments
from sweep.study.instruments import Instruments, idle_change, meter_of
from sweep.study.interruption import Interruption


class Notices(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, message: str) -> None:
        self.said.append(message)


def idle(power_w: float | None, u_w: float = 0.1, *, quiet: bool = True) -> IdlePower:
    return IdlePower(domain="gpu:0", power_w=power_w, power_u_w=u_w, duration_s=5.0, quiet=quiet)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (idle(30.0), idle(40.0), True),
        (idle(30.0), idle(20.0), True),
        (idle(30.0), idle(31.0), False),  # less than a tenth
        (idle(30.0, 4.0), idle(40.0, 4.0), False),  # within the noise
        (idle(30.0), idle(40.0, quiet=False), False),
        (idle(30.0), idle(None), False),
        (None, idle(40.0), False),
    ],
)
def test_an_idle_power_that_changed_is_told(before: IdlePower | None, after: IdlePower, told: bool) -> None:
    text = idle_change(before, after)
    assert bool(text) is told
    if told:
        assert "30 W before" in text


def test_what_is_not_measured_is_announced() -> None:
    clock, notices = FakeTime(), Notices()
    modelled = domain("cpu:process", provenance=Provenance.MODELLED)
    meter = CounterMeter(clock, {"cpu:process": 1.0}, modelled)
    meter.found = (Problem("dram:0", "its file is mode 400", "grant it"),)
    with Recorder(meter, clock) as recorder, Interruption() as interruption:
        Instruments(StudyConfig(), recorder, interruption, notices).announce()
    assert notices.said == [
        "dram:0 is not measured: its file is mode 400: grant it",
        "no joule here is measured, all are modelled; `sweep doctor` says what would help",
    ]


def test_a_domain_that_is_not_read_any_more_stops_the_next_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeTime()
    meter = CounterMeter(clock, {"gpu:0": 1.0, "core:0": 1.0}, domain("gpu:0"), domain("core:0", additive=False))
    with Recorder(meter, clock, lambda _: None) as recorder, Interruption() as interruption:
        monkeypatch.setattr(recorder, "catch_up", recorder.settle)
        watched = Instruments(StudyConfig(), recorder, interruption, Notices())
        assert watched.make_ready()
        clock.now_s = 2 * instruments.LOST_S
        assert watched.make_ready()  # a late poller is no lost domain
        meter.dead = {"core:0"}
        clock.now_s *= 2
        assert watched.make_ready()  # it does not enter the total
        meter.dead = {"gpu:0"}
        clock.now_s *= 2
        with pytest.raises(MeterError, match="gpu:0 could not be read for 5 s"):
            watched.make_ready()


def test_a_signal_while_cooling_down_ends_the_session() -> None:
    clock = FakeTime()
    with Recorder(CounterMeter(clock, {"gpu:0": 1.0}), clock) as recorder, Interruption() as interruption:
        interruption.requested = True
        assert not Instruments(StudyConfig(cooldown_s=60.0), recorder, interruption, Notices()).make_ready()


def test_the_option_record_is_not_the_meters() -> None:
    options = {"_target_": "sweep.energy.meters.estimated.EstimatedMeter", "record": True}
    meter_of(SweepConfig(meter=options), torch.device("cpu"))
    assert instruments.is_recorded(SweepConfig(meter=options))
    with pytest.raises(ConfigError, match=r"meter\.record='often' is not a truth value"):
        meter_of(SweepConfig(meter={**options, "record": "often"}), torch.device("cpu"))
