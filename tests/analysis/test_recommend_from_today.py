"""Recommendations against the setup that is trained today, and within a budget: planted truths."""

from typing import Any

import msgspec
import pytest

from sweep.analysis.recommend import Recommendation, recommend
from sweep.analysis.recommendation import Against, Kind
from sweep.records import StopReason, StudyData
from tests.factories import repeats, sixteen, study, trial

CHEAP, COSTLY = {"batch_size": 1024}, {"batch_size": 64}


def options(data: StudyData, current: dict[str, Any] | None = None, **report: object) -> StudyData:
    config = data.study.config | {
        "study": data.study.config["study"] | {"current": current},
        "report": data.study.config["report"] | report,
    }
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))


def _pair(cheap_quality: float = 0.902, cheap_j: float = 30.0) -> StudyData:
    """A costly setup of 0.903 for 100 J and a cheap one; one training scatters by 0.002 and by 1 %."""
    costly = repeats(COSTLY, [(0.901,), (0.905,), (0.903,)], epoch_j=(99.0, 100.0, 101.0))
    qualities = [(cheap_quality + step,) for step in (-0.002, 0.002, 0.0)]
    costs = [cheap_j * step for step in (0.99, 1.0, 1.01)]
    return study(costly + repeats(CHEAP, qualities, first=3, epoch_j=costs))


def _primary(data: StudyData) -> Recommendation:
    primary = recommend(data).primary
    assert primary is not None
    return primary


def test_the_primary_is_told_against_todays_setup_and_others_are_not() -> None:
    found = recommend(options(sixteen(3), {"batch_size": 64, "lr": 0.01}))
    primary = found.primary
    assert primary is not None
    assert primary.against is Against.CURRENT
    assert primary.action.startswith("Against your current setup: batch_size 1024 instead of 64 saves 79 % ±")
    assert [item.against for item in primary.versus] == [Against.CURRENT]
    assert not [item for item in found.items if item.kind in (Kind.VERSUS_MEDIAN, Kind.VERSUS_WORST)]


def test_without_todays_setup_it_is_told_against_median_and_worst() -> None:
    assert [item.against for item in _primary(sixteen(3)).versus] == [Against.MEDIAN, Against.WORST]
    assert [item.against for item in _primary(_pair()).versus] == [Against.WORST]


def test_no_change_where_today_is_the_best_choice_already() -> None:
    (only,) = recommend(options(_pair(), CHEAP)).items
    assert (only.kind, only.primary, only.change, only.saving) == (Kind.NO_CHANGE, True, {}, None)
    assert only.action == "No change is worth it: your current setup, batch_size 1024, is the best choice"


def test_no_change_where_today_is_within_the_noise_of_the_best_choice() -> None:
    data = _pair(cheap_quality=0.9035, cheap_j=100.5)
    assert _primary(data).point.setup.params == CHEAP  # type: ignore[union-attr]
    primary = _primary(options(data, COSTLY))
    assert primary.kind is Kind.NO_CHANGE
    assert primary.point is not None
    assert primary.point.setup.params == COSTLY
    assert "differ in neither joules nor accuracy beyond the noise" in primary.action


def test_no_change_where_more_quality_is_within_the_noise_and_costs_more() -> None:
    # By hand: 0.002 less is more than one standard error, 0.0016, and less than the interval, 0.007
    primary = _primary(options(_pair(cheap_quality=0.901), CHEAP))
    assert (primary.kind, primary.saving, primary.change) == (Kind.NO_CHANGE, None, {})
    assert "batch_size 1024, saves 70.0 % ± 0.7 of the joules (70.0 J a training) for -0.2 ± 0.7" in primary.action


def test_more_quality_for_more_joules_is_told_as_a_price() -> None:
    data = _pair(cheap_quality=0.8)
    primary = _primary(options(data, CHEAP))
    assert (primary.kind, primary.saving) == (Kind.MOST_ACCURATE, None)
    assert "costs 233 % ± 8 more joules (70.0 J a training) for +10.3 ± 0.7 points" in primary.action


def test_a_setup_as_good_as_todays_for_less_is_named_beside_a_better_one() -> None:
    best = repeats({"batch_size": 8}, [(0.95,), (0.951,), (0.952,)], epoch_j=200.0)
    today = repeats(COSTLY, [(0.90,), (0.901,), (0.902,)], first=3, epoch_j=100.0)
    cheap = repeats(CHEAP, [(0.90,), (0.901,), (0.902,)], first=6, epoch_j=50.0)
    found = recommend(options(study(best + today + cheap), COSTLY))
    assert found.primary is not None
    assert found.primary.point.setup.params == {"batch_size": 8}
    (other,) = found.of(Kind.CHEAPER_AT_CURRENT_QUALITY)
    assert other.point is not None
    assert other.point.setup.params == CHEAP
    assert other.saving is not None
    assert other.saving.rel == pytest.approx(0.5)


def test_the_epochs_of_patience_of_todays_setup_are_saved_once() -> None:
    curve = (0.5, 0.7, 0.9, 0.9, 0.9, 0.9)
    items = recommend(options(study(repeats(COSTLY, [curve, curve], epoch_j=(10.0, 10.1))), COSTLY)).items
    assert [item.point and item.point.epoch for item in items] == [3]
    assert "stopping the only setup at epoch 3 instead of 6 saves" in items[0].action


def test_a_setup_of_today_that_diverges_is_left() -> None:
    good = repeats(COSTLY, [(0.8,), (0.8,)])
    today = [
        trial(2, CHEAP, qualities=(0.99,), epoch_j=1.0),
        trial(3, CHEAP, qualities=(0.1,), repeat=1, stop_reason=StopReason.DIVERGED),
    ]
    primary = _primary(options(study(good + today), CHEAP))
    assert primary.point is not None
    assert primary.point.setup.params == COSTLY
    assert "your current setup is off the front: diverged in trial 3" in primary.caveats


def test_a_setup_that_was_never_tried_is_said_and_others_stand_for_it() -> None:
    primary = _primary(options(sixteen(3), {"batch_size": 7}))
    assert [item.against for item in primary.versus] == [Against.MEDIAN, Against.WORST]
    assert any("batch_size 7 is not among the setups of this search" in caveat for caveat in primary.caveats)


def _within(data: StudyData, **budget: float) -> Recommendation:
    (found,) = [item for item in recommend(options(data, **budget)).items if Kind.WITHIN_BUDGET in item.kinds]
    return found


def _ladder() -> StudyData:
    """Three setups of 10, 20 and 40 J, each clearly better than the one before; an epoch lasts half a second."""
    rungs = [
        ({"width": width}, quality, joules) for width, quality, joules in ((1, 0.7, 10), (2, 0.8, 20), (4, 0.9, 40))
    ]
    records = []
    for params, quality, joules in rungs:
        curves = [(0.1, quality + step) for step in (0.0, 0.002, 0.004)]
        records += repeats(params, curves, first=len(records), epoch_j=joules / 2)
    return study(records)


@pytest.mark.parametrize(("budget_j", "width"), [(10.0, 1), (19.0, 1), (20.0, 2), (39.9, 2), (40.0, 4), (1e6, 4)])
def test_the_best_under_a_joule_budget(budget_j: float, width: int) -> None:
    found = _within(_ladder(), budget_j=budget_j)
    assert found.point is not None
    assert found.point.setup.params == {"width": width}
    assert found.primary == (width == 4)


def test_the_best_under_a_time_budget_stops_in_time() -> None:
    found = _within(_ladder(), budget_s=0.7)
    assert found.point is not None
    assert found.point.epoch == 1
    assert "Within 0.70 s" in found.action


def test_both_budgets_hold_together() -> None:
    found = _within(_ladder(), budget_j=20.0, budget_s=0.7)
    assert found.point is not None
    assert (found.point.energy_j, found.point.epoch) == (5.0, 1)


def test_a_budget_that_nothing_keeps_within_is_said() -> None:
    found = _within(_ladder(), budget_j=1.0)
    assert (found.point, found.primary) == (None, False)
    assert found.action == "Nothing keeps within 1.00 J; of fewest joules is width 1 stopped at epoch 1, 5.00 J"


def test_a_recommendation_within_the_budget_is_marked_and_not_repeated() -> None:
    found = recommend(options(_pair(), budget_j=50.0))
    assert found.primary is not None
    assert Kind.WITHIN_BUDGET in found.primary.also
    assert "; it keeps within 50.0 J" in found.primary.action
    assert not found.of(Kind.WITHIN_BUDGET)


def test_joules_above_idle_are_not_held_against_a_budget() -> None:
    data = _ladder()
    domains = [msgspec.structs.replace(domain, above_idle=True) for domain in data.study.domains]
    above = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, domains=domains))
    assert not [item for item in recommend(options(above, budget_j=1.0)).items if Kind.WITHIN_BUDGET in item.kinds]


def test_the_planted_knee_is_recommended_as_a_trade() -> None:
    steep = [(0.1, 0.5, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97 + step) for step in (0.0, 0.001)]
    (found,) = recommend(study(repeats(COSTLY, steep, epoch_j=(10.0, 10.05)))).of(Kind.KNEE)
    assert (found.point and found.point.epoch, found.against) == (3, Against.RECOMMENDED)
    assert found.saving is not None


def test_a_knee_at_the_recommendation_is_marked_on_it() -> None:
    curve = (0.1, 0.5, 0.9, 0.9005, 0.901, 0.9015)
    noisy = [tuple(item + step for item in curve) for step in (-0.02, 0.0, 0.02)]
    found = recommend(study(repeats(COSTLY, noisy)))
    assert found.primary is not None
    assert Kind.KNEE in found.primary.also
    assert not found.of(Kind.KNEE)
