"""Recommendations on studies whose truth is planted."""

import re

import msgspec
import pytest

from sweep.analysis.recommend import Kind, Recommendation, recommend
from sweep.records import Provenance, StopReason, TestResult
from tests.energy_factories import CLOUD, sensed
from tests.factories import nasty, repeats, sixteen, study, trial

CHEAP, COSTLY = {"batch_size": 1024}, {"batch_size": 64}


def _primary(found: object) -> Recommendation:
    primary = getattr(found, "primary")  # noqa: B009
    assert primary is not None
    return primary


def test_the_cheap_setup_of_equal_quality_is_found_with_its_saving() -> None:
    costly = repeats(COSTLY, [(0.901,), (0.905,), (0.903,)], epoch_j=(99.0, 100.0, 101.0))
    cheap = repeats(CHEAP, [(0.900,), (0.904,), (0.902,)], first=3, epoch_j=(29.7, 30.0, 30.3))
    found = recommend(study(costly + cheap))
    primary = _primary(found)
    assert primary.kind is Kind.CHEAPEST_WITHIN_NOISE
    assert primary.point.setup.params == CHEAP
    assert primary.difference is not None
    assert primary.difference.saving_rel == pytest.approx(0.7)
    # By hand: c = 1 % each, pooled over 2 x 2 degrees of freedom, t = 2.776: 0.3 * 2.776 * 0.01 * sqrt(2/3)
    assert primary.difference.saving_rel_u == pytest.approx(0.3 * 2.7764 * 0.01 * (2 / 3) ** 0.5, rel=1e-3)
    assert primary.difference.quality == pytest.approx(-0.001)
    assert primary.action == (
        "batch_size 1024 instead of 64 saves 70.0 % ± 0.7 of the joules (70.0 J a training) "
        "for -0.1 ± 0.7 points of accuracy; stop at epoch 1; it is compared with the setup of most energy"
    )


def test_a_cheap_setup_of_worse_quality_is_not_recommended() -> None:
    costly = repeats(COSTLY, [(0.901,), (0.905,), (0.903,)], epoch_j=100.0)
    cheap = repeats(CHEAP, [(0.800,), (0.804,), (0.802,)], first=3, epoch_j=30.0)
    found = recommend(study(costly + cheap))
    assert _primary(found).kind is Kind.MOST_ACCURATE
    assert _primary(found).point.setup.params == COSTLY
    assert not found.of(Kind.CHEAPEST_WITHIN_NOISE)


def test_a_saving_inside_the_noise_is_never_recommended() -> None:
    costly = repeats(COSTLY, [(0.901,), (0.905,), (0.903,)], epoch_j=(80.0, 100.0, 120.0))
    cheap = repeats(CHEAP, [(0.900,), (0.904,), (0.902,)], first=3, epoch_j=(75.0, 95.0, 115.0))
    (only,) = recommend(study(costly + cheap)).items
    assert (only.kind, only.difference, only.saving, only.change) == (Kind.NO_CHANGE, None, None, {})
    assert only.action.startswith("No change is worth it: no setup differs from another beyond the noise")


def test_noise_of_quality_larger_than_its_difference_lets_the_cheap_setup_win() -> None:
    costly = repeats(COSTLY, [(0.80,), (0.90,), (0.85,)], epoch_j=100.0)
    cheap = repeats(CHEAP, [(0.76,), (0.88,), (0.82,)], first=3, epoch_j=50.0)
    assert _primary(recommend(study(costly + cheap))).point.setup.params == CHEAP


@pytest.mark.parametrize(("loss", "chosen"), [(0.03, CHEAP), (0.06, COSTLY)])
def test_no_more_than_one_standard_error_of_quality_is_given_away(loss: float, chosen: dict[str, object]) -> None:
    # By hand: sd 0.05 in each, so one standard error of the difference is 0.05 sqrt(2/3) = 0.041; the interval is 0.11
    costly = repeats(COSTLY, [(0.80,), (0.90,), (0.85,)], epoch_j=100.0)
    cheap = repeats(CHEAP, [(0.80 - loss,), (0.90 - loss,), (0.85 - loss,)], first=3, epoch_j=50.0)
    assert _primary(recommend(study(costly + cheap))).point.setup.params == chosen


def test_a_tie_recommends_one_setup_and_no_difference() -> None:
    one = repeats(COSTLY, [(0.9,), (0.9,)], epoch_j=10.0)
    two = repeats(CHEAP, [(0.9,), (0.9,)], first=2, epoch_j=10.0)
    found = recommend(study(one + two))
    assert [item.kind for item in found.items] == [Kind.NO_CHANGE]


def test_of_points_with_joules_that_cannot_be_told_apart_the_most_accurate_is_chosen() -> None:
    costly = repeats(COSTLY, [(0.90,), (0.94,), (0.92,)], epoch_j=100.0, random_u_rel=0.05)
    cheap = repeats(CHEAP, [(0.87,), (0.91,), (0.89,)], first=3, epoch_j=30.0, random_u_rel=0.05)
    near = repeats({"batch_size": 512}, [(0.89,), (0.93,), (0.91,)], first=6, epoch_j=30.5, random_u_rel=0.05)
    assert _primary(recommend(study(costly + cheap + near))).point.setup.params == {"batch_size": 512}


def test_stopping_earlier_is_recommended_for_the_epochs_of_patience() -> None:
    curve = (0.5, 0.7, 0.9, 0.9, 0.9, 0.9)
    found = recommend(study(repeats(COSTLY, [curve, curve], epoch_j=(10.0, 10.1))))
    (stop,) = found.of(Kind.STOP_EARLIER)
    assert (stop.point.epoch, stop.reference and stop.reference.epoch) == (3, 6)
    assert stop.difference is not None
    assert stop.difference.saving_rel == pytest.approx(0.5)
    assert "at epoch 3 instead of 6" in stop.action


def test_a_prefix_that_is_no_run_is_never_recommended() -> None:
    curve = (0.5, 0.7, 0.9, 0.9, 0.9, 0.9)
    found = recommend(study(repeats(COSTLY, [curve, curve], prefix_is_run=False)))
    assert _primary(found).point.epoch == 6
    assert not found.of(Kind.STOP_EARLIER)


def test_the_planted_study_recommends_the_planted_setup() -> None:
    found = recommend(sixteen(3))
    params = _primary(found).point.setup.params
    assert (params["batch_size"], params["lr"]) == (1024, 0.01)
    difference = _primary(found).difference
    assert difference is not None
    assert difference.saves
    assert difference.same_quality
    assert {kind for item in found.items for kind in item.kinds} == {
        Kind.CHEAPEST_WITHIN_NOISE,
        Kind.MOST_ACCURATE,
        Kind.STOP_EARLIER,
        Kind.KNEE,
        Kind.VERSUS_MEDIAN,
        Kind.VERSUS_WORST,
    }
    for item in found.items:
        assert item.difference is None or item.difference.saving_rel > (item.difference.saving_rel_u or 0)


def test_one_repeat_claims_no_interval_and_says_what_would_settle_it() -> None:
    found = recommend(sixteen(1))
    assert found.primary is not None
    assert not any("±" in item.action for item in found.items)
    assert not any(item.confirmed for item in found.items)
    assert found.unsettled is not None
    assert "study.repeats=3" in found.unsettled
    best = found.of(Kind.MOST_ACCURATE)[0].point.quality
    floor = (best * (1 - best) / 400) ** 0.5
    assert re.search(rf"at least {100 * floor:.1f} points", found.unsettled)


def test_one_repeat_does_not_trade_more_quality_than_the_validation_split_can_resolve() -> None:
    costly, cheap = trial(0, COSTLY, qualities=(0.9,), epoch_j=100.0), trial(1, CHEAP, qualities=(0.85,))
    many, few = study([costly, cheap], n_val=10_000), study([costly, cheap], n_val=30)
    assert _primary(recommend(many)).point.setup.params == COSTLY
    assert _primary(recommend(few)).point.setup.params == CHEAP


def test_a_single_trial_is_recommended_without_a_reference() -> None:
    found = recommend(study([trial(qualities=(0.8,))]))
    assert _primary(found).kind is Kind.MOST_ACCURATE
    assert _primary(found).difference is None
    assert found.to_test == ((0, 1),)


def test_a_diverged_setup_is_not_recommended_however_good_its_other_repeat() -> None:
    good = repeats(COSTLY, [(0.8,), (0.81,)])
    diverged = [
        trial(2, CHEAP, qualities=(0.99,), epoch_j=1.0),
        trial(3, CHEAP, qualities=(0.1,), repeat=1, stop_reason=StopReason.DIVERGED),
    ]
    found = recommend(study(good + diverged))
    assert all(item.point.setup.params == COSTLY for item in found.items)


def test_all_failed_and_nothing_at_all_say_so() -> None:
    failed = [trial(n, stop_reason=StopReason.CRASHED) for n in range(3)]
    assert recommend(study(failed)).reason == "all 3 trials failed"
    assert recommend(study([])).reason == "no trial has ended yet"
    unknown = recommend(study([trial(epoch_j=None)])).reason
    assert unknown is not None
    assert "quality or joules are not known" in unknown
    assert recommend(study(failed)).items == ()


def test_what_to_test_holds_every_repeat_up_to_its_own_end() -> None:
    found = recommend(study(repeats(COSTLY, [(0.5, 0.6), (0.5, 0.6, 0.9)])))
    assert found.to_test == ((0, 2), (1, 3))


def test_test_quality_is_the_mean_of_the_repeats_at_that_epoch_only() -> None:
    records = repeats(COSTLY, [(0.5, 0.8), (0.5, 0.8)])
    tests = [
        TestResult(number=0, epoch=2, weights_epoch=2, quality=0.7),
        TestResult(number=1, epoch=2, weights_epoch=2, quality=0.8),
        TestResult(number=1, epoch=1, weights_epoch=1, quality=0.1),
    ]
    test = _primary(recommend(study(records, tests=tests))).quality_test
    assert test is not None
    assert (test.mean, test.n) == (pytest.approx(0.75), 2)
    assert _primary(recommend(study(records))).quality_test is None


def test_higher_confidence_needs_more() -> None:
    wide, narrow = recommend(sixteen(2), 0.99), recommend(sixteen(2), 0.8)
    assert _u(wide) > _u(narrow)


def test_a_quality_that_is_no_share_is_told_without_points() -> None:
    one = repeats(COSTLY, [(-2.0,), (-2.2,)], epoch_j=100.0)
    two = repeats(CHEAP, [(-2.1,), (-2.3,)], first=2, epoch_j=10.0)
    action = _primary(recommend(study(one + two, quality_name="negative log likelihood"))).action
    assert "points" not in action
    assert "-0.1 ±" in action


def test_caveats_name_the_disturbed_trials() -> None:
    records = repeats(COSTLY, [(0.8,), (0.81,)], contaminated=True)
    assert "other programs disturbed trial 0, 1" in _primary(recommend(study(records))).caveats
    assert _primary(recommend(nasty())).evidence == (0, 1)


def _u(found: object) -> float:
    difference = _primary(found).difference
    assert difference is not None
    assert difference.saving_rel_u is not None
    return difference.saving_rel_u / (1 - difference.saving_rel)


@pytest.mark.parametrize(
    ("provenances", "said"),
    [
        (("measured", "measured"), None),
        (("modelled", "modelled"), "joules are modelled, not measured"),
        (("measured", "modelled"), "joules of cpu:process are modelled, not measured"),
        (("replayed", "measured"), "joules of gpu:0 are replayed, not measured"),
    ],
)
def test_a_recommendation_says_which_joules_no_sensor_told(provenances: tuple[str, str], said: str | None) -> None:
    domains = [
        msgspec.structs.replace(domain, provenance=Provenance(provenance))
        for domain, provenance in zip(CLOUD[:2], provenances, strict=True)
    ]
    caveats = _primary(recommend(sensed(sixteen(3), domains))).caveats
    assert [item for item in caveats if "joules" in item] == ([] if said is None else [said])


def test_a_setup_stopped_before_its_end_is_said_once() -> None:
    curves = [(0.900, 0.9011), (0.902, 0.9031), (0.898, 0.8991)]
    found = recommend(study(repeats({"lr": 0.1}, curves, epoch_j=(9.9, 10.0, 10.1))))
    primary = _primary(found)
    assert (primary.point.epoch, primary.reference and primary.reference.epoch) == (1, 2)
    assert primary.also == (Kind.STOP_EARLIER,)
    assert found.of(Kind.STOP_EARLIER) == ()
    assert primary.action.endswith("; the epochs after it gain nothing beyond the noise")


def test_a_setup_alone_is_not_called_the_most_accurate() -> None:
    found = recommend(study([trial()]))
    assert _primary(found).action.startswith("the only setup reached 80.0 % accuracy for 30.0 J; stop at epoch 3")
