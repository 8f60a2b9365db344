"""Frozen against trained on, heads together against one by one, and how trials are paired."""

import msgspec
import pytest

from sweep.analysis.freezing import freezing
from sweep.analysis.multitask import Mean, multitask, paradigm_means
from sweep.analysis.noise import Noise
from sweep.analysis.paired import paired
from sweep.analysis.paradigm_words import freezing_sentence, multitask_sentence, paradigm_sentences
from sweep.analysis.saving import PairedJoules, saving
from sweep.analysis.summary import summarise
from sweep.records import Dimension, StopReason
from tests.factories import sixteen, study
from tests.paradigm_factories import heads, pretrained, run, three_paradigms

NOISE = Noise(0.95, 0.01, 5, 0.02, 5, None, 0.0)


class TestPairing:
    """Setups without their paradigm."""

    def test_runs_stand_beside_each_other_by_repeat(self) -> None:
        (found,) = paired(
            study([run(0, "baseline", 1.0), run(1, "multitask", 1.0), run(2, "multitask", 1.0, repeat=1)])
        )
        assert found.params == {"batch_size": 64, "lr": 0.1}
        assert [(a.number, b.number) for a, b in found.together("multitask", "baseline")] == [(1, 0)]

    def test_the_dimension_may_have_another_name(self) -> None:
        records = [
            run(n, "baseline", 1.0, params={"lr": 0.1, "way": way}) for n, way in enumerate(("baseline", "multitask"))
        ]
        records = [
            msgspec.structs.replace(r, params={k: v for k, v in r.params.items() if k != "paradigm"}) for r in records
        ]
        (found,) = paired(
            study(records, dimensions=[Dimension(name="way", key="paradigm", values=["baseline", "multitask"])])
        )
        assert list(found.runs) == ["baseline", "multitask"]

    def test_a_run_that_was_done_again_counts_once(self) -> None:
        disturbed = run(0, "baseline", 9.0, contaminated=True)
        (found,) = paired(study([disturbed, run(1, "baseline", 1.0)]))
        assert [trial.number for trial in found.runs["baseline"].values()] == [1]

    def test_a_divergence_is_kept_apart(self) -> None:
        (found,) = paired(study([run(0, "baseline", 9.0, stop_reason=StopReason.DIVERGED)]))
        assert (dict(found.runs), found.diverged) == ({}, {"baseline": (0,)})


class TestSaving:
    """Sums over setups."""

    def test_by_hand(self) -> None:
        pairs = [
            PairedJoules({"a": 1}, ((30.0, 100.0), (50.0, 100.0)), ("x", "y")),
            PairedJoules({"a": 2}, ((20.0, 20.0), (20.0, 20.0)), ("z", "w")),
        ]
        found = saving(pairs, 0.95)
        assert found is not None
        assert (found.energy_j, found.reference_j) == (30.0, 60.0)
        assert found.saving_rel == pytest.approx(0.5)
        assert [row.saving_rel for row in found.setups] == pytest.approx([0.6, 0.0])
        assert found.n_saving == 1
        assert found.low is not None
        assert found.high is not None
        assert found.low < 0.5 < found.high

    def test_one_repeat_has_no_interval_and_nothing_no_saving(self) -> None:
        found = saving([PairedJoules({}, ((1.0, 2.0),), ("x",))], 0.95)
        assert found is not None
        assert (found.saving_rel, found.low, found.high) == (0.5, None, None)
        assert saving([], 0.95) is None

    def test_against_nothing_the_share_is_not_known(self) -> None:
        found = saving([PairedJoules({}, ((1.0, 0.0), (1.0, 0.0)), ("x", "y"))], 0.95)
        assert found is not None
        assert (found.saving_rel, found.low) == (None, None)


class TestFreezing:
    """Table 3."""

    def test_only_what_follows_the_pretraining_counts(self) -> None:
        frozen = pretrained(run(0, "pretrain_frozen", 40.0), 1000.0)
        tuned = pretrained(run(1, "pretrain_finetune", 100.0, quality=0.95), 1000.0, number=0, reused=True)
        (found,) = freezing(paired(study([frozen, tuned])), NOISE)
        assert found.saving.saving_rel == pytest.approx(0.6)
        assert found.quality_gap == pytest.approx(-0.05)
        assert freezing_sentence(found, in_points=True).startswith(
            "After the pretraining, pretrain_frozen saves 60 % of the joules of pretrain_finetune for -5.0 ± "
        )

    def test_setups_without_both_are_counted_as_left_out(self) -> None:
        params = {"batch_size": 256, "lr": 0.1}
        records = [
            pretrained(run(0, "pretrain_frozen", 40.0), 10.0),
            pretrained(run(1, "pretrain_finetune", 50.0), 10.0, number=0, reused=True),
            pretrained(run(2, "pretrain_frozen", 40.0, params=params), None),
            pretrained(run(3, "pretrain_finetune", 50.0, params=params), 10.0),
        ]
        (found,) = freezing(paired(study(records)), NOISE)
        assert (len(found.saving.setups), found.left_out) == (1, 1)

    def test_the_planted_saving_lies_in_its_interval(self) -> None:
        (found,) = summarise(three_paradigms(3)).paradigms.freezing
        whole = 0.5 * (40 + 20 + 10) + 1.02 * 8
        truth = 1.0 - whole / (0.9 * 78)
        assert found.saving.low is not None
        assert found.saving.high is not None
        assert found.saving.low < truth < found.saving.high


class TestHeads:
    """Table 4 and Fig. 5."""

    def test_together_against_the_sum_of_one_by_one(self) -> None:
        found = multitask(paired(heads(2)), NOISE)
        assert found is not None
        assert found.saving is not None
        assert found.heads == ("identity", "pose")
        assert found.saving.saving_rel == pytest.approx(0.4)
        assert [row.n for row in found.saving.setups] == [2, 2]
        identity, pose = found.qualities[0].heads
        assert (identity.single, identity.multi) == (Mean(0.8, 0.0, 2), Mean(0.82, 0.0, 2))
        assert pose.multi == Mean(0.7, 0.0, 2)
        assert "One training of identity, pose together saves 40 % (40 % to 40 %)" in multitask_sentence(found)

    def test_a_head_without_a_training_of_its_own_forbids_the_sum(self) -> None:
        data = heads(1)
        trials = [trial for trial in data.trials if trial.paradigm != "singletask.pose"]
        found = multitask(paired(study(trials)), NOISE)
        assert found is not None
        assert found.saving is None
        assert found.reason == "there is no single-task training of pose"
        assert "not comparable" in multitask_sentence(found)

    def test_the_means_of_each_paradigm(self) -> None:
        found = {item.paradigm: item for item in paradigm_means(paired(heads(1)))}
        assert found["multitask"].epochs == Mean(3.0, 0.0, 2)
        assert found["singletask.identity"].epochs.mean == 4.0
        assert found["singletask.identity"].energy_per_epoch_j is not None
        assert found["singletask.identity"].energy_per_epoch_j.mean == pytest.approx((25.0 + 12.5) / 2)

    def test_unknown_joules_are_unknown_in_the_means(self) -> None:
        records = [run(0, "baseline", None), run(1, "multitask", 1.0)]
        found = {item.paradigm: item.energy_j for item in paradigm_means(paired(study(records)))}
        assert found == {"baseline": None, "multitask": Mean(1.0, None, 1)}


def test_a_study_of_one_paradigm_has_nothing_to_tell() -> None:
    assert summarise(sixteen(2)).paradigms.is_empty
    assert summarise(study([])).paradigms.is_empty
    assert paradigm_sentences(summarise(sixteen(1)).paradigms, (), in_points=True) == ()
