"""Ctrl-C and SIGTERM as a request: a training is broken off at once, storing is never.

Inside ``armed()`` a signal raises KeyboardInterrupt; outside it is noted and looked at before the next trial. A
second signal raises wherever it arrives.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Handlers for the length of a session; does nothing outside the main thread, where Python has no signals."""

    def __init__(self) -> None:
        self.requested = False
        self._armed = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        """Install."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._former[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Restore."""
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        second, self.requested = self.requested, True
        if self._armed or second:
            raise KeyboardInterrupt

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Where a signal may break in.

        Raises:
            KeyboardInterrupt: also for a signal that came just before.
        """
        self._armed = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._armed = False
