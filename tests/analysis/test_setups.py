"""Trials averaged to setups at equal epochs."""

import msgspec
import pytest

from sweep.analysis.setups import phase_epoch, setups
from sweep.records import StopReason
from tests.factories import repeats, study, trial

PARAMS = {"lr": 0.1}


def test_repeats_are_averaged_at_equal_epochs_with_their_spread() -> None:
    records = repeats(PARAMS, [(0.5, 0.8), (0.7, 0.9)], epoch_j=(10.0, 14.0))
    (setup,) = setups(study(records))
    first, second = setup.points
    assert (first.epoch, first.quality, first.energy_j, first.n) == (1, pytest.approx(0.6), 12.0, 2)
    assert (second.quality, second.energy_j) == (pytest.approx(0.85), 24.0)
    assert first.quality_sd == pytest.approx(0.02**0.5)
    assert second.energy_sd_j == pytest.approx(32**0.5)


def test_the_quality_of_an_epoch_is_the_best_so_far() -> None:
    (setup,) = setups(study([trial(qualities=(0.6, 0.4, 0.7))]))
    assert [point.quality for point in setup.points] == [0.6, 0.6, 0.7]


def test_a_repeat_that_ended_early_is_carried_forward_with_its_final_joules() -> None:
    short = trial(0, PARAMS, qualities=(0.8,), epoch_j=10.0, tail_j=2.0)
    long = trial(1, PARAMS, qualities=(0.4, 0.5, 0.6), epoch_j=20.0, repeat=1)
    (setup,) = setups(study([short, long]))
    assert [point.quality for point in setup.points] == pytest.approx([0.6, 0.65, 0.7])
    assert [point.energy_j for point in setup.points] == [16.0, 26.0, 36.0]


def test_the_final_point_costs_what_the_trial_is_charged_with() -> None:
    (setup,) = setups(study([trial(qualities=(0.5, 0.6), epoch_j=10.0, tail_j=3.0)]))
    assert [point.energy_j for point in setup.points] == [10.0, 23.0]


def test_one_repeat_claims_no_spread() -> None:
    (setup,) = setups(study([trial()]))
    assert setup.points[-1].quality_sd is None
    assert setup.points[-1].energy_sd_j is None


def test_an_epoch_without_quality_has_no_point_but_counts() -> None:
    (setup,) = setups(study([trial(qualities=(None, None, 0.7))]))
    assert [point.epoch for point in setup.points] == [3]


def test_unknown_joules_make_no_point() -> None:
    (setup,) = setups(study([trial(epoch_j=None)]))
    assert setup.points == ()
    assert setup.excluded == "quality or joules are not known"


def test_a_setup_with_a_diverged_repeat_is_excluded_and_says_which() -> None:
    records = [*repeats(PARAMS, [(0.5, 0.9)]), trial(7, PARAMS, stop_reason=StopReason.DIVERGED)]
    (setup,) = setups(study(records))
    assert setup.excluded == "diverged in trial 7"
    assert setup.candidates == ()
    assert setup.failed == (7,)


@pytest.mark.parametrize("reason", [StopReason.CRASHED, StopReason.INTERRUPTED, StopReason.KILLED])
def test_an_interrupted_repeat_neither_counts_nor_excludes(reason: StopReason) -> None:
    records = [*repeats(PARAMS, [(0.5, 0.9)]), trial(1, PARAMS, qualities=(0.1,), stop_reason=reason)]
    (setup,) = setups(study(records))
    assert setup.final is not None
    assert (setup.final.quality, setup.final.n, setup.excluded) == (0.9, 1, None)


def test_where_a_prefix_is_no_run_only_the_end_is_a_candidate() -> None:
    records = repeats(PARAMS, [(0.5, 0.6, 0.7), (0.5, 0.6)], prefix_is_run=False)
    (setup,) = setups(study(records))
    assert len(setup.points) == 3
    assert [point.epoch for point in setup.candidates] == [3]


def test_contaminated_trials_are_flagged_not_dropped() -> None:
    (setup,) = setups(study(repeats(PARAMS, [(0.5,), (0.7,)], contaminated=True)))
    assert setup.contaminated == (0, 1)
    assert setup.final is not None
    assert setup.final.n == 2


def test_the_order_of_params_does_not_split_a_setup() -> None:
    one, two = trial(0, {"a": 1, "b": 2}), trial(1, {"b": 2, "a": 1}, repeat=1)
    assert [setup.numbers for setup in setups(study([one, two]))] == [(0, 1)]


def test_phase_epoch_of_a_single_phase_is_the_epoch() -> None:
    (setup,) = setups(study([trial(qualities=(0.1, 0.2, 0.3))]))
    assert phase_epoch(setup, 2) == 2


def test_setups_that_learn_fewer_heads_stand_beside_the_front() -> None:
    both = msgspec.structs.replace(trial(0, {"paradigm": "multitask"}), qualities={"identity": 0.8, "eyes": 0.8})
    alone = msgspec.structs.replace(
        trial(1, {"paradigm": "singletask.eyes"}, qualities=(0.9, 0.99)), qualities={"eyes": 0.99}
    )
    first, second = setups(study([both, alone]))
    assert first.candidates
    assert not second.candidates
    assert second.excluded == "its quality is that of eyes alone, which is another task"
    assert all(setup.excluded is None for setup in setups(study([alone])))
