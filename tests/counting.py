"""Reading a meter as the recorder does, step by step on a clock that is moved by hand."""

import time
from collections.abc import Callable

from clocks import FakeTime

from sweep.energy.counter import Counter
from sweep.energy.meter import Meter
from sweep.records import Gap


def counted(
    meter: Meter, clock: FakeTime, duration_s: float, interval_s: float = 0.1
) -> tuple[dict[str, float | None], list[Gap]]:
    """Joules of a stretch from now on, by domain, and the gaps in it."""
    counters = {domain.name: Counter(domain) for domain in meter.domains}
    start_s, total_j, gaps = clock.now_s, dict[str, float | None](), list[Gap]()
    for step in range(round(duration_s / interval_s) + 1):
        clock.now_s = start_s + step * interval_s
        shown_j = meter.read()
        for name, counter in counters.items():
            told = counter.update(clock.now_s, shown_j[name])
            total_j[name] = told.energy_j
            gaps += filter(None, [told.gap])
    return total_j, gaps


def until(condition: Callable[[], bool], patience_s: float = 60.0) -> None:
    """Wait for what another thread does."""
    give_up_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up_s, "nothing happened"
        time.sleep(0.002)
