"""Meter and clock in, timeline out: the poller, and the marks that a training loop sets.

    with Recorder(meter) as recorder:
        start_s = recorder.mark()
        ...                                  # the work; the poller reads beside it
        end_s = recorder.mark()
        recorder.settle()
        recorder.timeline.joules(start_s, end_s)

A mark is a time. If the meter is exact it is also a reading, so no interpolation enters; a counter that ticks slowly
is interpolated between polled readings instead. Synchronise the device before a mark. What counters show becomes
joules in ``sweep.energy.counter``: wraps are corrected, restarts bridged. A reading that fails is a hole in the
timeline and one warning for each domain, never an exception in the loop that is being measured. Beside the counters,
power is polled each time and the state of the devices every ``STATE_S``.

Within ``tick_stamped()`` the poller looks for the moments at which a counter changes, and stores nothing else:

    change | rest, 0.8 tick or more | look every 1/20 tick ... | change

and a change is stamped in the middle between two looks: known to half of 1/20 tick, or of 0.1 ms and the time that a
thread takes to wake up. Its price: about 5 readings for each tick of an NVML counter; for RAPL, which ticks every 1 ms,
about 10 readings every 6 ms. Of 10 to 50 us each with waking up, that is 2 to 8 % of a core. Good for a calibration,
too much for a training that is to be measured.

Limits: a reading is stamped with the time just before it is taken; the poller needs the interpreter lock, so a
call that holds it longer than the poll interval delays a reading; a driver that hangs in a reading holds up the next
mark.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Self

import msgspec

from sweep.energy.counter import Counter
from sweep.energy.meter import Meter, Problem
from sweep.energy.sensors import SensorLog
from sweep.energy.timeline import Timeline
from sweep.errors import MeterError
from sweep.records import Conditions, Domain, DomainEnergy, Gap, Joules, Reading

_JOIN_S = 10.0
STATE_S = 2.0
PAUSE_S = 2.0
PAUSE_POLLS = 5.0
"""A time without a reading that is longer than both is a pause of the whole process."""
REST_TICKS = 0.8
LEAST_REST_S = 5e-3
LOOKS_A_TICK = 20
LEAST_LOOK_S = 1e-4


class Recorder:
    """An open meter, the thread that polls it, and the timeline that they fill.

    Args:
        meter: opened on entry, closed on exit.
        clock: monotonic seconds.
        warn: gets the warnings about failing readings, one for each domain; ``None`` for the log.

    Attributes:
        failures: readings that raised.
        sensors: polled power and states.
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
        self._sensing = threading.Lock()
        self._stop = threading.Event()
        self._poller: threading.Thread | None = None
        self._timeline: Timeline | None = None
        self._counters: dict[str, Counter] = {}
        self._seen_s: dict[str, float] = {}
        self._warned: set[str] = set()
        self._state_s = -math.inf
        self._stamping = False
        self._wake = threading.Event()
        self._listener: Callable[[Reading], None] | None = None
        self.sensors = SensorLog()
        self.failures = 0

    def __enter__(self) -> Self:
        """Open the meter, take the first reading and start the poller.

        Raises:
            MeterError: if the meter cannot be opened.
        """
        self._meter.open()
        self._timeline = Timeline(self._meter.domains)
        self._counters = {domain.name: Counter(domain) for domain in self._meter.domains}
        self._stop.clear()
        self._wake.clear()
        self.settle()
        self._poller = threading.Thread(target=self._poll, name="sweep-poller", daemon=True)
        self._poller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the poller, take the last reading and close the meter; the timeline stays."""
        self._stop.set()
        self._wake.set()
        try:
            if self._joined():
                self.settle()
        finally:
            self._meter.close()

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds, those of the timeline."""
        return self._clock

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

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the meter could cover, and does not."""
        return self._meter.problems

    def mark(self) -> float:
        """The time now, in seconds of the clock; with an exact meter, a reading too."""
        return self.settle() if self._meter.exact else self._clock()

    def settle(self) -> float:
        """Take a reading, so that the timeline covers all marks until now; returns its time in seconds."""
        with self.set_apart(), self._lock:
            time_s = self._clock()
            try:
                self._store(time_s, self._meter.read())
            except Exception as err:  # whatever a driver raises must not reach the training loop
                self._fail(time_s, err)
        return time_s

    def listen(self, listener: Callable[[Reading], None] | None) -> None:
        """Hand each reading that enters the timeline to someone, those that are there first; ``None`` ends that.

        It is called on whichever thread reads, and must be quick.
        """
        with self._lock:
            for reading in self.timeline.readings() if listener is not None else ():
                listener(reading)  # type: ignore[misc]
            self._listener = listener

    @contextmanager
    def tick_stamped(self) -> Iterator[None]:
        """Have the poller stamp the ticks of the counters, at the price that the module's text names."""
        self._stamping = True
        self._wake.set()
        try:
            yield
        finally:
            self._stamping = False

    def _look(self, before: Joules, looked_s: float) -> tuple[float, bool]:
        """Store what the counters show if it is no longer ``before``, in the middle between this look and the last.

        Returns:
            The time of this look, and whether the search for this tick is over.
        """
        with self.set_apart(), self._lock:
            time_s = self._clock()
            try:
                energy_j = self._meter.read()
                if energy_j == before:
                    return time_s, False
                stamp_s = max((looked_s + time_s) / 2, self.timeline.end_s or looked_s)  # a settle may lie between
                self._store(stamp_s, energy_j)
            except Exception as err:  # as in a reading
                self._fail(time_s, err)
        return time_s, True

    def _store(self, time_s: float, shown_j: Joules) -> None:
        """Put what the counters show into the timeline."""
        steps = {name: counter.update(time_s, shown_j.get(name)) for name, counter in self._counters.items()}
        for name, step in steps.items():
            if step.energy_j is not None:
                self._seen_s[name] = time_s
            if step.gap is not None:
                self.timeline.bridge(step.gap)
                self._warn_of_gap(step.gap)
            elif shown_j.get(name) is None:
                self._warn_once(name, f"{name} cannot be read now: its joules are bridged when it can be read again")
        reading = Reading(time_s=time_s, energy_j={name: step.energy_j for name, step in steps.items()})
        self.timeline.append(reading)
        if self._listener is not None:
            self._listener(reading)

    def _warn_of_gap(self, gap: Gap) -> None:
        self._warn_once(
            gap.domain,
            f"{gap.domain}: {gap.reason}; the joules of {gap.end_s - gap.start_s:.3g} s are bridged, with an "
            f"uncertainty of {gap.u_j:.3g} J",
        )

    def _warn_once(self, name: str, text: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            self._warn(f"{text}; further gaps are only recorded")

    def catch_up(self, patience_s: float = 2.0) -> None:
        """Read until each domain has told its joules of now; give up on those that do not after a while."""
        due_s = self._clock()
        self.settle()
        give_up_s = time.monotonic() + patience_s
        while time.monotonic() < give_up_s and min(map(self._last_good_s, self._counters), default=due_s) < due_s:
            time.sleep(0.05)
            self.settle()

    def _last_good_s(self, name: str) -> float:
        return self._seen_s.get(name, -math.inf)

    def forget(self, before_s: float) -> None:
        """Drop what no interval from a time on needs."""
        self.timeline.forget(before_s)
        self.sensors.forget(before_s)

    def lost(self, within_s: float) -> list[str]:
        """Names of the domains that gave no good reading in the last seconds."""
        now_s = self._clock()
        return [name for name in self._counters if now_s - self._last_good_s(name) > within_s]

    def paused_s(self, start_s: float, end_s: float) -> float:
        """Seconds in which nobody read although the poller should have; 0 if it kept its time, more or less."""
        pause_s = self.timeline.longest_pause_s(start_s, end_s)
        return pause_s if pause_s > max(PAUSE_S, PAUSE_POLLS * self._meter.poll_interval_s) else 0.0

    def energy(self, start_s: float, end_s: float) -> dict[str, DomainEnergy]:
        """Joules of each domain with provenance and uncertainty, and by equation 1 where power is polled.

        Raises:
            ValueError: if the interval ends before it starts.
        """
        return {
            name: msgspec.structs.replace(energy, polled_j=self.sensors.polled_j(name, start_s, end_s))
            for name, energy in self.timeline.energy(start_s, end_s).items()
        }

    def conditions(self) -> Mapping[str, Conditions]:
        """State of the devices now, by domain, where the meter's sensors tell."""
        try:
            return self._meter.conditions()
        except Exception:  # as with a reading: what a driver raises is not the training's affair
            return {}

    def sense(self) -> None:
        """Poll power and the state of the devices now."""
        with self.set_apart():
            self._sense(-math.inf)

    def _sense(self, state_s: float) -> None:
        """Poll power, and the state of the devices if the last one is older than some seconds."""
        with self._sensing:
            time_s = self._clock()
            with suppress(Exception):
                self.sensors.add_power(time_s, self._meter.power_w())
            if time_s - self._state_s >= state_s:
                self._state_s = time_s
                self.sensors.add_conditions(time_s, self.conditions())

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
                if not self._stamping:
                    self._wake.wait(self._meter.poll_interval_s)
                    self._wake.clear()
                if self._stop.is_set():
                    return
                if self._stamping:
                    self._stamp_a_tick()
                else:
                    self.settle()
                    self._sense(STATE_S)

    def _stamp_a_tick(self) -> None:
        """Rest for most of a tick of the fastest counter, then look until a counter changes."""
        tick_s = min((domain.tick_s for domain in self.domains if domain.tick_s), default=LEAST_REST_S)
        self._stop.wait(max(REST_TICKS * tick_s, LEAST_REST_S))
        looked_s = self._clock()
        try:
            before = self._meter.read()
        except Exception:
            self.settle()  # fails as well, and says so
            return
        over = False
        while self._stamping and not over and not self._stop.is_set():
            self._stop.wait(max(tick_s / LOOKS_A_TICK, LEAST_LOOK_S))
            looked_s, over = self._look(before, looked_s)
