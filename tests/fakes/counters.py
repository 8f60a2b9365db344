"""Counters in plain Python: the power of each domain is known, and so are its joules."""

from collections.abc import Callable, Mapping

from sweep.energy.meter import Meter, Problem
from sweep.errors import MeterError
from sweep.records import Conditions, Domain, Joules, Provenance, Scope


def domain(name: str, **fields: object) -> Domain:
    """A measured domain of a whole device."""
    known = {"scale_u_rel": 0.05, "random_u_rel": 0.0, "scope": Scope.DEVICE, "provenance": Provenance.MEASURED}
    return Domain(name=name, **{**known, **fields})


class CounterMeter(Meter):
    """Domains at constant power.

    Args:
        clock: monotonic seconds.
        powers_w: by domain; may be changed at any time, what was counted stays.
        domains: described otherwise than by ``domain``.
    """

    poll_interval_s = 0.02

    def __init__(self, clock: Callable[[], float], powers_w: Mapping[str, float], *domains: Domain) -> None:
        self.powers_w = dict(powers_w)
        self.states: dict[str, Conditions] = {}
        self.dead: set[str] = set()
        self.found: tuple[Problem, ...] = ()
        self._clock = clock
        self._described = domains
        self._then_s = clock()
        self._joules = dict.fromkeys(powers_w, 0.0)
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    @property
    def domains(self) -> tuple[Domain, ...]:
        return self._described or tuple(domain(name) for name in self.powers_w)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.found

    def read(self) -> Joules:
        if not self.is_open:
            raise MeterError("the counters are read while closed", "open them first")
        now_s = self._clock()
        for name, power_w in self.powers_w.items():
            self._joules[name] += power_w * (now_s - self._then_s)
        self._then_s = now_s
        return {name: None if name in self.dead else joules for name, joules in self._joules.items()}

    def power_w(self) -> Mapping[str, float | None]:
        return dict(self.powers_w)

    def conditions(self) -> Mapping[str, Conditions]:
        return dict(self.states)
