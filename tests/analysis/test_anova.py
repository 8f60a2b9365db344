"""Shares of the variance: planted effects come back, and they sum to 1."""

import itertools
import math
import random

import pytest

from sweep.analysis.anova import Decomposition, decompose
from sweep.analysis.energy_factors import Decompositions, EnergyFactors, energy_factors
from sweep.analysis.factor_words import factor_sentences
from sweep.records import Dimension, StopReason
from tests.factories import BATCH_SIZES, LEARNING_RATES, study, trial
from tests.layer_factories import layered
from tests.paradigm_factories import three_paradigms


def _whole(found: Decomposition | None) -> Decomposition:
    assert found is not None
    return found


def _sum(found: Decomposition) -> float:
    return math.fsum([effect.share for effect in found.effects] + ([found.residual.share] if found.residual else []))


def test_two_by_two_by_hand() -> None:
    found = _whole(decompose(("a", "b"), [[0.0], [2.0], [4.0], [10.0]], (2, 2), 0.95))
    shares = {effect.factors: effect.share for effect in found.effects}
    assert found.variance == pytest.approx(14.0)
    assert shares == pytest.approx({("a",): 9.0 / 14.0, ("b",): 4.0 / 14.0, ("a", "b"): 1.0 / 14.0})
    assert found.residual is None


def test_repeats_are_the_residual_by_hand() -> None:
    found = _whole(decompose(("a",), [[0.0, 2.0], [4.0, 6.0]], (2,), 0.95))
    assert found.residual is not None
    assert (found.main("a").share, found.residual.share) == (pytest.approx(0.8), pytest.approx(0.2))
    assert found.main("a").low is not None


def test_a_number_that_does_not_vary_has_no_shares() -> None:
    assert decompose(("a",), [[1.0], [1.0]], (2,), 0.95) is None


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_shares_sum_to_one_in_three_factors(n_repeats: int) -> None:
    rng = random.Random(1)
    cells = [[rng.gauss(0.0, 1.0) for _ in range(n_repeats)] for _ in range(24)]
    found = _whole(decompose(("a", "b", "c"), cells, (2, 3, 4), 0.95))
    assert _sum(found) == pytest.approx(1.0)
    assert [effect.factors for effect in found.effects][-1] == ()
    assert all(effect.share >= 0.0 for effect in found.effects)


def test_an_interval_holds_the_planted_share() -> None:
    rng = random.Random(4)
    inside = 0
    truth = (2.0 / 3.0) / (2.0 / 3.0 + 0.25)
    for _ in range(60):
        cells = [[level + rng.gauss(0.0, 0.5) for _ in range(3)] for level in (-1.0, 0.0, 1.0) for _ in range(4)]
        effect = _whole(decompose(("a", "b"), cells, (3, 4), 0.95)).main("a")
        assert effect.low is not None
        assert effect.high is not None
        inside += effect.low <= truth <= effect.high
    assert inside >= 50


class TestOfAStudy:
    """Joules per epoch, epochs and energy of trials."""

    def test_the_finding_of_the_paper_comes_back(self) -> None:
        found = energy_factors(three_paradigms(2), 0.95)
        assert found is not None
        baseline = found.groups[1]
        assert baseline.paradigm == "baseline"
        per_epoch, epochs = baseline.by_response["energy_per_epoch"], baseline.by_response["epochs"]
        assert _whole(per_epoch).main("batch_size").share > 0.98
        assert _whole(epochs).main("lr").share == pytest.approx(1.0)
        told = factor_sentences(found)
        assert any("Within baseline, batch_size explains" in item and "lr explains 100 %" in item for item in told)

    def test_the_paradigm_is_a_factor_of_the_whole(self) -> None:
        found = energy_factors(three_paradigms(1), 0.95)
        assert found is not None
        assert found.groups[0].factors == ("batch_size", "lr", "paradigm")
        assert _sum(_whole(found.groups[0].by_response["energy"])) == pytest.approx(1.0)
        assert "Without repeats noise counts as an interaction" in " ".join(factor_sentences(found))

    def test_a_hole_in_the_grid_is_named_instead_of_a_number(self) -> None:
        places = list(itertools.product(BATCH_SIZES, LEARNING_RATES))
        records = [
            trial(n, {"batch_size": b, "lr": lr}, epoch_j=float(b)) for n, (b, lr) in enumerate(places) if n != 5
        ]
        found = energy_factors(study(records), 0.95)
        assert found is not None
        assert found.groups[0].by_response == {}
        assert found.groups[0].missing == (
            "the grid is not full: no finished trial with known joules of batch_size 256, lr 0.01"
        )

    def test_a_level_whose_trials_all_crashed_is_a_hole(self) -> None:
        records = [trial(n, {"lr": lr}, epoch_j=float(n + 1)) for n, lr in enumerate((0.1, 0.01))]
        records.append(trial(2, {"lr": 1.0}, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED))
        found = energy_factors(study(records), 0.95)
        assert found is not None
        assert found.groups[0].missing is not None
        assert "lr 1" in found.groups[0].missing

    def test_a_range_is_no_grid(self) -> None:
        records = [trial(n, {"lr": 0.1 * (n + 1)}, epoch_j=float(n + 1)) for n in range(4)]
        found = energy_factors(
            study(records, dimensions=[Dimension(name="lr", key="trainer.lr", low=0.0, high=1.0)]), 0.9
        )
        assert found is not None
        assert found.groups[0].missing is not None
        assert "drawn from a range" in found.groups[0].missing

    def test_capped_and_diverged_trials_are_counted_as_censored(self) -> None:
        reasons = (StopReason.EARLY_STOPPING, StopReason.MAX_EPOCHS, StopReason.DIVERGED)
        records = [
            trial(n, {"lr": 0.1 * (n + 1)}, qualities=(0.5,) * (n + 1), stop_reason=reason)
            for n, reason in enumerate(reasons)
        ]
        found = energy_factors(study(records), 0.95)
        assert found is not None
        assert (found.groups[0].n_capped, found.groups[0].n_diverged) == (1, 1)
        assert any("1 reached the largest number of epochs and 1 diverged" in item for item in factor_sentences(found))

    def test_a_length_that_is_searched_is_no_limit(self) -> None:
        records = [
            trial(n, {"trainer.max_epochs": n + 1}, qualities=(0.5,) * (n + 1), stop_reason=StopReason.MAX_EPOCHS)
            for n in range(3)
        ]
        found = energy_factors(study(records), 0.95)
        assert found is not None
        assert found.groups[0].n_capped == 0

    def test_what_goes_with_epochs_is_all_where_epochs_cost_the_same(self) -> None:
        records = [trial(n, {"lr": 0.1 * (n + 1)}, qualities=(0.5,) * (n + 1)) for n in range(3)]
        found = energy_factors(study(records), 0.95)
        assert found is not None
        assert found.groups[0].from_epochs == pytest.approx(1.0)
        assert found.groups[0].by_response["energy_per_epoch"] is None
        assert {item.name: item.rho for item in found.correlations} == {"time": pytest.approx(1.0)}

    def test_flops_and_parameters_stand_beside_where_layers_tell_them(self) -> None:
        records = [trial(n, {"lr": 0.1 * (n + 1)}, epoch_j=10.0 + n) for n in range(4)]
        found = energy_factors(layered(study(records)), 0.95)
        assert found is not None
        assert "FLOPs" in {item.name for item in found.correlations}

    def test_nothing_varies_or_no_joules_known(self) -> None:
        assert energy_factors(study([]), 0.95) is None
        assert energy_factors(study([trial()]), 0.95) is None
        assert energy_factors(study([trial(n, {"lr": n}, epoch_j=None) for n in range(2)]), 0.95) is None


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (0.77, "77 % goes with the number of epochs, the rest with the joules per epoch."),
        (1.03, "103 % goes with the number of epochs: where the energy is high, the joules per epoch are rather low."),
        (-0.1, "-10 % goes with the number of epochs: where the energy is high, the number of epochs is rather low."),
    ],
)
def test_a_share_beyond_the_whole_is_told_as_what_it_is(part: float, told: str) -> None:
    nothing = dict.fromkeys(("energy_per_epoch", "epochs", "energy"))
    group = Decompositions(None, ("lr",), 8, nothing, None, 0, 0, part)
    assert any(told in sentence for sentence in factor_sentences(EnergyFactors((group,), ())))
