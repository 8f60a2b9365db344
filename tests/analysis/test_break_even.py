"""Equation 2 against cases computed by hand, and what its intervals must do."""

import itertools
import random
from collections.abc import Sequence

import msgspec
import pytest

from sweep.analysis.break_even import BreakEven, BreakEvenLine, Verdict, break_even
from sweep.analysis.noise import Noise
from sweep.analysis.paired import downstream_j, paired
from sweep.analysis.paradigm_words import break_even_sentences, comparison, interval, is_known
from sweep.records import StopReason, TrialRecord
from tests.factories import study, trial
from tests.paradigm_factories import pretrained, run, triple

NOISE = Noise(0.95, 0.01, 5, 0.02, 5, None, 0.0)
UNREPEATED = Noise(0.95, None, 0, None, 0, None, 0.0)
Triple = tuple[float | None, float | None, float | None]


def _line(records: Sequence[TrialRecord], noise: Noise = NOISE) -> BreakEvenLine:
    (line,) = break_even(paired(study(records)), noise)
    return line


def _only(energies: Sequence[Triple], **options: object) -> BreakEven:
    (item,) = _line(triple(energies, **options)).items  # type: ignore[arg-type]
    return item


@pytest.mark.parametrize(
    ("energies", "trainings", "never"),
    [
        ((100.0, 20.0, 40.0), 5.0, False),
        ((100.0, 20.0, 120.0), 1.0, False),
        ((0.0, 20.0, 40.0), 0.0, False),
        ((100.0, 40.0, 40.0), None, True),
        ((100.0, 41.0, 40.0), None, True),
        ((0.0, 40.0, 40.0), None, True),
    ],
    ids=["five", "at once", "free pretraining", "zero denominator", "negative denominator", "nothing at all"],
)
def test_equation_2_by_hand(energies: Triple, trainings: float | None, never: bool) -> None:
    item = _only([energies])
    assert item.trainings == (None if trainings is None else pytest.approx(trainings))
    assert item.is_never is never
    assert item.reason is None


def test_the_means_over_repeats_are_put_into_the_equation() -> None:
    item = _only([(90.0, 20.0, 40.0), (110.0, 30.0, 70.0)])
    assert item.joules == pytest.approx((100.0, 25.0, 55.0))
    assert item.trainings == pytest.approx(100.0 / 30.0)
    assert (item.n, item.trials) == (2, (0, 1, 2, 3))


def test_one_repeat_has_no_interval() -> None:
    item = _only([(100.0, 20.0, 40.0)])
    assert item.interval is None
    assert interval(item.interval) == ""


def test_a_reused_pretraining_counts_where_it_is_used_as_well() -> None:
    first = pretrained(run(0, "pretrain_frozen", 20.0), 100.0)
    second = pretrained(run(1, "pretrain_finetune", 30.0), 100.0, number=0, reused=True)
    assert (first.energy_spent_j, second.energy_spent_j) == (120.0, 30.0)
    assert (downstream_j(first), downstream_j(second)) == (20.0, 30.0)
    lines = break_even(paired(study([first, second, run(2, "baseline", 40.0)])), NOISE)
    assert {line.paradigm: line.items[0].trainings for line in lines} == pytest.approx(
        {"pretrain_frozen": 5.0, "pretrain_finetune": 10.0}
    )


def test_what_a_trial_is_charged_with_does_not_matter() -> None:
    shared = pretrained(run(0, "pretrain_frozen", 20.0), 100.0, shares=50.0)
    assert shared.energy_j == 22.0
    assert _line([shared, run(1, "baseline", 40.0)]).items[0].trainings == pytest.approx(5.0)


@pytest.mark.parametrize("energies", [(None, 20.0, 40.0), (100.0, None, 40.0), (100.0, 20.0, None)])
def test_unknown_joules_are_unknown_and_not_never(energies: Triple) -> None:
    item = _only([energies, (100.0, 20.0, 40.0)])
    assert item.joules is None
    assert (item.trainings, item.is_never) == (None, False)
    assert item.reason is not None
    assert "are not known" in item.reason
    assert is_known(item) == "unknown"


def test_a_missing_phase_is_named() -> None:
    item = _line([run(0, "pretrain_frozen", 20.0), run(1, "baseline", 40.0)]).items[0]
    assert item.reason == "trial 0 has no pretraining phase"


def test_a_setup_without_a_baseline_is_named_and_the_others_stand() -> None:
    records = triple([(100.0, 20.0, 40.0)])
    lonely = pretrained(run(9, "pretrain_frozen", 20.0, params={"batch_size": 256, "lr": 0.1}), 1.0, key="other")
    line = _line([*records, lonely])
    assert [item.reason for item in line.items] == [None, "no baseline trial was completed"]
    assert line.all is not None
    assert line.all.n == 1


def test_only_repeats_that_both_completed_count() -> None:
    records = triple([(100.0, 20.0, 40.0), (100.0, 20.0, 80.0)])
    crashed = msgspec.structs.replace(records[3], state="FAIL", stop_reason=StopReason.CRASHED)
    item = _line([*records[:3], crashed]).items[0]
    assert (item.n, item.trainings) == (1, pytest.approx(5.0))


def test_there_is_no_line_without_both_paradigms() -> None:
    assert break_even(paired(study([trial()])), NOISE) == ()
    assert break_even(paired(study([])), NOISE) == ()
    assert break_even(paired(study(triple([(1.0, 1.0, 1.0)])[:1])), NOISE) == ()


class TestIntervals:
    """From repeats, by pooled residuals."""

    def test_equal_repeats_have_an_interval_of_no_width(self) -> None:
        found = _only([(100.0, 20.0, 40.0)] * 3).interval
        assert found is not None
        assert (found.low, found.high, found.never_share) == (pytest.approx(5.0), pytest.approx(5.0), 0.0)

    def test_a_denominator_near_zero_makes_it_one_sided(self) -> None:
        found = _only([(100.0, 38.0, 40.0), (100.0, 42.0, 41.0), (100.0, 36.0, 42.0)]).interval
        assert found is not None
        assert found.low is not None
        assert found.high is None
        assert 0.0 < found.never_share < 1.0
        assert interval(found).endswith(" to never")

    def test_a_clearly_negative_one_is_never_throughout(self) -> None:
        found = _only([(100.0, 60.0, 40.0), (100.0, 61.0, 41.0)]).interval
        assert found is not None
        assert (found.low, found.high, found.never_share) == (None, None, 1.0)
        assert interval(found) == "never"

    def test_repeats_that_share_a_pretraining_are_one(self) -> None:
        energies: list[Triple] = [(100.0, 20.0, 40.0), (100.0, 22.0, 44.0)]
        assert _only(energies, keys=["same", "same"]).interval is None
        assert _only(energies, keys=["one", "other"]).interval is not None

    def test_a_pretraining_shared_by_two_setups_is_drawn_once_for_both(self) -> None:
        rng = random.Random(3)
        energies: list[Triple] = [(100.0 + rng.gauss(0.0, 20.0), 20.0, 40.0) for _ in range(8)]
        widths = []
        for keys in ("abcdefgh", "ijklmnop"):
            records = triple(energies, keys="abcdefgh")
            records += triple(energies, keys=keys, params={"batch_size": 256, "lr": 0.1}, first=100)
            found = _line(records).all
            assert found is not None
            assert found.interval is not None
            assert found.interval.low is not None
            assert found.interval.high is not None
            widths.append(found.interval.high - found.interval.low)
        assert widths[0] > 1.2 * widths[1]

    @pytest.mark.parametrize("n_repeats", [2, 3])
    def test_it_covers_the_truth_about_as_often_as_it_says(self, n_repeats: int) -> None:
        rng = random.Random(5)
        covered = n = 0
        for _ in range(12):
            records = []
            for index in range(8):
                energies = [
                    tuple(x * (1 + rng.gauss(0.0, 0.05)) for x in (100.0, 20.0, 40.0)) for _ in range(n_repeats)
                ]
                params = {"batch_size": index, "lr": 0.1}
                records += triple(energies, params=params, first=20 * index)  # type: ignore[arg-type]
            for item in _line(records).items:
                assert item.interval is not None
                low, high = item.interval.low, item.interval.high
                covered += low is not None and low <= 5.0 and (high is None or high >= 5.0)
                n += 1
        assert 0.84 <= covered / n <= 0.99


class TestQuality:
    """The gap decides whether joules may be compared."""

    @pytest.mark.parametrize(
        ("qualities", "verdict"),
        [
            ((0.9, 0.9), Verdict.COMPARABLE),
            ((0.88, 0.9), Verdict.COMPARABLE),
            ((0.7, 0.9), Verdict.INCOMPARABLE),
            ((0.95, 0.9), Verdict.BETTER),
        ],
    )
    def test_against_the_noise(self, qualities: tuple[float, float], verdict: Verdict) -> None:
        item = _only([(100.0, 20.0, 40.0)], qualities=qualities)
        assert item.verdict is verdict
        assert item.quality_gap == pytest.approx(qualities[0] - qualities[1])
        assert item.quality_gap_u == pytest.approx(2.571 * 0.01 * 2**0.5, rel=1e-3)

    def test_without_repeats_or_an_accuracy_it_is_unknown(self) -> None:
        (item,) = _line(triple([(100.0, 20.0, 40.0)]), UNREPEATED).items
        assert (item.verdict, item.quality_gap_u) == (Verdict.UNKNOWN, None)

    def test_a_divergence_makes_it_incomparable_and_is_named(self) -> None:
        records = triple([(100.0, 20.0, 40.0)])
        lost = run(7, "pretrain_frozen", 5.0, repeat=1, stop_reason=StopReason.DIVERGED)
        (item,) = _line([*records, lost]).items
        assert item.verdict is Verdict.INCOMPARABLE
        assert comparison(item) == "not comparable: trial 7 diverged"

    def test_only_comparable_setups_enter_the_fair_extremes(self) -> None:
        records = triple([(100.0, 20.0, 40.0)])
        records += triple([(100.0, 20.0, 120.0)], params={"batch_size": 256, "lr": 0.1}, first=10, qualities=(0.1, 0.9))
        line = _line(records)
        assert line.all is not None
        assert line.comparable is not None
        assert line.all.best is not None
        assert line.comparable.best is not None
        assert (line.all.best.trainings, line.comparable.best.trainings) == (pytest.approx(1.0), pytest.approx(5.0))


def _setups(*energies: Triple) -> list[TrialRecord]:
    sizes = itertools.count(64, 64)
    return [
        record
        for index, item in enumerate(energies)
        for record in triple([item], params={"batch_size": next(sizes), "lr": 0.1}, first=10 * index)
    ]


def test_best_worst_and_mean_are_of_those_that_pay_and_never_is_counted() -> None:
    line = _line(_setups((100.0, 20.0, 40.0), (100.0, 20.0, 30.0), (100.0, 50.0, 40.0)))
    found = line.all
    assert found is not None
    assert found.best is not None
    assert found.worst is not None
    assert (found.best.trainings, found.worst.trainings) == (pytest.approx(5.0), pytest.approx(10.0))
    assert (found.mean, found.n, found.n_never) == (pytest.approx(7.5), 3, 1)
    assert found.joules == pytest.approx((100.0, 30.0, 110.0 / 3.0))
    assert found.joules.trainings == pytest.approx(15.0)
    told = break_even_sentences(line, ("batch_size",))
    assert "5 trainings at best (batch_size 64) and 10 at worst (batch_size 128)" in told[0]
    assert "over the 2 setups where it does of 3; in 1 it never does, seen in one run each" in told[0]


def test_if_no_setup_pays_it_says_so() -> None:
    line = _line(_setups((100.0, 50.0, 40.0)))
    assert line.all is not None
    assert (line.all.best, line.all.mean) == (None, None)
    assert break_even_sentences(line, ())[0].endswith(
        "never pays for itself, in none of 1 setup, seen in one run each."
    )


def test_cached_features_are_a_line_of_their_own_and_labelled() -> None:
    cached = pretrained(run(2, "pretrain_frozen_cached", 10.0), 100.0, key="0-0", number=0, reused=True)
    cached = msgspec.structs.replace(cached, results={"cached_features": 1.0})
    lines = break_even(paired(study([*triple([(100.0, 20.0, 40.0)]), cached])), NOISE)
    found = {line.paradigm: (line.is_cached, line.items[0].trainings) for line in lines}
    assert found == {"pretrain_frozen": (False, 5.0), "pretrain_frozen_cached": (True, pytest.approx(100.0 / 30.0))}
    assert "pretrain_frozen_cached (features cached)" in break_even_sentences(lines[1], ())[0]
