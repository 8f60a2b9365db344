"""What to train: recommendations as data, each with its evidence, its uncertainty and its reference.

Chosen among all points (setup, epoch) that may stand on the front:

    most accurate          the highest mean validation quality, at the earliest epoch that reaches it
    cheapest within noise  of the points that lose at most one standard error of quality against the best and
                           whose saving is real, the cheapest; of those whose joules cannot be told from it, the
                           most accurate
    stop earlier           the same setup at an earlier epoch, by the same rule against its own end
    versus median, worst   the primary recommendation against the setup of median and of most joules

The primary recommendation is the cheapest within noise, else the most accurate. A difference inside the noise
(``noise``) is never recommended. With one repeat there is no interval: differences are told as what was seen,
and the primary recommendation is marked as not confirmed.

One standard error is the rule of Breiman et al. (Classification and Regression Trees, 1984, section 3.4.3). "Not
significantly worse" would be the wrong way round: the noisier a study, the more quality it would give away.

Limits: the best of many noisy means is too good by about its noise (the test split, looked at once, corrects
it), and the cheapest point within a bound tends to stand at it: read the interval, not only the mean.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sweep.analysis import sentences
from sweep.analysis.noise import Difference, Noise, compare, measure
from sweep.analysis.pareto import FrontPoint, envelope, front_point
from sweep.analysis.setups import Setup, setups
from sweep.analysis.wording import in_points, varying
from sweep.records import State, StudyData


class Kind(StrEnum):
    """What a recommendation is about."""

    CHEAPEST_WITHIN_NOISE = "cheapest_within_noise"
    MOST_ACCURATE = "most_accurate"
    STOP_EARLIER = "stop_earlier"
    VERSUS_MEDIAN = "versus_median"
    VERSUS_WORST = "versus_worst"


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
        action: the recommendation as one sentence of plain text.
        point: the setup and epoch to train.
        reference: what it is compared with; ``None`` for the most accurate.
        difference: savings and gains against the reference; ``None`` without one.
        confidence: level of the intervals.
        confirmed: whether repeats stand behind it.
        primary: whether this is the one to train.
        evidence: numbers of the trials it rests on, those of the reference included.
        caveats: what a reader must know beside it.
        quality_test: quality on the test split; ``None`` if not tested.
    """

    kind: Kind
    action: str
    point: FrontPoint
    reference: FrontPoint | None
    difference: Difference | None
    confidence: float
    confirmed: bool
    primary: bool
    evidence: tuple[int, ...]
    caveats: tuple[str, ...]
    quality_test: TestQuality | None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """All recommendations of a study.

    Attributes:
        items: the primary first.
        noise: what the intervals are made from.
        to_test: pairs (trial number, epoch of the whole trial) to evaluate on the test split.
        reason: why there is nothing to recommend; ``None`` if there is.
        unsettled: what cannot be known from this study, and what would settle it.
    """

    items: tuple[Recommendation, ...]
    noise: Noise
    to_test: tuple[tuple[int, int], ...]
    reason: str | None
    unsettled: str | None

    @property
    def primary(self) -> Recommendation | None:
        """The one to train."""
        return next((item for item in self.items if item.primary), None)

    def of(self, kind: Kind) -> tuple[Recommendation, ...]:
        """The recommendations of one kind."""
        return tuple(item for item in self.items if item.kind is kind)


class _Choice(NamedTuple):
    kind: Kind
    point: FrontPoint
    reference: FrontPoint | None


def recommend(data: StudyData, confidence: float = 0.95, groups: Sequence[Setup] | None = None) -> Recommendations:
    """Recommendations of a study, from validation quality; test quality is only reported.

    Args:
        data: the study; may be unfinished, or hold nothing but failures.
        confidence: two-sided level of the intervals, in (0, 1).
        groups: ``setups(data)``, if the caller has it already.
    """
    groups = setups(data) if groups is None else groups
    noise = measure(data, groups, confidence)
    front = envelope(groups)
    if not front:
        return Recommendations((), noise, (), _nothing(data, groups), None)
    choices = _choices(groups, front[-1], noise)
    items = tuple(_item(data, choice, noise, is_first=index == 0) for index, choice in enumerate(choices))
    return Recommendations(
        items=items,
        noise=noise,
        to_test=to_test(item.point for item in items),
        reason=None,
        unsettled=None if noise.is_known else sentences.unsettled(noise, data),
    )


def to_test(points: Iterable[FrontPoint]) -> tuple[tuple[int, int], ...]:
    """Pairs (trial number, epoch): all repeats of each point, at its epoch or at their earlier end."""
    pairs = {
        (trial.number, min(point.epoch, len(trial.trajectory))) for point in points for trial in point.setup.trials
    }
    return tuple(sorted(pairs))


def _choices(groups: Sequence[Setup], best: FrontPoint, noise: Noise) -> list[_Choice]:
    """What to recommend, the primary choice first."""
    everything = [front_point(setup, point) for setup in groups for point in setup.candidates]
    cheaper = _cheapest(everything, best, noise)
    chosen = [_Choice(Kind.MOST_ACCURATE, best, None)]
    if cheaper is not None:
        chosen.insert(0, _Choice(Kind.CHEAPEST_WITHIN_NOISE, cheaper, best))
    primary = chosen[0].point
    chosen += _stop_earlier(primary, best, noise)
    return chosen + _versus(groups, primary, noise)


def _cheapest(points: Iterable[FrontPoint], reference: FrontPoint, noise: Noise) -> FrontPoint | None:
    """The cheapest point within one standard error whose saving is real; of equal joules the most accurate."""
    options = []
    for point in points:
        difference = compare(point, reference, noise)
        if difference.saves and difference.within_one_se:
            options.append(point)
    if not options:
        return None
    cheapest = min(options, key=lambda point: point.energy_j)
    tied = [point for point in options if not compare(cheapest, point, noise).saves]
    return max([cheapest, *tied], key=lambda point: (point.quality, -point.energy_j))


def _stop_earlier(primary: FrontPoint, best: FrontPoint, noise: Noise) -> list[_Choice]:
    end = _end(primary.setup)
    chosen = []
    if primary.epoch < end.epoch and compare(primary, end, noise).saves:
        chosen.append(_Choice(Kind.STOP_EARLIER, primary, end))
    if best.setup is not primary.setup:
        end = _end(best.setup)
        points = [front_point(best.setup, point) for point in best.setup.candidates]
        earlier = _cheapest(points, end, noise)
        if earlier is not None:
            chosen.append(_Choice(Kind.STOP_EARLIER, earlier, end))
    return chosen


def _versus(groups: Sequence[Setup], primary: FrontPoint, noise: Noise) -> list[_Choice]:
    """The primary point against the setups of median and of most joules, if these are other setups."""
    ends = sorted((_end(setup) for setup in groups if setup.candidates), key=lambda end: end.energy_j)
    references = [(Kind.VERSUS_WORST, ends[-1])]
    if len(ends) > 2:
        references.insert(0, (Kind.VERSUS_MEDIAN, ends[len(ends) // 2]))
    return [
        _Choice(kind, primary, end)
        for kind, end in references
        if end.setup is not primary.setup and compare(primary, end, noise).saves
    ]


def _end(setup: Setup) -> FrontPoint:
    return front_point(setup, setup.candidates[-1])


def _item(data: StudyData, choice: _Choice, noise: Noise, *, is_first: bool) -> Recommendation:
    kind, point, reference = choice
    difference = None if reference is None else compare(point, reference, noise)
    names = varying(data)
    words = sentences.Words(data.study.quality_name, names, in_points(data), noise)
    involved = point.trials + (() if reference is None else reference.trials)
    return Recommendation(
        kind=kind,
        action=words.action(kind.value, point, reference, difference),
        point=point,
        reference=reference,
        difference=difference,
        confidence=noise.confidence,
        confirmed=noise.is_known,
        primary=is_first,
        evidence=tuple(sorted(set(involved))),
        caveats=sentences.caveats(data, point, reference, noise),
        quality_test=_quality_test(data, point),
    )


def _quality_test(data: StudyData, point: FrontPoint) -> TestQuality | None:
    pairs = set(to_test([point]))
    found = [test.quality for test in data.tests if (test.number, test.epoch) in pairs]
    if not found:
        return None
    sd = statistics.stdev(found) if len(found) > 1 else None
    return TestQuality(statistics.fmean(found), sd, len(found))


def _nothing(data: StudyData, groups: Sequence[Setup]) -> str:
    """Why no setup can be recommended."""
    if not data.trials:
        return "no trial has ended yet"
    failed = sum(trial.state is State.FAIL for trial in data.trials)
    if failed == len(data.trials):
        return f"all {failed} trials failed"
    reasons = {setup.excluded for setup in groups if setup.excluded}
    return "no setup can stand on the front: " + "; ".join(sorted(reasons))
