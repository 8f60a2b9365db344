"""What a recommendation is: plain data, each with its change of the config, its saving, its evidence and its caveats.

    setups to train (``recommend``)        cheapest within noise, most accurate, no change, stop earlier, cheaper at the
                                           current quality, knee, within budget, versus median, versus worst
    what to try or measure (``advice``)    paradigm, dimension, layer, measure better

Every setup to train is compared with a named ``reference``; ``versus`` has the comparisons that a user starts from: the
setup that is trained today where ``study.current`` names it, else the setups of median and of most joules.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sweep.analysis.amounts import Amount
from sweep.analysis.noise import Difference, Noise
from sweep.analysis.pareto import FrontPoint
from sweep.config import digest


class Kind(StrEnum):
    """What a recommendation is about."""

    CHEAPEST_WITHIN_NOISE = "cheapest_within_noise"
    MOST_ACCURATE = "most_accurate"
    NO_CHANGE = "no_change"
    STOP_EARLIER = "stop_earlier"
    CHEAPER_AT_CURRENT_QUALITY = "cheaper_at_current_quality"
    KNEE = "knee"
    WITHIN_BUDGET = "within_budget"
    VERSUS_MEDIAN = "versus_median"
    VERSUS_WORST = "versus_worst"
    PARADIGM = "paradigm"
    DIMENSION = "dimension"
    LAYER = "layer"
    MEASURE_BETTER = "measure_better"


class Against(StrEnum):
    """What a setup is compared with."""

    CURRENT = "current_setup"
    MOST_ACCURATE = "most_accurate"
    OWN_END = "own_end"
    RECOMMENDED = "recommended"
    MEDIAN = "median_energy"
    WORST = "most_energy"
    OTHER_VALUE = "other_value"
    OTHER_PARADIGM = "other_paradigm"


CALLED = {
    Against.CURRENT: "your current setup",
    Against.MOST_ACCURATE: "the most accurate setup",
    Against.OWN_END: "the same setup trained to its end",
    Against.RECOMMENDED: "the recommendation",
    Against.MEDIAN: "the setup of median energy",
    Against.WORST: "the setup of most energy",
    Against.OTHER_VALUE: "the same setup with another value",
    Against.OTHER_PARADIGM: "the recommendation of a study that trains once",
}
"""References as a reader says them."""


class Versus(NamedTuple):
    """A setup against a reference."""

    against: Against
    reference: FrontPoint
    difference: Difference


class Saving(NamedTuple):
    """Joules that each training saves.

    Attributes:
        energy_j: negative if it costs more.
        rel: the same over the joules of the reference.
        rel_u: half-width of its interval; ``None`` without repeats.
        at_most: whether it is a bound of what a trial could show, not what was seen.
    """

    energy_j: float
    rel: float
    rel_u: float | None
    at_most: bool = False


class Worth(NamedTuple):
    """What a saving is worth: joules, and CO2e (kilograms) and money where intensity and price are known."""

    energy_j: Amount
    co2e_kg: Amount | None
    money: Amount | None


class Impact(NamedTuple):
    """What a saving is worth for each training and for each year.

    Attributes:
        per_year: ``None`` without ``report.trainings_per_year``.
        currency: of the money.
        co2e_source: of the intensity; ``None`` without one.
    """

    per_training: Worth
    per_year: Worth | None
    trainings_per_year: float | None
    currency: str
    co2e_source: str | None


class TestQuality(NamedTuple):
    """Quality on the test split: mean, standard deviation (``None`` with one) and number of repeats."""

    mean: float
    sd: float | None
    n: int


TestQuality.__test__ = False  # type: ignore[attr-defined]  # not a pytest class


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One thing to do.

    Attributes:
        action: the recommendation as one sentence of plain text, without its full stop.
        point: the setup and epoch to train; ``None`` where it is about no setup.
        reference: what it is compared with; ``None`` if with nothing.
        difference: savings and gains against the reference; ``None`` without one.
        confidence: level of the intervals.
        confirmed: whether repeats stand behind it.
        primary: whether this is the one to train.
        evidence: numbers of the trials it rests on, those of the reference included.
        caveats: what a reader must know beside it.
        quality_test: quality on the test split; ``None`` if not tested.
        against: what it is compared with; ``None`` if with nothing.
        versus: the point against what a user starts from.
        also: other kinds that chose the same point, so that it is said once.
        change: Hydra overrides by key, e.g. ``{"search.space.batch_size": [512], "trainer.max_epochs": 14}``; empty
            where nothing of the config changes.
        saving: joules saved by each training; ``None`` where none is claimed.
        price_j: joules that following it costs once, before it saves; ``None`` if nothing, or not known.
        impact: CO2e and money of the saving; ``None`` without a saving.
    """

    kind: Kind
    action: str
    point: FrontPoint | None
    reference: FrontPoint | None
    difference: Difference | None
    confidence: float
    confirmed: bool
    primary: bool
    evidence: tuple[int, ...]
    caveats: tuple[str, ...]
    quality_test: TestQuality | None = None
    against: Against | None = None
    versus: tuple[Versus, ...] = ()
    also: tuple[Kind, ...] = ()
    change: dict[str, Any] = field(default_factory=dict)
    saving: Saving | None = None
    price_j: float | None = None
    impact: Impact | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Its kind and those that chose the same point."""
        return (self.kind, *self.also)

    @property
    def called(self) -> str:
        """What ends the name of the study that follows it: another for each change, as a folder holds one space."""
        if self.primary:
            return "recommended"
        return f"{self.kind.replace('_', '-')}-{digest(self.change)[:4]}"


@dataclass(frozen=True, slots=True)
class ToTrain(Recommendation):
    """A recommendation that is a setup to train."""

    point: FrontPoint


@dataclass(frozen=True, slots=True)
class Recommendations:
    """All recommendations of a study.

    Attributes:
        items: the primary first.
        noise: what the intervals are made from.
        to_test: pairs (trial number, epoch of the whole trial) to evaluate on the test split.
        reason: why there is nothing to recommend; ``None`` if there is.
        unsettled: what cannot be known from this study, and what would settle it.
        best: the most accurate point; ``None`` without a front.
    """

    items: tuple[Recommendation, ...]
    noise: Noise
    to_test: tuple[tuple[int, int], ...]
    reason: str | None
    unsettled: str | None
    best: FrontPoint | None = None

    @property
    def primary(self) -> ToTrain | None:
        """The one to train."""
        return next((item for item in self.items if item.primary and isinstance(item, ToTrain)), None)

    def of(self, kind: Kind) -> tuple[Recommendation, ...]:
        """The recommendations of one kind."""
        return tuple(item for item in self.items if item.kind is kind)


def saving_of(difference: Difference | None) -> Saving | None:
    """The saving of a difference; ``None`` where nothing is saved beyond the noise."""
    if difference is None or not difference.saves:
        return None
    return Saving(difference.saving_j, difference.saving_rel, difference.saving_rel_u)


def to_test(points: Iterable[FrontPoint | None]) -> tuple[tuple[int, int], ...]:
    """Pairs (trial number, epoch): all repeats of each point, at its epoch or at their earlier end."""
    pairs = {
        (trial.number, min(point.epoch, len(trial.trajectory)))
        for point in points
        if point is not None
        for trial in point.setup.trials
    }
    return tuple(sorted(pairs))
