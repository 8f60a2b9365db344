"""Initialising a lost driver anew, without keeping anyone waiting.

A driver that was reloaded, or a board that fell off the bus, can be read again only after a new initialisation, which
may take seconds on a sick machine. So it runs on a thread of its own, not before ``FIRST_S`` after the last one, and
ever more rarely while it does not help.
"""

import threading
from collections.abc import Callable

FIRST_S = 5.0
LONGEST_S = 300.0
CLOSE_S = 2.0


class Recovery:
    """Runs a restart now and then, as long as it is asked for.

    Args:
        restart: tells whether it helped; raises nothing.
        clock: monotonic, in seconds.
    """

    def __init__(self, restart: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._restart = restart
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wait_s = FIRST_S
        self._next_s: float | None = None

    def ask(self) -> None:
        """Start a restart in the background, unless one is under way or it is too early."""
        with self._lock:
            now_s = self._clock()
            if (self._thread and self._thread.is_alive()) or (self._next_s is not None and now_s < self._next_s):
                return
            self._next_s = now_s + self._wait_s
            self._thread = threading.Thread(target=self._run, name="nvml-recovery", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for a restart under way, but not for long."""
        if self._thread:
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        helped = self._restart()
        self._wait_s = FIRST_S if helped else min(2.0 * self._wait_s, LONGEST_S)
