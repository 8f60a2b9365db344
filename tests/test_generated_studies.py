"""The studies that benchmarks make up: they must be as consistent as measured ones, or what they time says nothing."""

from pathlib import Path

import pytest

from benchmarks._generated import generated, grid_of
from benchmarks._generated_store import write_store
from sweep.analysis.summary import summarise
from sweep.records import State, StudyData, total_j
from sweep.study.store import StudyStore


@pytest.fixture(scope="module")
def data() -> StudyData:
    return generated(120, n_epochs=20, n_layers=4)


@pytest.mark.parametrize("n_trials", [1, 3, 7, 100, 1000, 10_000])
def test_the_grid_holds_the_trials(n_trials: int) -> None:
    grid = grid_of(n_trials)
    cells = len(grid.batch_sizes) * len(grid.learning_rates)
    assert cells == max(1, n_trials // 4)
    assert len(set(grid.learning_rates)) == len(grid.learning_rates)


def test_the_same_numbers_give_the_same_study(data: StudyData) -> None:
    assert generated(120, n_epochs=20, n_layers=4) == data
    assert generated(120, n_epochs=20, n_layers=4, seed=1) != data


def test_parts_sum_to_what_a_trial_spent(data: StudyData) -> None:
    for trial in data.trials:
        for name, domain in trial.domains.items():
            activities = total_j(row.energy_j[name] for row in trial.activities)
            layers = total_j(row.energy_j[name] for table in trial.layers for row in table.rows)
            assert activities == pytest.approx(domain.energy_j, rel=1e-9)
            assert layers == pytest.approx(domain.energy_j, rel=1e-9)
        assert total_j(domain.energy_j for domain in trial.domains.values()) == pytest.approx(trial.energy_spent_j)
        assert trial.trajectory[-1].energy_j == pytest.approx(trial.energy_j)


def test_the_scores_of_the_samples_make_the_quality(data: StudyData) -> None:
    for trial in data.trials:
        assert trial.scores is not None
        assert trial.scores.values().mean() == trial.quality


def test_what_is_charged_for_pretrainings_was_spent_on_them() -> None:
    data = generated(1000, n_epochs=12, n_layers=0)
    charged = total_j(trial.energy_j for trial in data.trials)
    assert charged == pytest.approx(total_j(trial.energy_spent_j for trial in data.trials), rel=1e-3)


@pytest.mark.parametrize("n_epochs", [2, 10, 12])
def test_a_pretraining_leaves_an_epoch_for_the_training(n_epochs: int) -> None:
    data = generated(40, n_epochs=n_epochs, n_layers=0)
    assert {len(trial.trajectory) for trial in data.trials} == {n_epochs}
    assert {trial.trajectory[-1].phase for trial in data.trials} == {"supervised"}
    assert {trial.pretraining.epochs for trial in data.trials if trial.pretraining} == {min(10, n_epochs - 1)}


def test_it_has_everything_that_a_report_shows(data: StudyData) -> None:
    found = summarise(data)
    assert {trial.state for trial in data.trials} == {State.COMPLETE, State.FAIL}
    assert len(found.front) > 3
    assert found.recommendations.primary is not None
    assert found.factors is not None
    assert found.layers is not None
    assert found.drift is not None
    assert found.paradigms.break_even
    assert found.paradigms.amortisation is not None


def test_a_store_gives_back_what_was_written(data: StudyData, tmp_path: Path) -> None:
    write_store(data, tmp_path / "study")
    with StudyStore.open_to_read(tmp_path / "study") as store:
        assert store.data() == data
        trials = store.study.get_trials(deepcopy=False)
    assert [trial.number for trial in trials] == [record.number for record in data.trials]
    assert [trial.params for trial in trials] == [record.params for record in data.trials]
    assert [trial.values for trial in trials] == [
        [record.quality, record.energy_j] if record.state is State.COMPLETE else None for record in data.trials
    ]
