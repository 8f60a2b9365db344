"""Meter and clock in, timeline out: the poller, and the marks that a training loop sets.

    with Recorder(meter) as recorder:
        start_s = recorder.mark()
        ...                                  # the work; the poller reads beside it
        end_s = recorder.mark()
        recorder.settle()
        recorder.timeline.joules(start_s, end_s)

A mark is a time. If the meter is exact it is also a reading, so no interpolation enters; a counter that ticks is
interpolated between polled readings instead. Synchronise the device before a mark. A reading that fails is a hole
in the timeline and one warning, never an exception in the loop that is being measured.

Limits: a reading is stamped with the time just before it is taken; the poller needs the interpreter lock, so a
call that holds it longer than the poll interval delays a reading; a driver that hangs in a reading holds up the next
mark.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self

from sweep.energy.meter import Meter
from sweep.energy.timeline import Timeline
from sweep.errors import MeterError
from sweep.records import Domain, Joules, Reading

_JOIN_S = 10.0


class Recorder:
    """An open meter, the thread that polls it, and the timeline that they fill.

    Args:
        meter: opened on entry, closed on exit.
        clock: monotonic seconds.
        warn: gets the one warning about failing readings; ``None`` for the log.
    """

    def __init__(
        self,
        meter: Meter,
        clock: Callable[[], float] = time.monotonic,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._warn = warn or logging.getLogger(__name__).warning
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._poller: threading.Thread | None = None
        self._timeline: Timeline | None = None
        self.failures = 0

    def __enter__(self) -> Self:
        """Open the meter, take the first reading and start the poller.

        Raises:
            MeterError: if the meter cannot be opened.
        """
        self._meter.open()
        self._timeline = Timeline(self._meter.domains)
        self._stop.clear()
        self.settle()
        self._poller = threading.Thread(target=self._poll, name="sweep-poller", daemon=True)
        self._poller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the poller, take the last reading and close the meter; the timeline stays."""
        self._stop.set()
        try:
            if self._joined():
                self.settle()
        finally:
            self._meter.close()

    @property
    def timeline(self) -> Timeline:
        """The readings so far.

        Raises:
            RuntimeError: before the recorder was entered.
        """
        if self._timeline is None:
            raise RuntimeError("the recorder has no timeline before it is entered")
        return self._timeline

    @property
    def domains(self) -> tuple[Domain, ...]:
        """What the meter covers."""
        return self.timeline.domains

    def mark(self) -> float:
        """The time now, in seconds of the clock; with an exact meter, a reading too."""
        return self.settle() if self._meter.exact else self._clock()

    def settle(self) -> float:
        """Take a reading, so that the timeline covers all marks until now; returns its time in seconds."""
        with self.set_apart(), self._lock:
            time_s = self._clock()
            try:
                self.timeline.append(Reading(time_s=time_s, energy_j=self._meter.read()))
            except Exception as err:  # whatever a driver raises must not reach the training loop
                self._fail(time_s, err)
        return time_s

    def set_apart(self) -> AbstractContextManager[None]:
        """Context whose CPU time on the calling thread is not the training's."""
        return self._meter.set_apart()

    def _joined(self) -> bool:
        """Wait for the poller to end; false, with a warning, if its reading hangs."""
        if self._poller is None:
            return True
        self._poller.join(_JOIN_S)
        if self._poller.is_alive():
            self._warn(f"a reading of {type(self._meter).__name__} has not returned for {_JOIN_S:g} s: left behind")
        return not self._poller.is_alive()

    def _fail(self, time_s: float, error: Exception) -> None:
        """Leave a hole at a time, and say so once."""
        self.failures += 1
        hole: Joules = {domain.name: None for domain in self.domains}
        with suppress(MeterError):  # if the clock went back, there is no place for the hole either
            self.timeline.append(Reading(time_s=time_s, energy_j=hole))
        if self.failures == 1:
            self._warn(
                f"a reading of {type(self._meter).__name__} failed ({error}): its joules are unknown until the "
                "next good reading, and further failures are only counted"
            )

    def _poll(self) -> None:
        while True:
            with self.set_apart():
                if self._stop.wait(self._meter.poll_interval_s):
                    return
                self.settle()
