"""Two studies with a planted truth: what is matched, what is said to differ, and what carries over."""

import math

import msgspec
import pytest
from scipy import stats

from sweep.analysis.comparing import words
from sweep.analysis.comparing.carry import Carry, Choice
from sweep.analysis.comparing.comparison import Comparison, compare_studies
from sweep.errors import StudyError
from sweep.records import Dimension, State, StopReason, StudyData, TrialRecord
from tests.comparable import FACTOR, SLOW_64, laptop, scaled, with_config, with_study, workstation
from tests.energy_factories import CLOUD, SERVER, sensed
from tests.factories import repeats, sixteen, study

FOUND = compare_studies(workstation(), laptop())


def same_but(factor: float) -> StudyData:
    """The first study with all joules multiplied."""
    data = workstation()
    return msgspec.structs.replace(data, trials=[scaled(trial, factor) for trial in data.trials])


def without_paradigm(data: StudyData) -> StudyData:
    """The study as if the paradigm had not been a dimension."""
    trials = [
        msgspec.structs.replace(item, params={k: v for k, v in item.params.items() if k != "paradigm"})
        for item in data.trials
    ]
    dimensions = [item for item in data.study.dimensions if item.key != "paradigm"]
    return with_study(msgspec.structs.replace(data, trials=trials), dimensions=dimensions)


def diverged(record: TrialRecord) -> TrialRecord:
    return msgspec.structs.replace(record, state=State.FAIL, stop_reason=StopReason.DIVERGED)


def carried(found: Comparison, kind: Choice, chosen_in: str) -> Carry:
    return next(item for item in found.carries if (item.kind, item.chosen_in) == (kind, chosen_in))


def test_every_setup_has_its_partner_whatever_the_order_of_the_trials() -> None:
    assert len(FOUND.pairs) == 16
    assert FOUND.alone == ()
    for pair in FOUND.pairs:
        factor = FACTOR * (SLOW_64 if pair.params["batch_size"] == 64 else 1.0)
        assert pair.b.epoch_j / pair.a.epoch_j == pytest.approx(factor, rel=0.05)


def test_equal_studies_have_ratio_one_inside_every_interval() -> None:
    found = compare_studies(workstation(), laptop(seed=99))
    again = compare_studies(workstation(), same_but(1.0))
    assert {pair.ratio.value for pair in again.pairs} == {1.0}
    for pair in [*found.pairs, *again.pairs]:
        assert pair.ratio.low is not None
        assert pair.ratio.high is not None
        assert pair.ratio.low < pair.ratio.value < pair.ratio.high


def test_the_interval_of_a_ratio_by_hand() -> None:
    pair = compare_studies(workstation(), same_but(2.0)).pairs[0]
    noise = FOUND.a.recommendations.noise
    sd = max(noise.energy_rel_sd or 0.0, (pair.a.energy_sd_j or 0.0) / pair.a.energy_j)
    assert pair.ratio.high is not None
    half = stats.t.ppf(0.975, noise.energy_df) * math.sqrt(2 * sd**2 / 3)
    assert pair.ratio.value == pytest.approx(2.0)
    assert math.log(pair.ratio.high / 2.0) == pytest.approx(half)


def test_one_repeat_gives_a_ratio_without_an_interval() -> None:
    ratio = compare_studies(workstation(3), laptop(1)).pairs[0].ratio
    assert (ratio.low, ratio.high) == (None, None)
    assert words.ratio(ratio) == f"{ratio.value:.2f}"


def test_the_scales_of_two_meters_do_not_cancel() -> None:
    overall = compare_studies(workstation(), same_but(4.0)).overall
    assert (overall.mean, overall.low, overall.high) == pytest.approx((4.0, 4.0, 4.0))
    assert overall.scale_u_rel == pytest.approx(math.hypot(0.3, 0.3))


def test_the_order_of_the_setups() -> None:
    ranks = {item.quantity: item for item in FOUND.ranks}
    assert list(ranks) == ["energy", "joules per epoch", "epochs", "quality"]
    energy = ranks["energy"]
    assert energy.rho is not None
    assert energy.low is not None
    assert 0.9 < energy.low <= energy.rho <= 1.0
    assert words.sentences(FOUND)[0].startswith("The order of the setups by energy carries over: Spearman's rho")


def test_an_order_that_is_turned_round_is_said_so() -> None:
    data = workstation()
    dear = max(record.energy_j or 0.0 for record in data.trials)
    trials = [scaled(record, (dear / (record.energy_j or 1.0)) ** 2) for record in data.trials]
    found = compare_studies(data, msgspec.structs.replace(data, trials=trials))
    assert "is turned round" in words.sentences(found)[0]


def test_what_one_study_recommends_costs_nothing_where_it_is_also_recommended() -> None:
    found = compare_studies(workstation(), same_but(4.0))
    assert all(item.is_same and item.is_within_noise and item.lost_j == 0.0 for item in found.carries)
    assert "is that of B too." in words.sentences(found)[1]


def test_joules_lost_by_the_recommendation_of_the_other_machine() -> None:
    """On B a batch of 1024 takes six times the joules, so A's recommendation is a bad one there."""
    data = workstation()
    trials = [scaled(r, 6.0 if r.params["batch_size"] == 1024 else 1.0) for r in data.trials]
    found = compare_studies(data, msgspec.structs.replace(data, trials=trials))
    item = carried(found, Choice.RECOMMENDATION, "A")
    assert item.point is not None
    assert item.own is not None
    assert item.lost_j is not None
    assert item.point.setup.params["batch_size"] == 1024
    assert item.own.setup.params["batch_size"] != 1024
    assert item.lost_j == pytest.approx(item.point.energy_j - item.own.energy_j)
    assert item.lost_j > 0.0
    assert item.is_within_noise is False
    assert any("more joules" in told and "worse by more than the noise" in told for told in words.sentences(found))


def test_one_run_each_settles_nothing() -> None:
    data = sixteen(1)
    trials = [scaled(r, 6.0 if r.params["batch_size"] == 1024 else 1.0) for r in data.trials]
    found = compare_studies(data, msgspec.structs.replace(data, trials=trials))
    unlike = [item for item in found.carries if not item.is_same]
    assert unlike
    assert {item.is_within_noise for item in unlike} == {None}
    assert any("one run each, not confirmed" in told for told in words.sentences(found))


def test_a_choice_that_diverged_elsewhere_is_not_claimed_to_carry_over() -> None:
    data = workstation()
    bad = (1024, 0.01, 0)
    trials = [diverged(r) if (r.params["batch_size"], r.params["lr"], r.repeat) == bad else r for r in data.trials]
    found = compare_studies(data, msgspec.structs.replace(data, trials=trials))
    item = carried(found, Choice.RECOMMENDATION, "A")
    assert item.difference is None
    assert item.reason is not None
    assert "off the front of B: diverged" in item.reason
    assert next(p for p in found.pairs if p.b.excluded).params["batch_size"] == 1024


def test_a_setup_of_one_study_only_stands_apart() -> None:
    data = workstation()
    fewer = msgspec.structs.replace(data, trials=[r for r in data.trials if r.params["lr"] != 0.1])
    found = compare_studies(data, fewer)
    assert len(found.pairs) == 12
    assert {(item.study, item.reason) for item in found.alone} == {("B", "was not trained there")}
    assert len(found.alone) == 4


def test_a_dimension_that_one_study_did_not_sweep_is_taken_from_its_config() -> None:
    found = compare_studies(workstation(), without_paradigm(workstation()))
    assert len(found.pairs) == 16


def test_numbers_are_equal_whatever_their_type() -> None:
    a = study(repeats({"batch_size": 64}, [(0.8,), (0.81,)]))
    b = study(repeats({"batch_size": 64.0}, [(0.8,), (0.81,)]))
    assert len(compare_studies(a, b).pairs) == 1


def test_a_dimension_whose_value_is_nowhere_is_refused() -> None:
    a = study(repeats({"lr": 0.1, "trainer.nowhere": 1}, [(0.8,)]))
    b = study(repeats({"lr": 0.1}, [(0.8,)]))
    with pytest.raises(StudyError, match="nowhere is a dimension of one study"):
        compare_studies(a, b)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (with_config(laptop(1), "objective", _target_="objectives.pamap2.Pamap2"), "of different objectives"),
        (with_study(laptop(1), quality_name="macro F1"), "have different qualities"),
        (study(repeats({"batch_size": 7, "lr": 1.0, "paradigm": "baseline"}, [(0.8,)])), "no setup .* in common"),
        (study([], dimensions=[Dimension(name="lr", key="trainer.lr", values=[1.0])]), "no setup .* in common"),
    ],
)
def test_what_is_not_the_same_experiment_is_refused(other: StudyData, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        compare_studies(workstation(1), other)


def test_measured_and_modelled_joules_are_never_compared_silently() -> None:
    found = compare_studies(workstation(1), laptop(1, measured=True))
    (warning,) = words.warnings(found)
    assert "modelled joules stand beside measured ones" in warning
    assert "cpu:process (modelled)" in warning
    assert "package:0, dram:0, gpu:0 (whole devices, measured)" in warning
    assert "measured / modelled" in words.sentences(found)[-1]
    assert words.warnings(FOUND) == ()
    assert words.over(FOUND) == ""


def test_different_domains_of_one_provenance_are_said() -> None:
    cloud = [domain for domain in CLOUD if domain.name == "gpu:0"]
    found = compare_studies(sensed(workstation(1), SERVER), sensed(laptop(1), cloud))
    assert "the totals are sums of different domains" in words.warnings(found)[0]


@pytest.mark.parametrize(
    ("other", "topic"),
    [
        (with_config(laptop(1), "trainer", patience=9), "trainer.patience"),
        (with_config(laptop(1), "objective", path="other.npz"), "objective.path"),
        (
            with_study(laptop(1), data=msgspec.structs.replace(laptop(1).study.data, digest="f" * 16)),
            "data",
        ),
        (with_study(laptop(1), data=msgspec.structs.replace(laptop(1).study.data, split="at random")), "split"),
    ],
)
def test_what_changes_the_meaning_of_a_number_is_serious(other: StudyData, topic: str) -> None:
    found = compare_studies(workstation(1), other)
    assert [item.topic for item in found.serious] == [topic]


def test_the_machine_and_its_software_differ_without_a_warning() -> None:
    told = {item.topic: (item.a, item.b) for item in FOUND.unlike}
    assert told["machine: compute"] == ("cpu", "mps")
    assert told["software: python"] == ("3.11.9", "3.12.1")
    assert "software: torch" not in told
    assert "trainer.lr" not in told
    assert not FOUND.serious


def test_a_swept_key_is_no_difference() -> None:
    found = compare_studies(workstation(1), with_config(laptop(1), "trainer", lr=0.5))
    assert not found.serious
