"""Which dimension to tune first, where that is planted."""

from sweep.analysis.recommendation import Against, Kind, Recommendation
from sweep.analysis.summary import summarise
from sweep.records import StudyData
from tests.factories import repeats, sixteen, study


def _advice(data: StudyData) -> tuple[Recommendation, ...]:
    return summarise(data).recommendations.of(Kind.DIMENSION)


def _grid(rate_matters: bool) -> StudyData:
    """Batch size halves the joules at equal quality; the learning rate takes a third off, or nothing."""
    records = []
    for batch_size in (64, 1024):
        for lr in (0.1, 0.01):
            joules = (100.0 if batch_size == 64 else 50.0) * (0.7 if rate_matters and lr == 0.01 else 1.0)
            costs = [joules * step for step in (0.99, 1.0, 1.01)]
            params = {"batch_size": batch_size, "lr": lr}
            records += repeats(params, [(0.9,), (0.905,), (0.91,)], first=len(records), epoch_j=costs)
    return study(records)


def test_the_dimension_that_rules_the_energy_comes_first_with_its_direction_and_saving() -> None:
    first, second = _advice(_grid(rate_matters=True))
    assert first.action.startswith("Tune batch_size first, towards larger values: it explains")
    assert "batch_size 1024 instead of 64 saves 50.0 % ± 0.9 " in first.action
    assert second.action.startswith("Then tune lr, towards smaller values: it explains")
    assert first.against is Against.OTHER_VALUE
    assert first.change["search.space.batch_size"] == [1024]
    assert len(first.evidence) == 6


def test_a_dimension_that_changes_nothing_is_not_told() -> None:
    (only,) = _advice(_grid(rate_matters=False))
    assert "Tune batch_size first" in only.action


def test_a_saving_that_costs_quality_is_not_told() -> None:
    told = [item.action for item in _advice(sixteen(3))]
    assert len(told) == 1
    assert "batch_size 1024 instead of 64" in told[0]  # lr 0.0001 costs more, but is far worse


def test_a_value_without_an_order_is_named() -> None:
    records = repeats({"norm": "batch"}, [(0.9,), (0.905,), (0.91,)], epoch_j=(99.0, 100.0, 101.0))
    records += repeats({"norm": "none"}, [(0.9,), (0.905,), (0.91,)], first=3, epoch_j=(49.0, 50.0, 51.0))
    (only,) = _advice(study(records))
    assert only.action.startswith("Tune norm first, towards none:")


def test_without_a_full_grid_nothing_is_claimed() -> None:
    data = _grid(rate_matters=True)
    kept = [trial for trial in data.trials if trial.params != {"batch_size": 64, "lr": 0.1}]
    assert _advice(study(kept, dimensions=data.study.dimensions)) == ()
