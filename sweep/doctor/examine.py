"""The examination: the meters of this machine are opened as a study does it, and watched.

    1  a quiet window     idle power, CPU share of the poller, who else computes
    2  looks              tick and smallest step of each counter
    3  the same work      its spread, hence how many repeats tell two setups apart; load of others

Takes 2 to 4 times ``seconds``, and 3 to 8 s more.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sweep.doctor.findings import Diagnosis, DomainFinding, Price, Program, Shortage
from sweep.doctor.spread import fixed_work, repeat_work, spread
from sweep.doctor.surroundings import busiest, program_times, surroundings
from sweep.doctor.ticking import Look, look, ticking
from sweep.doctor.verdict import grade, verdict, would_help
from sweep.energy.checks.idle import measure_idle
from sweep.energy.checks.load import LoadWatch
from sweep.energy.meter import Meter, Problem
from sweep.energy.meters.auto import AutoMeter
from sweep.energy.recorder import Recorder
from sweep.records import Domain, IdlePower, LoadCheck, Provenance

PRICED = 50


class _Quiet(NamedTuple):
    """The quiet window."""

    idle: dict[str, IdlePower]
    poller_cpu_share: float
    programs: list[Program]


class _Watched(NamedTuple):
    """Everything that was watched."""

    quiet: _Quiet
    looks: list[Look]
    reading_s: float
    reading_cpu_s: float
    intervals: list[tuple[float, float]]
    load: LoadCheck | None


def examine(sysfs_root: str, seconds: float, tell: Callable[[str], None] = lambda _: None) -> Diagnosis:
    """Examine this machine.

    Args:
        sysfs_root: what stands for ``/sys``.
        seconds: of a quiet window, and of looking for ticks.
        tell: gets what is done now.

    Raises:
        MeterError: if there is no domain at all.
    """
    meter, warnings = AutoMeter(sysfs_root=sysfs_root), list[str]()
    with Recorder(meter, warn=warnings.append) as recorder:
        watched = _watch(meter, recorder, seconds, tell)
        domains = [_finding(domain, recorder, watched) for domain in recorder.domains]
        problems = [_shortage(problem) for problem in recorder.problems]
    absences = [_shortage(absence) for absence in meter.absences]
    around = surroundings(watched.load, watched.quiet.programs, Path(sysfs_root))
    return Diagnosis(
        grade=grade(domains),
        verdict=verdict(domains, around),
        would_help=would_help(domains, problems, absences, around),
        domains=domains,
        problems=problems,
        absences=absences,
        surroundings=around,
        price=Price(
            reading_s=watched.reading_s,
            reading_cpu_s=watched.reading_cpu_s,
            poll_interval_s=meter.poll_interval_s,
            poller_cpu_share=watched.quiet.poller_cpu_share,
        ),
        warnings=warnings,
    )


def _watch(meter: Meter, recorder: Recorder, seconds: float, tell: Callable[[str], None]) -> _Watched:
    tell("idle power: please leave the machine alone")
    quiet = _quiet(recorder, seconds)
    tell("ticks of the counters")
    looks = look(meter, seconds)
    reading_s, reading_cpu_s = _price(meter)
    tell("the same work again and again")
    work, watch = fixed_work(), LoadWatch()
    watch.start()
    intervals = repeat_work(recorder, work)
    load = watch.stop(recorder.domains, recorder.sensors.summary(intervals[0][0], intervals[-1][1]))
    return _Watched(quiet, looks, reading_s, reading_cpu_s, intervals, load)


def _quiet(recorder: Recorder, seconds: float) -> _Quiet:
    """Idle power; meanwhile this process does nothing but poll, so its CPU time is the poller's."""
    shares: list[float] = []

    def rest(duration_s: float) -> None:
        start_s, start_cpu_s = time.monotonic(), time.process_time()
        time.sleep(duration_s)
        shares.append((time.process_time() - start_cpu_s) / (time.monotonic() - start_s))

    before, start_s = program_times(), time.monotonic()
    idle = measure_idle(recorder, seconds, rest)
    if not shares:
        rest(seconds)
    programs = busiest(before, program_times(), time.monotonic() - start_s)
    return _Quiet({item.domain: item for item in idle}, min(shares), programs)


def _price(meter: Meter) -> tuple[float, float]:
    """Wall time and CPU time of one reading, in seconds; what fails costs as much."""
    walls_s, start_cpu_s = [], time.thread_time()
    for _ in range(PRICED):
        start_s = time.perf_counter()
        with suppress(Exception):  # whatever a driver raises; the recorder warns of it
            meter.read()
        walls_s.append(time.perf_counter() - start_s)
    return statistics.median(walls_s), (time.thread_time() - start_cpu_s) / PRICED


def _finding(domain: Domain, recorder: Recorder, watched: _Watched) -> DomainFinding:
    is_model = domain.provenance == Provenance.MODELLED
    moved = ticking(watched.looks, domain.name)
    sensors = recorder.sensors.summary(0.0, recorder.clock()).get(domain.name)
    return DomainFinding(
        name=domain.name,
        provenance=domain.provenance,
        scope=domain.scope,
        additive=domain.additive,
        scale_u_rel=domain.scale_u_rel,
        random_u_rel=domain.random_u_rel,
        resolution_j=domain.resolution_j,
        ticking=moved,
        idle=watched.quiet.idle.get(domain.name) if moved.moves else None,
        static_power_w=domain.idle_power_w if is_model else None,
        others=None if sensors is None else sensors.others_max,
        spread=spread(recorder, domain, watched.intervals),
        source=domain.source,
        note=domain.note,
    )


def _shortage(problem: Problem) -> Shortage:
    return Shortage(what=problem.what, why=problem.why, mend=problem.mend)
