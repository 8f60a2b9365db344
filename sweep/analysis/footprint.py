"""Joules as CO2e and money, each as an interval.

    CO2e    m = E PUE c / 3.6e6          c  kgCO2e a kilowatt-hour (``sweep.analysis.grid``)
    money   p = E PUE price / 3.6e6

E is normal with its random uncertainty. The scale of the joules and the intensity are factors that nothing cancels
here; each is log-normal with median 1 (``amounts`` makes the interval). PUE and price count as exact. What is not known
of an uncertainty is left out of the interval, and ``sweep.analysis.footprint_words`` says so.

Limits: electricity of the domains that were counted; what the hardware took to be made is not in it, nor what no
sensor and no model saw. Means of a year and a country say nothing of the hour of the training.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.amounts import Amount, interval
from sweep.analysis.current import current
from sweep.analysis.grid import MEND, Intensity, intensity
from sweep.analysis.ledger import Ledger
from sweep.analysis.noise import Difference, Noise, compare
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import CALLED, Against, Recommendations, Worth
from sweep.config import FootprintConfig
from sweep.errors import ConfigError
from sweep.records import StudyData
from sweep.typed import freeze

J_PER_KWH = 3.6e6


class Row(NamedTuple):
    """Energy of one thing, and what follows from it.

    Attributes:
        what: in words.
        u_random_j: standard uncertainty of the joules from run to run; ``None`` if it is not known.
        co2e_kg: ``None`` without a grid intensity.
        money: in the currency of the config; ``None`` without a price.
    """

    what: str
    energy_j: float
    u_random_j: float | None
    co2e_kg: Amount | None
    money: Amount | None


@dataclass(frozen=True, slots=True)
class Footprint:
    """CO2e and money of a study.

    Attributes:
        config: grid, PUE and price.
        intensity: of the grid; ``None`` if it is not known.
        missing: why it is not, and what to do; ``None`` if it is known.
        label: of what each total of joules is a sum.
        kinds: of the domains in the total, e.g. ``gpu``.
        scale_u_rel: relative standard uncertainty of the scale of the joules; ``None`` if it is not known.
        confidence: level of the intervals.
        repeated: whether the random uncertainty comes from repeats; otherwise from the meter alone.
        rows: the search first; empty if no joules are known.
    """

    config: FootprintConfig
    intensity: Intensity | None
    missing: str | None
    label: str
    kinds: tuple[str, ...]
    scale_u_rel: float | None
    confidence: float
    repeated: bool
    rows: tuple[Row, ...]


class _Joules(NamedTuple):
    what: str
    energy_j: float
    u_random_j: float | None


class Factors(NamedTuple):
    """What turns joules into CO2e and money."""

    config: FootprintConfig
    intensity: Intensity | None
    scale_u_rel: float | None
    confidence: float

    def worth(self, energy_j: float, u_random_j: float) -> Worth:
        """Joules with their interval, and what they are as CO2e and money."""
        scale_u_rel = self.scale_u_rel or 0.0
        co2e = money = None
        if self.intensity is not None:
            u_rel = _product_u_rel(scale_u_rel, self.intensity.u_rel or 0.0)
            co2e = self._amount(energy_j, u_random_j, self.intensity.kg_per_kwh, u_rel)
        if self.config.price_per_kwh is not None:
            money = self._amount(energy_j, u_random_j, self.config.price_per_kwh, scale_u_rel)
        return Worth(interval(energy_j, u_random_j, scale_u_rel, self.confidence), co2e, money)

    def _amount(self, energy_j: float, u_random_j: float, per_kwh: float, u_rel: float) -> Amount:
        factor = self.config.pue * per_kwh / J_PER_KWH
        return interval(factor * energy_j, factor * u_random_j, u_rel, self.confidence)


def footprint(
    data: StudyData, found: Recommendations, ledger: Ledger, config: FootprintConfig | None = None
) -> Footprint:
    """CO2e and money of the search, of one training of what is recommended, of the references, and what is saved.

    Args:
        data: the study.
        found: its recommendations.
        ledger: what the search cost.
        config: the study's own by default.
    """
    config = config or study_config(data)
    known, missing = _intensity(config)
    scale_u_rel = scale_u_rel_of(data)
    noise = found.noise
    factors = Factors(config, known, scale_u_rel, noise.confidence)
    return Footprint(
        config=config,
        intensity=known,
        missing=missing,
        label=wording.energy_label(data.study.domains),
        kinds=tuple(dict.fromkeys(domain.kind for domain in data.study.domains if domain.additive)),
        scale_u_rel=scale_u_rel,
        confidence=noise.confidence,
        repeated=noise.is_known,
        rows=tuple(_row(factors, item) for item in _joules(data, found, ledger)),
    )


def factors_of(found: Footprint) -> Factors:
    """What turned a study's joules into CO2e and money."""
    return Factors(found.config, found.intensity, found.scale_u_rel, found.confidence)


def saving_u_j(point: FrontPoint, reference: FrontPoint, noise: Noise) -> float:
    """Standard uncertainty of the joules that one saves against the other, from run to run."""
    return math.hypot(_u_j(point, noise), _u_j(reference, noise))


def study_config(data: StudyData) -> FootprintConfig:
    """The config that the study was made with; the default one in studies of before there was one."""
    return freeze(FootprintConfig, data.study.config.get("report", {}).get("footprint", {}), "report.footprint")


def _row(factors: Factors, joules: _Joules) -> Row:
    worth = factors.worth(joules.energy_j, joules.u_random_j or 0.0)
    return Row(*joules, worth.co2e_kg, worth.money)


def _product_u_rel(first: float, second: float) -> float:
    """Relative standard uncertainty of a product of two independent factors."""
    return math.sqrt((1.0 + first**2) * (1.0 + second**2) - 1.0)


def _intensity(config: FootprintConfig) -> tuple[Intensity | None, str | None]:
    try:
        known = intensity(config)
    except ConfigError as err:  # a report is written even then
        return None, str(err)
    if known is None:
        return None, f"the carbon intensity of the grid ({config.grid}) is in tables that are not installed: {MEND}"
    return known, None


def scale_u_rel_of(data: StudyData) -> float | None:
    """Relative standard uncertainty of the scale of a study's joules: one meter, one factor; ``None`` if not known."""
    pairs = [
        (trial.energy_u_scale_j, trial.energy_j)
        for trial in current(data)
        if trial.energy_u_scale_j is not None and trial.energy_j
    ]
    total = math.fsum(joules for _, joules in pairs)
    return math.fsum(u for u, _ in pairs) / total if total else None


def _joules(data: StudyData, found: Recommendations, ledger: Ledger) -> Iterator[_Joules]:
    if ledger.total_j is not None:
        yield _Joules("the search", ledger.total_j, _search_u_j(data))
    primary = found.primary
    if primary is None or primary.point is None:
        return
    yield _training("one training of the recommendation", primary.point, found.noise)
    for against, reference, difference in _references(found):
        name = CALLED[against]
        yield _training(f"one training of {name}", reference, found.noise)
        u_j = saving_u_j(primary.point, reference, found.noise)
        yield _Joules(f"saved in each training against {name}", difference.saving_j, u_j)


def _references(found: Recommendations) -> Iterator[tuple[Against, FrontPoint, Difference]]:
    """What the recommendation saves against: the most accurate setup, then what its user starts from."""
    primary, best = found.primary, found.best
    if primary is None or primary.point is None or best is None:
        return
    difference = compare(primary.point, best, found.noise)
    if difference.saves:
        yield Against.MOST_ACCURATE, best, difference
    yield from (item for item in primary.versus if item.difference.saves)


def _training(what: str, point: FrontPoint, noise: Noise) -> _Joules:
    return _Joules(what, point.energy_j, _u_j(point, noise))


def _u_j(point: FrontPoint, noise: Noise) -> float:
    """Standard uncertainty of a mean over repeats: their pooled scatter, never less than the meter's own."""
    return max(noise.energy_rel_sd or 0.0, noise.energy_rel_floor) * point.energy_j / math.sqrt(point.n)


def _search_u_j(data: StudyData) -> float | None:
    """Of the joules of a search: its trials' own, independent of each other."""
    own = [t.energy_u_random_j for t in data.trials if t.imported_from is None and t.energy_u_random_j is not None]
    return math.hypot(*own) if own else None
