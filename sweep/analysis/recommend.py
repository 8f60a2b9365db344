"""What to train: recommendations as data, each with its evidence, its uncertainty and its reference.

Chosen among all points (setup, epoch) that may stand on the front, by the rules of ``choose``:

    most accurate          the highest mean validation quality, at the earliest epoch that reaches it
    cheapest within noise  the cheapest that is as good as the most accurate and whose saving is real
    no change              the setup trained today, where nothing saves or gains against it beyond the noise; without
                           one, the most accurate where no setup differs from it beyond the noise
    stop earlier           the same setup at an earlier epoch, by the same rule against its own end
    cheaper at the current quality    the cheapest that is as good as the setup trained today
    knee                   of the front (``knee``), where it saves against the recommendation
    within budget          by the rule above among what costs no more joules and seconds than the report's options allow
    versus median, worst   the recommendation against the setup of median and of most joules

The primary recommendation is the cheapest within noise, else the most accurate; both are told against the setup that is
trained today where ``study.current`` names it, and then the last line is left out. A difference inside the noise
(``noise``) is never recommended. With one repeat there is no interval: differences are told as what was seen, and the
primary recommendation is marked as not confirmed. What chose the same point as another is not said twice (``also``).

Limits: the best of many noisy means is too good by about its noise (the test split, looked at once, corrects
it), and the cheapest point within a bound tends to stand at it: read the interval, not only the mean. What needs more
than setups and their noise (paradigms, layers, what to measure) is in ``advice``.
"""

import statistics
from collections.abc import Iterator, Sequence

from sweep.analysis import sentences
from sweep.analysis.above_idle import is_above_idle
from sweep.analysis.budget import Budget
from sweep.analysis.changes import change_to
from sweep.analysis.choices import Choice, Given, choices
from sweep.analysis.choose import is_same
from sweep.analysis.current_setup import current_setup
from sweep.analysis.noise import compare, measure
from sweep.analysis.pareto import FrontPoint, envelope
from sweep.analysis.recommendation import (
    Kind,
    Recommendation,
    Recommendations,
    Saving,
    TestQuality,
    ToTrain,
    Versus,
    saving_of,
    to_test,
)
from sweep.analysis.report_config import report_config
from sweep.analysis.setups import Setup, setups
from sweep.analysis.wording import in_points, varying
from sweep.records import State, StudyData

__all__ = [
    "Kind",
    "Recommendation",
    "Recommendations",
    "Saving",
    "TestQuality",
    "ToTrain",
    "recommend",
    "to_test",
]

ALONE = (Kind.STOP_EARLIER, Kind.VERSUS_MEDIAN, Kind.VERSUS_WORST)
"""Kinds that say something of their own of a point that another kind chose too, unless it is against the same."""


def recommend(
    data: StudyData,
    confidence: float = 0.95,
    groups: Sequence[Setup] | None = None,
    front: tuple[FrontPoint, ...] | None = None,
) -> Recommendations:
    """Recommendations of a study, from validation quality; test quality is only reported.

    Args:
        data: the study; may be unfinished, or hold nothing but failures.
        confidence: two-sided level of the intervals, in (0, 1).
        groups: ``setups(data)``, if the caller has it already.
        front: ``envelope(groups)``, likewise.
    """
    groups = setups(data) if groups is None else groups
    noise = measure(data, groups, confidence)
    front = envelope(groups) if front is None else front
    if not front:
        return Recommendations((), noise, (), _nothing(data, groups), None)
    given = Given(groups, noise, front, current_setup(data, groups), _budget(data))
    items = tuple(_Writer(data, given).items(choices(given)))
    return Recommendations(
        items=items,
        noise=noise,
        to_test=to_test(item.point for item in items),
        reason=None,
        unsettled=None if noise.is_known else sentences.unsettled(noise, data, groups, given.best),
        best=given.best,
    )


def _budget(data: StudyData) -> Budget:
    """What one training may cost; joules above idle are not what a budget of joules limits."""
    config = report_config(data)
    return Budget(None if is_above_idle(data) else config.budget_j, config.budget_s)


class _Writer:
    """Makes data of choices."""

    def __init__(self, data: StudyData, given: Given) -> None:
        self._data, self._given, self._noise = data, given, given.noise
        self._starts = given.starts
        self._words = sentences.Words(
            data.study.quality_name, varying(data), in_points(data), given.noise, given.budget
        )

    def items(self, chosen: Sequence[Choice]) -> Iterator[Recommendation]:
        """The choices as data; what chose the primary point again is marked on it."""
        first, *others = chosen
        repeated = [item for item in others if is_same(item.point, first.point) and _is_told(item, first)]
        about = sentences.about_current(self._data, self._given.current)
        yield self._item(first, is_first=True, also=tuple(item.kind for item in repeated), more=about)
        for item in others:
            if item not in repeated:
                yield self._item(item)
        if self._given.budget.is_given and not any(item.kind is Kind.WITHIN_BUDGET for item in others):
            yield self._nothing_fits()

    def _item(
        self, choice: Choice, *, is_first: bool = False, also: tuple[Kind, ...] = (), more: tuple[str, ...] = ()
    ) -> ToTrain:
        kind, point, against, reference = choice
        difference = None if reference is None else compare(point, reference, self._noise)
        involved = point.trials + (() if reference is None else reference.trials)
        caveats = sentences.caveats(self._data, point, reference, self._noise)
        return ToTrain(
            kind=kind,
            action=self._words.action(kind, point, against, reference, also),
            point=point,
            reference=reference,
            difference=difference,
            confidence=self._noise.confidence,
            confirmed=self._noise.is_known,
            primary=is_first,
            evidence=tuple(sorted(set(involved))),
            caveats=(*caveats, *more, *self._over_budget(point, (kind, *also))),
            quality_test=_quality_test(self._data, point),
            against=against,
            versus=tuple(Versus(name, start, compare(point, start, self._noise)) for name, start in self._starts),
            also=also,
            change={} if kind is Kind.NO_CHANGE else change_to(self._data, point),
            saving=None if kind is Kind.NO_CHANGE else saving_of(difference),
        )

    def _over_budget(self, point: FrontPoint, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        sd_rel = max(self._noise.energy_rel_sd or 0.0, self._noise.energy_rel_floor)
        if Kind.WITHIN_BUDGET not in kinds or not self._given.budget.over(point.energy_j, sd_rel * point.energy_j):
            return ()
        return ("the budget is within one standard deviation of the mean: some trainings will cost more",)

    def _nothing_fits(self) -> Recommendation:
        return Recommendation(
            kind=Kind.WITHIN_BUDGET,
            action=self._words.nothing_fits(self._given.groups),
            point=None,
            reference=None,
            difference=None,
            confidence=self._noise.confidence,
            confirmed=self._noise.is_known,
            primary=False,
            evidence=(),
            caveats=(),
        )


def _is_told(item: Choice, first: Choice) -> bool:
    """Whether the primary choice, of the same point, says what another choice would."""
    if item.kind not in ALONE:
        return True
    return item.reference is not None and first.reference is not None and is_same(item.reference, first.reference)


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
