"""Every domain of the machine that can be measured, and a model only for a processor that nothing measures.

Meters with a ``rank`` are tried in its order. One is opened unless all it ``covers`` (``gpu``, ``cpu``) is covered
already; one whose sensor is absent is passed over; one whose sensor is there and cannot be used becomes a
``Problem``, and whoever runs the study says so; then no other sensor meter is asked for the same (it might read what
the first refused, e.g. a sliced GPU), only a model. Domains keep their names; two meters that claim the same one are an
error.

Limits: gross joules of devices and modelled joules of this process stand side by side; their sum is labelled as such
wherever it is shown. Readings of different meters are taken one after the other, within a fraction of a millisecond.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sweep.energy.meter import Meter, Problem, check_interval
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Conditions, Domain, Joules
from sweep.registry import discover

KINDS = {"gpu": "gpu", "cpu": "cpu", "package": "cpu"}
"""What a kind of domain covers, whether or not its meter promises that (Zeus tells the processor of some chips)."""


class AutoMeter(Meter):
    """All meters of this machine as one.

    Args:
        sysfs_root: handed to the meters that read sysfs.
        exclude: domains to leave out, e.g. ``dram:0``, or kinds of them, e.g. ``dram``.
        poll_interval_s: seconds between two polled readings; ``None`` for the shortest that one of the meters has.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    def __init__(
        self, *, sysfs_root: str = "/sys", exclude: Sequence[str] = (), poll_interval_s: float | None = None
    ) -> None:
        if poll_interval_s is not None:
            check_interval(poll_interval_s)
        asked = {"sysfs_root": sysfs_root, "poll_interval_s": poll_interval_s}
        self._options = {name: value for name, value in asked.items() if value is not None}
        self._exclude = frozenset(exclude)
        self._device: str | None = None
        self._meters: list[Meter] = []
        self._problems: list[Problem] = []
        self._absences: list[Problem] = []
        self._refused: set[str] = set()

    def attend(self, device: str) -> None:
        """Handed on."""
        self._device = device

    def open(self) -> None:
        """Open what there is.

        Raises:
            MeterError: if nothing can be opened, two meters claim one domain, or a name in ``exclude`` is none.
        """
        self._problems, self._absences = [], []
        self._refused = set()
        with ExitStack() as stack:
            opened: list[Meter] = []
            covered: set[str] = set()
            for cls in _candidates():
                if not cls.covers <= (covered if cls.is_model else covered | self._refused):
                    meter = self._opened(cls)
                    if meter is not None:
                        stack.callback(meter.close)
                        opened.append(meter)
                        covered |= cls.covers | {KINDS.get(domain.kind, "") for domain in meter.domains}
            self._meters = opened
            self._check()
            stack.pop_all()
        self.exact = any(meter.exact for meter in opened)
        self.poll_interval_s = min(meter.poll_interval_s for meter in opened)

    def _opened(self, cls: type[Meter]) -> Meter | None:
        """A meter, open; ``None`` if its sensor is absent or cannot be used."""
        taken = inspect.signature(cls).parameters
        options: dict[str, Any] = {name: value for name, value in self._options.items() if name in taken}
        meter = cls(**options)
        if self._device is not None:
            meter.attend(self._device)
        try:
            meter.open()
        except MeterError as err:
            problem = Problem(" and ".join(sorted(cls.covers)), err.problem, err.mend)
            if isinstance(err, SensorAbsentError):
                self._absences.append(problem)
            else:
                self._problems.append(problem)
                self._refused |= cls.covers
            return None
        self._problems.extend(meter.problems)
        return meter

    def _check(self) -> None:
        found = {name for domain in self._found() for name in (domain.name, domain.kind)}
        unknown = sorted(self._exclude - found)
        if unknown:
            raise MeterError(
                f"meter.exclude={unknown} is no domain of this machine ({', '.join(d.name for d in self._found())})",
                "name domains or kinds of them, e.g. dram:0 or dram",
            )
        names = [domain.name for domain in self.domains]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise MeterError(f"two meters tell {', '.join(twice)}", f"set meter.exclude=[{','.join(twice)}]")
        if not names and self._found():
            raise MeterError(
                f"meter.exclude={sorted(self._exclude)} leaves nothing of {', '.join(d.name for d in self._found())}",
                "exclude fewer",
            )
        if not names:
            reasons = "; ".join(f"{p.what}: {p.why}" for p in self._problems) or "no sensor, and no model either"
            raise MeterError(f"there is no domain to meter ({reasons})", "see `sweep doctor`")

    def close(self) -> None:
        """Close them all, the last first."""
        with ExitStack() as stack:
            for meter in self._meters:
                stack.callback(meter.close)
            self._meters = []

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Those of all meters, in their order."""
        return tuple(domain for domain in self._found() if self._is_wanted(domain.name))

    def _found(self) -> list[Domain]:
        return [domain for meter in self._meters for domain in meter.domains]

    def _is_wanted(self, name: str) -> bool:
        return name not in self._exclude and name.partition(":")[0] not in self._exclude

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Those of all meters that are there."""
        return tuple(self._problems)

    @property
    def absences(self) -> tuple[Problem, ...]:
        """Meters that were passed over because the machine has no such sensor, with what they would cover."""
        return tuple(self._absences)

    def read(self) -> Joules:
        """Read all meters; one that fails leaves its domains unknown, unless all fail.

        Raises:
            MeterError: if the meter is not open, or no meter could be read.
        """
        if not self._meters:
            raise MeterError("the auto meter is read while closed", "open it first")
        found: Joules = {}
        errors: list[Exception] = []
        for meter in self._meters:
            try:
                found |= meter.read()
            except Exception as err:  # a driver's own; the others still count
                errors.append(err)
                found |= dict.fromkeys((domain.name for domain in meter.domains), None)
        if len(errors) == len(self._meters):
            raise errors[0]
        return {name: joules for name, joules in found.items() if self._is_wanted(name)}

    def power_w(self) -> Mapping[str, float | None]:
        """Power of all domains that have a sensor for it."""
        told = {name: power for meter in self._meters for name, power in meter.power_w().items()}
        return {name: power for name, power in told.items() if self._is_wanted(name)}

    def conditions(self) -> Mapping[str, Conditions]:
        """States of all devices."""
        told = {name: state for meter in self._meters for name, state in meter.conditions().items()}
        return {name: state for name, state in told.items() if self._is_wanted(name)}

    @contextmanager
    def set_apart(self) -> Iterator[None]:
        """Apart from all of them."""
        with ExitStack() as stack:
            for meter in self._meters:
                stack.enter_context(meter.set_apart())
            yield


def _candidates() -> list[type[Meter]]:
    """Meters that take part, by rank."""
    found = discover("sweep.energy.meters", Meter)  # type: ignore[type-abstract]
    ranked = [(cls.rank, name, cls) for name, cls in found.items() if cls.rank is not None]
    return [cls for _, _, cls in sorted(ranked, key=lambda item: item[:2])]
