"""How many repeats tell two setups apart: from the joules of the same work, done again and again.

The work is fixed: a seeded stack of small matrices, multiplied as often as takes ``RUN_S`` of CPU time, by one
thread: BLAS libraries leave such sizes to one, and threads that spin while they wait would scatter more than the work
does. With c the standard deviation of its joules over their mean, and d the relative difference of two setups, each of
them needs

    n = 2 ((z_0.975 + z_0.8) c / d)^2                    (as in R's epibasix::n4means)

repeats for a difference to be found with a probability of 0.8, by a two-sided test at 0.05 that finds one where there
is none in 5 % of all cases. For so few repeats Student's t with 2 n - 2 degrees of freedom stands in the place of z,
and the smallest n that fulfils the inequality is taken: it reaches a power of 0.78 or more by the noncentral t
distribution, which is exact. The scale of a meter is the same factor for both setups and does not enter.

Limits: c is itself known to about 1 / sqrt(2 (runs - 1)), a quarter for ten runs, so n to a factor of 1.6 or so. A
training differs from this work: longer ones average more, and their own randomness (seed, order of the data, number
of epochs) comes on top. ``study.repeats`` measures that.
"""

import math
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from sweep.doctor.findings import Spread
from sweep.energy.checks.load import PROCESSOR
from sweep.energy.recorder import Recorder
from sweep.records import Domain

DIFFERENCE = 0.05
LEVEL = 0.05
POWER = 0.8
RUNS = 10
LEAST_RUNS = 5
RUN_S = 0.3
LONGEST_S = 6.0
SHAPE = (32, 64, 64)
TRY_S = 0.05
COVERED = PROCESSOR | {"memory"}
"""Kinds of domains in which work of the processor shows."""


def repeats_needed(sd_rel: float, difference: float = DIFFERENCE) -> int:
    """Repeats of each of two setups, after which a relative difference of their joules is found.

    Args:
        sd_rel: standard deviation over the mean from one repeat to the next.
        difference: relative.
    """
    at = (1.0 - LEVEL / 2.0, POWER)
    effect = sd_rel / difference
    n: int = max(2, math.ceil(2.0 * (sum(map(stats.norm.ppf, at)) * effect) ** 2))
    while n < 2.0 * (sum(stats.t.ppf(at, 2 * n - 2)) * effect) ** 2:
        n += 1
    return n


def fixed_work(clock: Callable[[], float] = time.thread_time) -> Callable[[], None]:
    """The same piece of work at each call, of about ``RUN_S`` on a quiet machine."""
    matrices = np.random.default_rng(0).standard_normal(SHAPE)
    product = np.empty(SHAPE)

    def multiply(times: int) -> None:
        for _ in range(times):
            np.matmul(matrices, matrices, out=product)

    done, start_s = 0, clock()
    while done == 0 or clock() - start_s < TRY_S:
        multiply(1)
        done += 1
    times = max(1, round(done * RUN_S / (clock() - start_s)))
    return lambda: multiply(times)


def repeat_work(recorder: Recorder, work: Callable[[], None]) -> list[tuple[float, float]]:
    """Do the work ``RUNS`` times, with a reading before and after each; less often where others make it last.

    Returns:
        Start and end of each run, on the recorder's clock.
    """
    intervals: list[tuple[float, float]] = []
    while len(intervals) < RUNS:
        start_s = recorder.settle()
        work()
        intervals.append((start_s, recorder.settle()))
        if len(intervals) >= LEAST_RUNS and intervals[-1][1] - intervals[0][0] > LONGEST_S:
            break
    recorder.catch_up()
    return intervals


def spread(recorder: Recorder, domain: Domain, intervals: Sequence[tuple[float, float]]) -> Spread:
    """What the joules of the same work say of a domain."""
    run_s = statistics.median(end_s - start_s for start_s, end_s in intervals)
    if domain.kind not in COVERED:
        why = "no work was put on it: not known before a study with study.repeats=3"
        return Spread(runs=0, run_s=0.0, reason=why)
    found = [recorder.timeline.joules(start_s, end_s)[domain.name] for start_s, end_s in intervals]
    known = [energy_j for energy_j in found if energy_j is not None]
    mean_j = statistics.fmean(known) if len(known) == len(found) else None
    if not mean_j:
        return Spread(runs=len(intervals), run_s=run_s, reason="it did not count this work")
    sd_rel = statistics.stdev(known) / mean_j
    return Spread(runs=len(intervals), run_s=run_s, mean_j=mean_j, sd_rel=sd_rel, repeats=repeats_needed(sd_rel))
