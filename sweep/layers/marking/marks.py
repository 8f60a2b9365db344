"""The log of marks: at a time, an owner begins; what it owns ends at the next mark.

    mark   (t0, a)   (t1, b)        (t2, a)      end
           |-- a ----|----- b ------|--- a ------|

On the CPU a mark is a reading of the clock. A GPU works behind the host's back: there a mark is an event in its stream,
and its time is known once the device has passed it, in seconds of the host's clock through one reference event:

    t = t_ref + elapsed(ref, event),   ref recorded on an idle device at t_ref

No mark synchronises. Limits: the reference is as exact as one synchronisation (some 10 us); work on other streams is
charged to whatever the marked stream does meanwhile. What is said about CUDA follows its documentation; it was not run
on a GPU.
"""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.errors import LayerError

DRAIN_FROM = 4096
"""Events that may be pending before those that the device has passed are resolved and used again."""


class Segments(NamedTuple):
    """Marks in order of time.

    Attributes:
        starts_s: shape ``(n,)``, when each owner began; rising.
        owners: shape ``(n,)``.
    """

    starts_s: NDArray[np.float64]
    owners: NDArray[np.int64]


class Marks(ABC):
    """A log of marks. One thread at a time writes; autograd's own thread counts as the one that waits for it."""

    def __init__(self) -> None:
        self._times = array("d")
        self._owners = array("q")

    @abstractmethod
    def mark(self, owner: int) -> None:
        """From now on, time belongs to an owner."""

    @abstractmethod
    def settle(self) -> None:
        """Make all times known; the device has finished what was asked of it. Marks after this need a ``start``."""

    def start(self) -> None:  # noqa: B027 - most clocks need no preparation
        """Begin to log; the device is idle."""

    def __len__(self) -> int:
        """Number of marks so far."""
        return len(self._owners)

    def take(self) -> Segments:
        """All marks since the last call; the log is empty afterwards."""
        self.settle()
        taken = Segments(np.array(self._times, dtype=np.float64), np.array(self._owners, dtype=np.int64))
        self._times, self._owners = array("d"), array("q")
        return taken


class HostMarks(Marks):
    """Marks by the host's clock, for work that ends before the call that asks for it returns.

    Args:
        clock: monotonic seconds, the same as the recorder's.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def mark(self, owner: int) -> None:
        """Read the clock."""
        self._times.append(self._clock())
        self._owners.append(owner)

    def settle(self) -> None:
        """Nothing to wait for."""


class EventMarks(Marks):
    """Marks by events in the device's stream.

    Args:
        clock: monotonic seconds of the host, the same as the recorder's.
        make_event: gives an event with ``record()``, ``query()``, ``synchronize()`` and ``elapsed_time(other)`` in
            milliseconds, e.g. ``lambda: torch.cuda.Event(enable_timing=True)``.
    """

    def __init__(self, clock: Callable[[], float], make_event: Callable[[], Any]) -> None:
        super().__init__()
        self._clock = clock
        self._make_event = make_event
        self._idle: list[Any] = []
        self._pending: list[Any] = []
        self._reference: Any = None
        self._reference_s = 0.0

    def start(self) -> None:
        """Take the reference: an event on an idle device, and the time at which it has passed."""
        self._reference = self._make_event()
        self._reference.record()
        self._reference.synchronize()
        self._reference_s = self._clock()

    def mark(self, owner: int) -> None:
        """Put an event into the stream."""
        event = self._idle.pop() if self._idle else self._make_event()
        event.record()
        self._pending.append(event)
        self._owners.append(owner)
        if len(self._pending) >= DRAIN_FROM:
            self._drain(only_passed=True)

    def settle(self) -> None:
        """Resolve all events."""
        if self._pending:
            self._pending[-1].synchronize()
        self._drain(only_passed=False)

    def _drain(self, *, only_passed: bool) -> None:
        count = 0
        for event in self._pending:
            if only_passed and not event.query():
                break
            self._times.append(self._reference_s + self._reference.elapsed_time(event) / 1e3)
            count += 1
        self._idle.extend(self._pending[:count])
        del self._pending[:count]


def can_time(device: torch.device) -> bool:
    """Whether the work of a device can be timed from within its stream."""
    return device.type in ("cpu", "cuda")


def marks_for(device: torch.device, clock: Callable[[], float]) -> Marks:
    """The log that suits a device.

    Raises:
        LayerError: if its work cannot be timed from within its stream.
    """
    if device.type == "cpu":
        return HostMarks(clock)
    if not can_time(device):
        raise LayerError(
            f"layers cannot be timed on {device}: only cpu and cuda have events that sweep can read",
            "set layers.mode=off, or train on cpu or cuda",
        )
    return EventMarks(clock, lambda: torch.cuda.Event(enable_timing=True))  # type: ignore[no-untyped-call]
