"""The contract of a meter: the counters of each domain, read whenever asked.

A meter is opened, read many times from the poller's and the training thread, and closed. It reports what its counters
show, in joules; that they wrap, start anew, stand still or jump is the recorder's affair (``sweep.energy.counter``), so
each meter is thin. Vendor drivers are imported inside ``open``. A new meter is one file in ``sweep/energy/meters`` that
passes the contract suite.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from sweep.errors import MeterError
from sweep.records import Conditions, Domain, Joules


class Problem(NamedTuple):
    """Something that a meter could cover, and does not.

    Attributes:
        what: the domain or device, e.g. ``dram:0``.
        why: the value and the rule it breaks.
        mend: the next step, in the imperative.
    """

    what: str
    why: str
    mend: str


LONGEST_INTERVAL_S = 3600.0


def check_interval(poll_interval_s: float, example_s: float = 0.1) -> None:
    """Refuse seconds between two readings that no poller can keep.

    Raises:
        MeterError: if they are not positive, or longer than an hour.
    """
    if not 0.0 < poll_interval_s <= LONGEST_INTERVAL_S:
        raise MeterError(
            f"meter.poll_interval_s={poll_interval_s} is not positive, or longer than an hour",
            f"give seconds, e.g. {example_s:g}",
        )


class Meter(ABC):
    """Source of cumulative joules.

    Attributes:
        poll_interval_s: how often the poller should read, in seconds.
    """

    poll_interval_s: float = 0.1
    exact: bool = False
    """Whether a reading is true at the moment it is taken (a model, or a counter that ticks each millisecond), not at
    a tick long ago. The recorder then reads at every mark instead of interpolating."""
    is_model: ClassVar[bool] = False
    """Whether it models, so that it is no match for a sensor."""
    rank: ClassVar[int | None] = None
    """Place among the meters that ``auto`` tries, lowest first; ``None`` to be used by name only."""
    covers: ClassVar[frozenset[str]] = frozenset()
    """Of ``gpu`` and ``cpu``, what the meter tells; ``auto`` does not try it where an earlier one told all of that."""

    @abstractmethod
    def open(self) -> None:
        """Acquire the sensors, and drop those that cannot be read into ``problems``.

        Raises:
            SensorAbsentError: if the machine has no such sensor.
            MeterError: if none of them can be used, with the permission or package that is missing.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the sensors; safe to call twice, and without ``open``."""

    @property
    @abstractmethod
    def domains(self) -> tuple[Domain, ...]:
        """What is covered; valid once opened. A domain that is not listed is not known, not zero."""

    @abstractmethod
    def read(self) -> Joules:
        """What the counter of each domain shows; ``None`` for one that cannot be read now.

        Starts anywhere, rises, and starts over at the domain's ``range_j`` if it has one. Safe from any thread.

        Raises:
            MeterError: if the meter is not open. Whatever else is raised is a failed reading, and no more.
        """

    def power_w(self) -> Mapping[str, float | None]:
        """Power that the sensor of each domain tells now, in watts; without the domains that have no such sensor."""
        return {}

    def conditions(self) -> Mapping[str, Conditions]:
        """State of the device of each domain now, where its sensors tell."""
        return {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is there but not covered, with the mend; valid once opened."""
        return ()

    def attend(self, device: str) -> None:  # noqa: B027 - most meters do not care
        """Told before ``open`` which torch device will work, e.g. ``cuda:1``: others of its kind are left out."""

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
