"""Joules of measured work that is no training, with their uncertainty: one activity of one trial, or its repeats.

    E        = sum over additive domains of the activity's row
    u_scale  = sum over domains of scale_u_rel E_d                        (the same factor for every row of a machine)
    u_random = sqrt(sum over domains of (random_u_rel E_d)^2 + 2 (P_d w_d)^2 / 12),   P_d = E_d / duration

w_d is the domain's tick: each of the two ends of a stretch is placed within one tick (rectangular distribution, GUM
4.3.7), as in the timeline. Of n repeats the mean has

    u_random = max(standard deviation of the repeats, root mean square of their u_random) / sqrt(n)

Limits: an activity of several stretches has more than two ends; what ``sweep.paradigms`` measures by it has one.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.records import Domain, StudyData, TrialRecord, total_j


class Amount(NamedTuple):
    """A quantity with standard uncertainties; scale and random parts are independent."""

    value: float
    u_scale: float
    u_random: float

    @property
    def u(self) -> float:
        """Both parts together."""
        return math.hypot(self.u_scale, self.u_random)

    def times(self, factor: float) -> "Amount":
        """The amount in another unit."""
        return Amount(self.value * factor, self.u_scale * factor, self.u_random * factor)


def activity_j(data: StudyData, trial: TrialRecord, phase: str, activity: str) -> Amount | None:
    """Joules of one activity of a trial; ``None`` if there is no such row or a domain of it is not known."""
    row = next((row for row in trial.activities if (row.phase, row.activity) == (phase, activity)), None)
    if row is None:
        return None
    domains = [domain for domain in data.study.domains if domain.additive]
    joules = [row.energy_j.get(domain.name) for domain in domains]
    energy_j = total_j(joules)
    if energy_j is None:
        return None
    known = [(domain, each) for domain, each in zip(domains, joules, strict=True) if each is not None]
    u_random = math.sqrt(math.fsum(_random_j2(domain, each, row.duration_s) for domain, each in known))
    return Amount(energy_j, math.fsum(domain.scale_u_rel * each for domain, each in known), u_random)


def mean(amounts: Sequence[Amount | None]) -> Amount | None:
    """Mean over repeats; ``None`` if there is none, or one is not known."""
    known = [amount for amount in amounts if amount is not None]
    if not known or len(known) < len(amounts):
        return None
    values = [amount.value for amount in known]
    random = math.sqrt(statistics.fmean(amount.u_random**2 for amount in known))
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    scale = statistics.fmean(amount.u_scale for amount in known)
    return Amount(statistics.fmean(values), scale, max(random, spread) / math.sqrt(len(known)))


def told(amount: Amount | None, unit: str = "") -> str:
    """An energy with its standard uncertainty: ``12.3 mJ ± 4 %``, per ``unit`` if one is given."""
    if amount is None:
        return wording.UNKNOWN
    text = f"{small_energy(amount.value)}{unit}"
    return f"{text} ± {wording.share(amount.u / amount.value)}" if amount.value > 0 else text


def small_energy(joules: float) -> str:
    """Joules with a prefix down to nanojoules."""
    for factor, name in ((1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ")):
        if factor <= abs(joules) < 1e3 * factor:
            return f"{joules / factor:.3g} {name}"
    return wording.energy(joules)


def _random_j2(domain: Domain, energy_j: float, duration_s: float) -> float:
    """Square of the random standard uncertainty of one domain's joules."""
    tick_j = energy_j / duration_s * (domain.tick_s or 0.0) if duration_s > 0 else 0.0
    return float((domain.random_u_rel * energy_j) ** 2 + 2.0 * tick_j**2 / 12.0)
