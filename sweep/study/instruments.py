"""What a session measures with, and how it makes sure of it: before a joule is spent on training, and after.

    meter -> (recording) -> idle power -> [cool down, still there?, trial]* -> idle power again

Limits: what is found wrong with a domain ends the session, with what ran until then stored and reported.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from sweep.config import StudyConfig, SweepConfig
from sweep.energy.checks.idle import idle_power_w, measure_idle
from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.energy.recording import RecordingWriter
from sweep.errors import ConfigError, MeterError
from sweep.observer import Observer
from sweep.records import IdlePower, Machine, Provenance
from sweep.registry import build
from sweep.study.interruption import Interruption

RECORD = "record"
LOST_S = 5.0
"""A domain that was not read for so long is lost."""
CHANGE_REL = 0.1
"""A difference of idle powers that is worth a word, if it is also more than two standard uncertainties."""


def meter_of(config: SweepConfig, device: torch.device) -> Meter:
    """The meter of a config, told which device will work.

    Raises:
        ConfigError: for options that it does not take.
        MeterError: for values that it refuses.
    """
    options = {key: value for key, value in config.meter.items() if key != RECORD}
    meter = build(options, Meter, "meter")  # type: ignore[type-abstract]
    is_recorded(config)
    index = torch.cuda.current_device() if device.type == "cuda" and device.index is None else device.index
    meter.attend(device.type if index is None else f"{device.type}:{index}")
    return meter


def is_recorded(config: SweepConfig) -> bool:
    """Whether what the meter reads is to be written.

    Raises:
        ConfigError: if the option is neither true nor false.
    """
    wanted: Any = config.meter.get(RECORD, False)
    if not isinstance(wanted, bool):
        raise ConfigError(f"meter.{RECORD}={wanted!r} is not a truth value", f"set meter.{RECORD}=true or false")
    return wanted


@contextmanager
def recorded(recorder: Recorder, path: Path, machine: Machine) -> Iterator[None]:
    """Write every reading from the first one on to a recording that is whole when the context ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with RecordingWriter(path, machine.model, recorder.domains, note=f"study of {machine.host}") as writer:
        recorder.listen(writer.add)
        try:
            yield
        finally:
            recorder.listen(None)


class Instruments:
    """The recorder of a session, watched.

    Args:
        config: of the study.
        recorder: running.
        interruption: says where a signal may break in.
        observer: told what a reader of the joules must know.

    Attributes:
        idle_before: idle power before the first trial; empty if it was not taken.
        idle_after: after the last one.
    """

    def __init__(self, config: StudyConfig, recorder: Recorder, interruption: Interruption, observer: Observer) -> None:
        self._config = config
        self._recorder = recorder
        self._interruption = interruption
        self._observer = observer
        self.idle_before: list[IdlePower] = []
        self.idle_after: list[IdlePower] = []

    def announce(self) -> None:
        """Say what is not measured although it could be, and whose joules the domains count."""
        for problem in self._recorder.problems:
            self._observer.notice(f"{problem.what} is not measured: {problem.why}: {problem.mend}")
        if not any(domain.provenance == Provenance.MEASURED for domain in self._recorder.domains):
            told = ", ".join(sorted({str(domain.provenance) for domain in self._recorder.domains}))
            self._observer.notice(f"no joule here is measured, all are {told}; `sweep doctor` says what would help")

    def take_idle(self) -> None:
        """Take the idle power before the first trial.

        Raises:
            MeterError: if a domain that enters the total cannot be read, or counts nothing.
        """
        self.idle_before = self._idle("before the first trial")
        names = {domain.name for domain in self._recorder.domains if domain.additive}
        for idle in self.idle_before:
            if idle.domain in names and not idle.power_w:
                raise MeterError(
                    f"{idle.domain} counted nothing in {idle.duration_s:.3g} s, so it measures nothing",
                    f"leave it out with meter.exclude=[{idle.domain}], or choose another meter",
                )
            if text := polled_otherwise(idle):
                self._observer.notice(text)
        self._recorder.timeline.know_idle(idle_power_w(self.idle_before))

    def check_idle(self) -> None:
        """Take the idle power again, after the last trial, and say where it changed."""
        self.idle_after = self._idle("after the last trial")
        before = {idle.domain: idle for idle in self.idle_before}
        for idle in self.idle_after:
            text = idle_change(before.get(idle.domain), idle)
            if text:
                self._observer.notice(text)

    def _idle(self, when: str) -> list[IdlePower]:
        found: list[IdlePower] = []
        with suppress(KeyboardInterrupt), self._interruption.armed():
            found = measure_idle(self._recorder, self._config.idle_s)
        reasons = dict.fromkeys(idle.reason for idle in found if not idle.quiet)
        for reason in reasons:
            names = ", ".join(idle.domain for idle in found if not idle.quiet and idle.reason == reason)
            self._observer.notice(f"the idle power of {names} {when} is not known: {reason}")
        return found

    def make_ready(self) -> bool:
        """Cool down, and see that every domain that enters the total is still read.

        Returns:
            Whether a trial may start; false if a signal came meanwhile.

        Raises:
            MeterError: if one is not.
        """
        if self._config.cooldown_s:
            with suppress(KeyboardInterrupt), self._interruption.armed():
                time.sleep(self._config.cooldown_s)
        additive = {domain.name for domain in self._recorder.domains if domain.additive}
        lost = [name for name in self._recorder.lost(LOST_S) if name in additive]
        if lost:
            self._recorder.catch_up()
            lost = [name for name in self._recorder.lost(LOST_S) if name in additive]
        if lost:
            raise MeterError(
                f"{', '.join(lost)} could not be read for {LOST_S:g} s, so a further trial would have no joules",
                "see `sweep doctor`, then run the same command again: what has run is stored",
            )
        return not self._interruption.requested


def polled_otherwise(idle: IdlePower) -> str:
    """What to say where counter and polled power tell different joules of one window; empty where they agree."""
    if not idle.power_w or idle.polled_w is None:
        return ""
    difference_w = idle.polled_w - idle.power_w
    if abs(difference_w) <= max(CHANGE_REL * idle.power_w, 2.0 * (idle.power_u_w or 0.0)):
        return ""
    return (
        f"{idle.domain} at rest: its counter tells {idle.power_w:.3g} W, its polled power {idle.polled_w:.3g} W; "
        "joules are those of the counter, and the report shows both"
    )


def idle_change(before: IdlePower | None, after: IdlePower) -> str:
    """What to say of an idle power that changed; empty if it did not, or cannot be compared."""
    if before is None or not before.quiet or not after.quiet or not before.power_w or after.power_w is None:
        return ""
    change_w = after.power_w - before.power_w
    noise_w = 2.0 * ((before.power_u_w or 0.0) ** 2 + (after.power_u_w or 0.0) ** 2) ** 0.5
    if abs(change_w) <= max(CHANGE_REL * before.power_w, noise_w):
        return ""
    return (
        f"the idle power of {after.domain} was {before.power_w:.3g} W before and {after.power_w:.3g} W after the "
        "trials: its dynamic joules are uncertain by as much"
    )
