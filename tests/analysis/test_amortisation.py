"""What N trainings that share a pretraining are charged with, and what is recommended then."""

import math
from typing import Any

import msgspec
import pytest

from benchmarks._generated import generated
from sweep.analysis.amortisation import _among_rivals, amortisation
from sweep.analysis.noise import measure
from sweep.analysis.paradigm_words import amortisation_sentences
from sweep.analysis.pareto import envelope
from sweep.analysis.recharge import EnergyNoise, recharge, recharged
from sweep.analysis.recommend import recommend
from sweep.analysis.setups import setups
from sweep.records import StudyData
from tests.factories import sixteen, study
from tests.paradigm_factories import pretrained, run, three_paradigms


def _study() -> StudyData:
    """Equal quality; a baseline of 40 J, and a frozen encoder of 20 J after 100 J: the lines cross at N = 5."""
    params = {"batch_size": 64, "lr": 0.1}
    records = []
    for repeat in range(3):
        frozen = run(2 * repeat, "pretrain_frozen", 20.0, repeat=repeat, params=params)
        records.append(pretrained(frozen, 100.0, key=str(repeat)))
        records.append(run(2 * repeat + 1, "baseline", 40.0, repeat=repeat, params=params))
    return study(records)


@pytest.mark.parametrize(("reuses", "charged"), [(1.0, 120.0), (2.0, 70.0), (10.0, 30.0), (math.inf, 20.0)])
def test_a_trial_is_charged_with_its_part(reuses: float, charged: float) -> None:
    trial = recharged(pretrained(run(0, "pretrain_frozen", 20.0), 100.0), reuses)
    assert trial.energy_j == pytest.approx(charged)
    assert trial.energy_to_best_j == pytest.approx(charged)
    assert trial.trajectory[-1].energy_j == pytest.approx(charged)
    assert trial.energy_spent_j == 120.0


def test_the_trajectory_begins_with_the_part_of_the_pretraining() -> None:
    trial = recharged(pretrained(run(0, "pretrain_frozen", 20.0), 100.0), 4.0)
    assert [point.energy_j for point in trial.trajectory] == pytest.approx([12.5, 25.0, 30.0, 35.0, 40.0, 45.0])


def test_once_is_total_and_there_and_back_is_the_same() -> None:
    trial = pretrained(run(0, "pretrain_frozen", 20.0), 100.0, shares=4.0)
    assert recharged(trial, 4.0) is trial
    total = recharged(trial, 1.0)
    assert total.energy_j == pytest.approx(120.0)
    back = recharged(total, 4.0)
    assert [point.energy_j for point in back.trajectory] == pytest.approx(
        [point.energy_j for point in trial.trajectory]
    )


def test_what_is_unknown_stays_unknown_and_a_trial_without_a_pretraining_as_it_is() -> None:
    assert recharged(pretrained(run(0, "pretrain_frozen", 20.0), None), 10.0).energy_j is None
    plain = run(0, "baseline", 20.0)
    assert recharged(plain, 10.0) is plain


def test_random_uncertainties_are_taken_apart_and_put_together() -> None:
    trial = pretrained(run(0, "pretrain_frozen", 20.0, random_u_rel=0.2), 100.0, u_j=3.0, reused=True)
    assert recharged(trial, math.inf).energy_u_random_j == pytest.approx(math.sqrt(4.0**2 - 3.0**2))


def test_the_setups_of_a_recharged_study_hold_its_joules() -> None:
    finals = {setup.params["paradigm"]: setup.final for setup in setups(recharge(_study(), 10.0))}
    assert {name: final.energy_j for name, final in finals.items() if final} == pytest.approx(
        {"pretrain_frozen": 30.0, "baseline": 40.0}
    )


def test_the_recommendation_changes_where_the_lines_cross() -> None:
    found = amortisation(_study(), 0.95)
    assert found is not None
    assert found.charged_reuses == 1.0
    chosen = {row.reuses: row.params and row.params["paradigm"] for row in found.rows}
    assert chosen[1.0] == chosen[2.0] == "baseline"
    assert chosen[10.0] == chosen[math.inf] == "pretrain_frozen"
    (change,) = found.changes
    assert change.reuses == 6.0  # at 5 both cost 40 J, and the first of the equal ones is kept
    assert amortisation_sentences(found, ("paradigm",)) == (
        "Trained once, paradigm baseline is the recommendation.",
        "From 6 trainings that share a pretraining on, paradigm pretrain_frozen is the recommendation.",
    )


def test_it_says_so_where_nothing_changes() -> None:
    frozen = pretrained(run(0, "pretrain_frozen", 20.0, quality=0.5), 1.0)
    found = amortisation(study([frozen, run(1, "baseline", 40.0, quality=0.9)]), 0.95)
    assert found is not None
    assert found.changes == ()
    assert amortisation_sentences(found, ("paradigm",))[0].endswith("however many trainings share a pretraining.")


def test_without_a_pretraining_there_is_nothing_to_share() -> None:
    assert amortisation(sixteen(1), 0.95) is None
    assert amortisation(study([]), 0.95) is None


def test_studies_of_every_paradigm_have_a_row_for_each_number() -> None:
    found = amortisation(three_paradigms(2), 0.95)
    assert found is not None
    assert [row.reuses for row in found.rows] == [1, 2, 5, 10, 50, 100, math.inf]
    assert all(row.confirmed for row in found.rows)


@pytest.mark.parametrize(
    "data", [three_paradigms(2), three_paradigms(1), generated(80, n_epochs=20, n_layers=0)], ids=["2", "1", "80"]
)
@pytest.mark.parametrize("current", [{}, {"batch_size": 64, "lr": 0.01}, {"batch_size": 64}])
@pytest.mark.parametrize("reuses", [1.0, 7.0, math.inf])
def test_the_rivals_alone_tell_what_all_setups_would(data: StudyData, current: dict[str, Any], reuses: float) -> None:
    config = data.study.config | {"study": data.study.config["study"] | {"current": current}}
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    groups = setups(data)
    row = _among_rivals(data, groups, envelope(groups), measure(data, groups, 0.95))(reuses)
    whole = recommend(recharge(data, reuses), 0.95).primary
    assert whole is not None
    assert whole.point is not None
    assert row.point is not None
    assert (row.params, row.point.epoch, row.confirmed) == (
        whole.point.setup.params,
        whole.point.epoch,
        whole.confirmed,
    )
    assert row.point.energy_j == pytest.approx(whole.point.energy_j)


@pytest.mark.parametrize("reuses", [1.0, 3.0, math.inf])
def test_the_noise_of_recharged_joules_is_that_of_a_recharged_study(reuses: float) -> None:
    data = generated(40, n_epochs=20, n_layers=0)
    groups, moved = setups(data), recharge(data, reuses)
    found, whole = (
        EnergyNoise(data, groups, measure(data, groups, 0.95)).at(reuses),
        measure(moved, setups(moved), 0.95),
    )
    assert found.energy_rel_sd == pytest.approx(whole.energy_rel_sd)
    assert found.energy_rel_floor == pytest.approx(whole.energy_rel_floor)
