"""True power over time, given by its exact integral: what a fake sensor is measured against.

Everything that a fake shows (means over windows, counters at ticks) is a difference of this integral, so the truth
of any interval is known to rounding, however short the bursts. Time may be negative.
"""

import bisect
import math
from collections.abc import Callable


class Power:
    """Power in watts, by its energy from 0 s to a time, in joules.

    Args:
        integral_j: continuous and never falling.
    """

    def __init__(self, integral_j: Callable[[float], float]) -> None:
        self._integral_j = integral_j

    def energy_j(self, start_s: float, end_s: float) -> float:
        """Joules of an interval."""
        return self._integral_j(end_s) - self._integral_j(start_s)

    def mean_w(self, start_s: float, end_s: float) -> float:
        """Mean power of an interval that is not empty."""
        return self.energy_j(start_s, end_s) / (end_s - start_s)


def constant(power_w: float) -> Power:
    """The same power for ever."""
    return Power(lambda time_s: power_w * time_s)


def square(low_w: float, high_w: float, period_s: float, duty: float = 0.5) -> Power:
    """High power for the first part of each period, low power for the rest; a small duty makes bursts."""
    on_s = duty * period_s

    def integral_j(time_s: float) -> float:
        periods = math.floor(time_s / period_s)
        within_s = time_s - periods * period_s
        high_s = periods * on_s + min(within_s, on_s)
        return low_w * time_s + (high_w - low_w) * high_s

    return Power(integral_j)


def ramp(first_w: float, last_w: float, duration_s: float) -> Power:
    """From one power to another, evenly from 0 s on; the same before and after."""

    def integral_j(time_s: float) -> float:
        rising_s = min(max(time_s, 0.0), duration_s)
        return (
            first_w * (min(time_s, 0.0) + rising_s)
            + (last_w - first_w) * rising_s**2 / (2.0 * duration_s)
            + last_w * max(time_s - duration_s, 0.0)
        )

    return Power(integral_j)


def steps(*levels: tuple[float, float]) -> Power:
    """Piecewise constant.

    Args:
        levels: each the time from which, and the power that; the first power holds before its time too.
    """
    times = [time_s for time_s, _ in levels]
    watts = [power_w for _, power_w in levels]
    sums = [0.0]
    for (start_s, power_w), end_s in zip(levels, times[1:], strict=False):
        sums.append(sums[-1] + power_w * (end_s - start_s))

    def integral_j(time_s: float) -> float:
        index = max(bisect.bisect_right(times, time_s) - 1, 0)
        return sums[index] + watts[index] * (time_s - times[index])

    return Power(integral_j)
