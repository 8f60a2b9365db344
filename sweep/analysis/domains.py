"""The domains of a study: what each draws while nothing computes, and what each setup spent in it.

    domain_rows     one for each domain, with its idle power before the first session and after the last
    setup_domains   of one setup: gross, dynamic and polled joules of each domain, mean over its trials
    polled_ratios   equation 1 of "The Power of Training" (mean polled power x duration) over the counter difference

Idle power has moved where

    |after - before| > MOVED_REL before    and    |after - before| > 2 sqrt(u_before^2 + u_after^2)

Limits: only quiet windows are compared. A mean over trials of which one does not know its joules is not known.
"""

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

from sweep.analysis.current import current
from sweep.analysis.setups import Setup
from sweep.records import Domain, IdlePower, Sensors, State, StudyData, TrialRecord, total_j

MOVED_REL = 0.10
CPU = "cpu"
CPU_KINDS = ("package", CPU, "psys")
"""Kinds of the domains that tell the state of a CPU, the better first."""


class DomainRow(NamedTuple):
    """A domain and its idle power.

    Attributes:
        before: of the first session that knows it; ``None`` if none took it.
        after: of the last session that knows it.
    """

    domain: Domain
    before: IdlePower | None
    after: IdlePower | None

    @property
    def moved_rel(self) -> float | None:
        """Change of the idle power over that before; ``None`` if it cannot be told from two quiet windows."""
        before, after = _quiet_w(self.before), _quiet_w(self.after)
        return (after - before) / before if before and after is not None else None

    @property
    def has_moved(self) -> bool | None:
        """Whether the change is more than ``MOVED_REL`` and two standard uncertainties; ``None`` if not known."""
        before, after = self.before, self.after
        if self.moved_rel is None or before is None or after is None or not before.power_w:
            return None
        u_rel = math.hypot(before.power_u_w or 0.0, after.power_u_w or 0.0) / before.power_w
        return abs(self.moved_rel) > max(MOVED_REL, 2.0 * u_rel)


class DomainMean(NamedTuple):
    """Joules of one domain, mean over the trials of a setup; ``None`` is not known.

    Attributes:
        energy_j: gross.
        dynamic_j: above idle.
        polled_j: by equation 1.
    """

    energy_j: float | None
    dynamic_j: float | None
    polled_j: float | None


class PolledRatio(NamedTuple):
    """Polled joules over counted ones, over the trials that have both.

    Attributes:
        n: how many.
        energy_j: by the counter, mean.
        polled_j: mean polled power times duration, mean.
        mean: of the ratios.
        sd: their standard deviation; ``None`` with one trial.
        low: the smallest.
        high: the largest.
    """

    domain: str
    n: int
    energy_j: float
    polled_j: float
    mean: float
    sd: float | None
    low: float
    high: float


def domain_rows(data: StudyData) -> tuple[DomainRow, ...]:
    """The domains of a study, in its order."""
    return tuple(
        DomainRow(
            domain,
            _known_idle(domain.name, (session.idle_before for session in data.sessions)),
            _known_idle(domain.name, (session.idle_after for session in reversed(data.sessions))),
        )
        for domain in data.study.domains
    )


def setup_domains(setup: Setup) -> dict[str, DomainMean]:
    """Joules of each domain that a trial of the setup knows, by its name."""
    names = dict.fromkeys(name for trial in setup.trials for name in trial.domains)
    found = {}
    for name in names:
        energies = [trial.domains.get(name) for trial in setup.trials]
        found[name] = DomainMean(
            _mean(None if item is None else item.energy_j for item in energies),
            _mean(None if item is None else item.dynamic_j for item in energies),
            _mean(None if item is None else item.polled_j for item in energies),
        )
    return found


def polled_ratios(data: StudyData) -> tuple[PolledRatio, ...]:
    """One for each domain whose power was polled beside its counter, over the current COMPLETE trials."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for trial in current(data):
        for name, energy in trial.domains.items():
            if trial.state is State.COMPLETE and energy.energy_j and energy.polled_j is not None:
                pairs.setdefault(name, []).append((energy.energy_j, energy.polled_j))
    return tuple(_ratio(name, items) for name, items in pairs.items())


def training_sensors(trial: TrialRecord) -> Sensors:
    """What the sensors of the device that trained told over a trial."""
    kind, _, index = trial.machine.compute.partition(":")
    kinds = CPU_KINDS if kind == CPU else ("gpu",)
    fitting = [name for kind in kinds for name in trial.sensors if name.partition(":")[0] == kind]
    own = [name for name in fitting if index and name.partition(":")[2] == index]
    return trial.sensors[(own or fitting)[0]] if fitting else Sensors()


def _ratio(name: str, pairs: list[tuple[float, float]]) -> PolledRatio:
    ratios = [polled_j / energy_j for energy_j, polled_j in pairs]
    return PolledRatio(
        name,
        len(pairs),
        statistics.fmean(energy_j for energy_j, _ in pairs),
        statistics.fmean(polled_j for _, polled_j in pairs),
        statistics.fmean(ratios),
        statistics.stdev(ratios) if len(ratios) > 1 else None,
        min(ratios),
        max(ratios),
    )


def _known_idle(name: str, windows: Iterable[list[IdlePower]]) -> IdlePower | None:
    """The first that knows a power, else the first that says why not."""
    found = [idle for window in windows for idle in window if idle.domain == name]
    return next((idle for idle in found if idle.power_w is not None), found[0] if found else None)


def _quiet_w(idle: IdlePower | None) -> float | None:
    return idle.power_w if idle is not None and idle.quiet else None


def _mean(joules: Iterable[float | None]) -> float | None:
    items = list(joules)
    total = total_j(items)
    return None if total is None else total / len(items)
