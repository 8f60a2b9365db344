"""The contract of a meter: cumulative joules of each domain, read whenever asked.

A meter is opened, read many times from the poller's and the training thread, and closed. It reports joules
*since it was opened*, wraps corrected and units converted, so readings never fall. Vendor drivers are imported
inside ``open``.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import ClassVar, Self

from sweep.records import Conditions, Domain, Joules


class Meter(ABC):
    """Source of cumulative joules.

    Attributes:
        poll_interval_s: how often the poller should read, in seconds.
    """

    poll_interval_s: float = 0.1
    exact: ClassVar[bool] = False
    """Whether a reading is true at the moment it is taken (a model), not at the last tick (a counter). The
    recorder then reads at every mark instead of interpolating."""

    @abstractmethod
    def open(self) -> None:
        """Acquire the sensors.

        Raises:
            MeterError: if they cannot be used, with the permission or package that is missing.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the sensors; safe to call twice."""

    @property
    @abstractmethod
    def domains(self) -> tuple[Domain, ...]:
        """What is covered; valid once opened. A domain that is not listed is not known, not zero."""

    @abstractmethod
    def read(self) -> Joules:
        """Joules of each domain since ``open``; ``None`` for a domain that cannot be read now.

        Safe from any thread.
        """

    def conditions(self) -> Conditions:
        """Temperature and clock of what is metered, where its sensors tell."""
        return Conditions()

    def set_apart(self) -> AbstractContextManager[None]:
        """Context whose CPU time on the calling thread is not the training's (poller, progress, storage).

        Nothing to do for counters, which see the whole device anyway.
        """
        return nullcontext()

    def __enter__(self) -> Self:
        """Open."""
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
