"""Idle power: what measured domains draw in a window in which the study does nothing.

    P_idle = E(window) / duration          dynamic joules of an interval = E - P_idle * its duration

The window counts for a domain only if nothing else computed on it: CPU time of other programs for the processor's
domains, their processes and the utilisation for a GPU (``sweep.energy.checks.load``). If it did, the window is tried
again, and if it still does, the power is told but not subtracted. The process is there with its data on the device,
so what a driver draws for an open context belongs to idle.

Limits: idle power depends on temperature and clocks, which is why it is looked at again when the work is done. Domains
that are modelled know their static power by construction.
"""

import time
from collections.abc import Callable, Mapping

from sweep.energy.checks.load import LoadWatch
from sweep.energy.recorder import Recorder
from sweep.records import IdlePower, Provenance, Sensors

TRIES = 3
BUSY = 0.05
"""Utilisation of a device above which it does not idle."""


def measure_idle(
    recorder: Recorder,
    duration_s: float,
    sleep: Callable[[float], None] = time.sleep,
    watch: LoadWatch | None = None,
) -> list[IdlePower]:
    """Wait, and tell what each measured domain drew meanwhile.

    Args:
        recorder: running.
        duration_s: of a window; several are tried if others disturb it. 0 measures nothing.
        sleep: waits that many seconds; what it raises ends the measurement.
        watch: of the load.
    """
    if duration_s <= 0 or not any(domain.provenance == Provenance.MEASURED for domain in recorder.domains):
        return []
    watch, found = watch or LoadWatch(), list[IdlePower]()
    for _ in range(TRIES):
        found = _window(recorder, duration_s, sleep, watch)
        if all(idle.quiet or idle.power_w is None for idle in found):
            break  # waiting longer does not make a dead counter tell
    return found


def idle_power_w(found: list[IdlePower]) -> Mapping[str, float | None]:
    """What may be subtracted, by domain."""
    return {idle.domain: idle.power_w if idle.quiet else None for idle in found}


def _window(recorder: Recorder, duration_s: float, sleep: Callable[[float], None], watch: LoadWatch) -> list[IdlePower]:
    recorder.settle()
    start_s = recorder.mark()
    recorder.sense()
    watch.start()
    sleep(duration_s)
    recorder.sense()
    end_s = recorder.mark()
    recorder.catch_up()
    sensors = recorder.sensors.summary(start_s, end_s)
    energy = recorder.energy(start_s, end_s)
    watch.stop(recorder.domains, sensors)
    found = []
    for domain in recorder.domains:
        if domain.provenance != Provenance.MEASURED:
            continue
        spent = energy[domain.name]
        reason = watch.foreign.get(domain.name) or _activity(sensors.get(domain.name))
        known = spent.energy_j is not None
        found.append(
            IdlePower(
                domain=domain.name,
                power_w=_per_second(spent.energy_j, end_s - start_s),
                power_u_w=_per_second(spent.u_random_j, end_s - start_s),
                polled_w=recorder.sensors.mean_power_w(domain.name, start_s, end_s),
                duration_s=end_s - start_s,
                quiet=known and not reason,
                reason=reason if known else "its counter did not tell",
            )
        )
    return found


def _per_second(energy_j: float | None, duration_s: float) -> float | None:
    return None if energy_j is None else energy_j / duration_s


def _activity(sensors: Sensors | None) -> str:
    """What a device tells of its own work; empty if it did none."""
    if sensors is not None and (sensors.utilisation_mean or 0.0) > BUSY:
        return f"it was busy {sensors.utilisation_mean:.0%} of the time"
    return ""
