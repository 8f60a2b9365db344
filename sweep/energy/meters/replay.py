"""Plays a recording as if its device were here: the same joules, on the clock of now.

    E(t) = C(t0 + t) - C(t0),  t since open, C the recorded joules, interpolated

Repeated, n whole passes come before: E(t) = n E(T) + E(t - n T), with T the length of the recording. Joules are
``replayed``, whatever they were when recorded (the domain's ``source`` says what).

Limits: the joules are those of the recorded work; only where the work of now is the same, or none (tests), do they
mean something. Within a hole of the recording, and past its end unless repeated, a domain is unknown.
"""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from sweep.energy.meter import Meter, check_interval
from sweep.energy.recording import Recording, read_recording
from sweep.energy.timeline import Timeline
from sweep.errors import MeterError
from sweep.records import Domain, Joules, Provenance


class ReplayMeter(Meter):
    """The joules of a recording.

    Args:
        clock: monotonic seconds; positional only, so not an option of the config.
        path: the recording.
        repeat: whether to start over at its end.
        poll_interval_s: seconds between two polled readings.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    exact: bool = True

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        /,
        *,
        path: str,
        repeat: bool = False,
        poll_interval_s: float = 0.1,
    ) -> None:
        check_interval(poll_interval_s)
        self.poll_interval_s = poll_interval_s
        self._clock = clock
        self._path = Path(path).expanduser()
        self._repeat = repeat
        self._recorded: Timeline | None = None
        self._domains: tuple[Domain, ...] = ()

    def open(self) -> None:
        """Read the recording and start it.

        Raises:
            MeterError: if it cannot be read, or has no length to repeat.
        """
        recording = read_recording(self._path)
        self._start_s = recording.readings[0].time_s
        self._length_s = recording.readings[-1].time_s - self._start_s
        if self._repeat and self._length_s == 0:
            raise MeterError(f"the recording {self._path} has one reading", "set meter.repeat=false")
        self._domains = tuple(_replayed(domain, recording) for domain in recording.domains)
        self._recorded = Timeline(self._domains)
        for reading in recording.readings:
            self._recorded.append(reading)
        self._opened_s = self._clock()

    def close(self) -> None:
        """Put the recording away."""
        self._recorded = None

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The recorded domains, as replayed ones; none before the meter was opened."""
        return self._domains

    def read(self) -> Joules:
        """Recorded joules from the start to now.

        Raises:
            MeterError: if the meter is not open.
        """
        if self._recorded is None:
            raise MeterError("the replay meter is read while closed", "open it first")
        passes, since_s = 0.0, self._clock() - self._opened_s
        if self._repeat:
            passes, since_s = divmod(since_s, self._length_s)
        now_s = self._start_s + since_s
        part = self._recorded.joules(self._start_s, now_s) | dict.fromkeys(self._recorded.in_hole(now_s), None)
        if not passes:
            return part
        whole = self._recorded.joules(self._start_s, self._start_s + self._length_s)
        return {name: _plus(part[name], passes, whole[name]) for name in part}


def _plus(part_j: float | None, passes: float, whole_j: float | None) -> float | None:
    return None if part_j is None or whole_j is None else passes * whole_j + part_j


def _replayed(domain: Domain, recording: Recording) -> Domain:
    source = f"recording of {domain.provenance} joules of {recording.device}"
    return msgspec.structs.replace(
        domain,
        provenance=Provenance.REPLAYED,
        range_j=None,
        max_power_w=None,  # wraps and jumps were corrected when it was recorded
        source=f"{source}; {domain.source}" if domain.source else source,
    )
