"""What is polled beside the counters: power, and the state of the devices.

    polled_j = mean of the polled power in an interval * its duration          equation 1 of "The Power of Training"

The power of a board's sensor is itself an average over a window before the reading, so short or bursty work is seen
late and smeared: the counter is the better figure wherever there is one, and this one stands beside it for comparison.

An interval in which no power was polled takes the last value before it, if that is at most ``NEAR_S`` old.

Limits: the mean takes polled values as evenly spaced, as the equation does.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping

from sweep.records import Conditions, Sensors

NEAR_S = 1.0


class SensorLog:
    """Polled values in order of time. Appended from one thread; read from others."""

    def __init__(self) -> None:
        self._powers: dict[str, tuple[array[float], array[float]]] = {}
        self._states: list[tuple[float, Mapping[str, Conditions]]] = []

    def add_power(self, time_s: float, power_w: Mapping[str, float | None]) -> None:
        """Add polled power, in watts, by domain; what is ``None`` was not told."""
        for name, value in power_w.items():
            if value is not None:
                times, watts = self._powers.setdefault(name, (array("d"), array("d")))
                watts.append(value)
                times.append(time_s)  # last: a reader that sees the time sees the value

    def add_conditions(self, time_s: float, conditions: Mapping[str, Conditions]) -> None:
        """Add the state of the devices, by domain."""
        if conditions:
            self._states.append((time_s, conditions))

    def mean_power_w(self, name: str, start_s: float, end_s: float) -> float | None:
        """Mean polled power of a domain in an interval, or the last one shortly before; ``None`` if there is none."""
        if name not in self._powers:
            return None
        times, watts = self._powers[name]
        first, end = bisect_left(times, start_s), bisect_right(times, end_s)
        if first < end:
            return sum(watts[first:end]) / (end - first)
        return watts[first - 1] if first and start_s - times[first - 1] <= NEAR_S else None

    def polled_j(self, name: str, start_s: float, end_s: float) -> float | None:
        """Equation 1 over an interval."""
        power_w = self.mean_power_w(name, start_s, end_s)
        return None if power_w is None else power_w * (end_s - start_s)

    def summary(self, start_s: float, end_s: float) -> dict[str, Sensors]:
        """What the sensors of each domain told in an interval; without domains of which nothing is known."""
        states = [state for time_s, state in list(self._states) if start_s <= time_s <= end_s]
        names = dict.fromkeys(name for state in states for name in state)
        found = {name: _summary([state[name] for state in states if name in state]) for name in names}
        return {name: sensors for name, sensors in found.items() if sensors != Sensors()}

    def forget(self, before_s: float) -> None:
        """Drop what no interval from a time on needs."""
        self._states = [item for item in self._states if item[0] >= before_s]
        for times, watts in self._powers.values():
            count = bisect_left(times, before_s - NEAR_S)
            del times[:count], watts[:count]


def _summary(states: list[Conditions]) -> Sensors:
    temperatures = _told(states, lambda state: state.temperature_c)
    return Sensors(
        temperature_start_c=next(iter(temperatures), None),
        temperature_max_c=max(temperatures, default=None),
        clock_mean_mhz=_mean(_told(states, lambda state: state.clock_mhz)),
        utilisation_mean=_mean(_told(states, lambda state: state.utilisation)),
        memory_max_bytes=max((s.memory_bytes for s in states if s.memory_bytes is not None), default=None),
        others_max=max((s.others for s in states if s.others is not None), default=None),
    )


def _told(states: Iterable[Conditions], sensor: Callable[[Conditions], float | None]) -> list[float]:
    return [value for state in states if (value := sensor(state)) is not None]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
