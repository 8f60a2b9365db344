"""Joules from polled power, for boards without an energy counter.

    E += (P_last + P_now) / 2 * dt                                                       trapezoid

The sum is a counter like any other, and as honest: where power could not be read, or was not for long, it starts over
at zero, so that whoever reads it sees a counter that started anew and bridges the stretch with its uncertainty
(``sweep.energy.counter``), rather than a guess that looks measured.
"""

import threading
from collections.abc import Callable

LONGEST_S = 2.0
LONGEST_POLLS = 10
"""A stretch without a reading that is longer than both is not interpolated any more."""


class Integral:
    """Integrated power of one board; safe from several threads.

    Args:
        power_w: reads the power.
        clock: monotonic, in seconds.
        poll_interval_s: how often it will be read.
    """

    def __init__(self, power_w: Callable[[], float], clock: Callable[[], float], poll_interval_s: float) -> None:
        self._power_w = power_w
        self._clock = clock
        self._longest_s = max(LONGEST_S, LONGEST_POLLS * poll_interval_s)
        self._lock = threading.Lock()
        self._last: tuple[float, float] | None = None
        self._energy_j = 0.0

    def read_j(self) -> float:
        """Joules since it started, or started over.

        Raises:
            Exception: what reading the power raises; the sum then starts over.
        """
        with self._lock:
            last, self._last = self._last, None
            power_w = self._power_w()
            now_s = self._clock()
            if last is None or now_s - last[0] > self._longest_s:
                self._energy_j = 0.0
            else:
                self._energy_j += (last[1] + power_w) / 2.0 * (now_s - last[0])
            self._last = (now_s, power_w)
            return self._energy_j
