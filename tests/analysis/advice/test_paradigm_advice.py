"""Which paradigm to choose, where its break-even is planted."""

import msgspec
import pytest

from sweep.analysis.recommendation import Against, Kind, Recommendation
from sweep.analysis.summary import summarise
from sweep.records import TrialRecord
from tests.factories import study
from tests.paradigm_factories import triple


def _advice(records: list[TrialRecord]) -> tuple[Recommendation, ...]:
    return summarise(study(records)).recommendations.of(Kind.PARADIGM)


def _three(pretraining_j: float, downstream_j: float, baseline_j: float, **options: object) -> list[TrialRecord]:
    scatter = (0.99, 1.0, 1.01)
    energies = [(pretraining_j * step, downstream_j * step, baseline_j * step) for step in scatter]
    return triple(energies, **options)  # type: ignore[arg-type]


def test_a_pretraining_that_pays_is_recommended_from_the_number_of_trainings_on_at_which_it_saves() -> None:
    (found,) = _advice(_three(100.0, 20.0, 40.0))
    # Equation 2: 100 / (40 - 20) = 5; at 6 it saves 40 - 20 - 100 / 6 = 3.3 J, more than its noise of 1 J
    assert (
        "From 6 trainings that share one pretraining on, paradigm pretrain_frozen instead of baseline" in found.action
    )
    assert "against its own baseline a pretraining pays after 5 trainings (" in found.action
    assert found.saving is not None
    assert found.saving.energy_j == pytest.approx(40.0 - 20.0 - 100.0 / 6)
    assert found.price_j == pytest.approx(100.0)
    assert found.change["search.space.paradigm"] == ["pretrain_frozen"]


@pytest.mark.parametrize(("n", "said"), [(6, "reach that"), (5, "do not reach that")])
def test_the_trainings_of_a_year_are_held_against_it(n: int, said: str) -> None:
    data = study(_three(100.0, 20.0, 40.0))
    config = data.study.config | {"report": {"trainings_per_year": n}}
    data = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    (found,) = summarise(data).recommendations.of(Kind.PARADIGM)
    assert f"; {n} trainings a year {said}" in found.action


@pytest.mark.parametrize("downstream_j", [40.0, 60.0])
def test_a_pretraining_that_never_pays_is_not_recommended(downstream_j: float) -> None:
    assert _advice(_three(100.0, downstream_j, 40.0)) == ()


def test_a_pretraining_of_worse_quality_is_not_recommended() -> None:
    assert _advice(_three(100.0, 20.0, 40.0, qualities=(0.7, 0.9))) == ()


def test_a_pretraining_that_saves_at_once_is_recommended_with_its_break_even() -> None:
    data = summarise(study(_three(10.0, 20.0, 40.0))).recommendations
    assert data.primary is not None
    assert data.primary.point.setup.params["paradigm"] == "pretrain_frozen"
    (found,) = data.of(Kind.PARADIGM)
    assert found.against is Against.OTHER_PARADIGM
    assert "paradigm pretrain_frozen instead of baseline saves 25 % ±" in found.action
    assert "pays after 0.5 trainings" in found.action
