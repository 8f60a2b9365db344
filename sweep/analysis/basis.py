"""What the joules of a study rest on: their sources, and everything that makes them worth less.

    domains      sources, with the idle power before and after                       ``sweep.analysis.domains``
    polled       equation 1 beside the counter difference
    gaps         stretches over which joules were bridged, and what that did to their uncertainty
    disturbed    trials in which other programs ran: ``study.redo=contaminated`` does them again
    superseded   trials that were done again
    unsteady     trials whose power was not steady
    sensors      temperatures, clocks, utilisation, memory

All of current trials; those disturbed and unsteady of completed ones. The uncertainty that a trial would have without
its gaps is taken as the domain's repeatability times its joules.

Limits: what no sensor told is not known and does not count as quiet, cool or steady.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.current import current, is_disturbed, superseded
from sweep.analysis.domains import DomainRow, PolledRatio, domain_rows, polled_ratios
from sweep.records import Domain, Sensors, State, Steadiness, StudyData, TrialRecord


class GapRow(NamedTuple):
    """Joules of one domain of one trial that had to be bridged for a while.

    Attributes:
        gap_s: seconds bridged.
        share: of the trial's duration.
        u_random_j: standard uncertainty of its joules from trial to trial, gaps included.
        u_ungapped_j: the same without them; ``None`` if the domain is not the study's.
    """

    number: int
    domain: str
    gap_s: float
    share: float | None
    u_random_j: float | None
    u_ungapped_j: float | None


class Disturbed(NamedTuple):
    """A trial in which other programs ran.

    Attributes:
        domains: measured ones that hold their joules.
        reasons: in words; empty in records of before version 3.
    """

    number: int
    domains: tuple[str, ...]
    reasons: tuple[str, ...]
    wait_share: float | None
    other_cpu_share: float | None


class Range(NamedTuple):
    """Smallest and largest number over the trials."""

    low: float
    high: float


class SensorRow(NamedTuple):
    """What the sensors of a domain told over the trials; ``None`` where none did."""

    domain: str
    n: int
    temperature_start_c: Range | None
    temperature_max_c: Range | None
    clock_mean_mhz: Range | None
    utilisation_mean: Range | None
    memory_max_bytes: Range | None
    others_max: Range | None


@dataclass(frozen=True, slots=True)
class Basis:
    """What the joules of a study rest on.

    Attributes:
        label: what a total is a sum of.
        superseded: numbers of trials that were done again, each with the one that stands for it.
        n_steadiness: completed trials that were long enough to tell.
        unsteady: numbers of those that were not, largest change first.
    """

    label: str
    domains: tuple[DomainRow, ...]
    polled: tuple[PolledRatio, ...]
    gaps: tuple[GapRow, ...]
    disturbed: tuple[Disturbed, ...]
    superseded: Mapping[int, int]
    n_steadiness: int
    unsteady: tuple[tuple[int, Steadiness], ...]
    sensors: tuple[SensorRow, ...]


def basis(data: StudyData) -> Basis:
    """The basis of a study."""
    trials = sorted(current(data), key=lambda trial: trial.number)
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    domains = {domain.name: domain for domain in data.study.domains}
    steadiness = [(trial.number, trial.steadiness) for trial in complete if trial.steadiness is not None]
    unsteady = [(number, item) for number, item in steadiness if not item.steady]
    return Basis(
        label=wording.energy_label(data.study.domains),
        domains=domain_rows(data),
        polled=polled_ratios(data),
        gaps=tuple(row for trial in trials for row in _gaps(trial, domains)),
        disturbed=tuple(disturbed(trial) for trial in complete if is_disturbed(trial)),
        superseded=superseded(data),
        n_steadiness=len(steadiness),
        unsteady=tuple(sorted(unsteady, key=lambda item: -abs(item[1].drift_rel))),
        sensors=_sensors(trials),
    )


def _gaps(trial: TrialRecord, domains: dict[str, Domain]) -> Iterable[GapRow]:
    for name, energy in trial.domains.items():
        if energy.gap_s > 0.0:
            known = energy.energy_j is not None and name in domains
            yield GapRow(
                number=trial.number,
                domain=name,
                gap_s=energy.gap_s,
                share=energy.gap_s / trial.duration_s if trial.duration_s > 0.0 else None,
                u_random_j=energy.u_random_j,
                u_ungapped_j=domains[name].random_u_rel * (energy.energy_j or 0.0) if known else None,
            )


def disturbed(trial: TrialRecord) -> Disturbed:
    """What other programs did to a trial."""
    load = trial.load
    if load is None:
        return Disturbed(trial.number, (), (), None, None)
    return Disturbed(trial.number, tuple(load.domains), tuple(load.reasons), load.wait_share, load.other_cpu_share)


def _sensors(trials: list[TrialRecord]) -> tuple[SensorRow, ...]:
    told: dict[str, list[Sensors]] = {}
    for trial in trials:
        for name, sensors in trial.sensors.items():
            told.setdefault(name, []).append(sensors)
    return tuple(
        SensorRow(
            name,
            len(items),
            _range(item.temperature_start_c for item in items),
            _range(item.temperature_max_c for item in items),
            _range(item.clock_mean_mhz for item in items),
            _range(item.utilisation_mean for item in items),
            _range(item.memory_max_bytes for item in items),
            _range(item.others_max for item in items),
        )
        for name, items in told.items()
    )


def _range(items: Iterable[float | None]) -> Range | None:
    known = [item for item in items if item is not None]
    return Range(min(known), max(known)) if known else None
