"""Growth of the front over the search: the staircase against the definition, and what enters it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.analysis.hypervolume import Growth, Staircase, growth
from sweep.analysis.pareto import hypervolume
from sweep.analysis.setups import setups
from sweep.records import StopReason, TrialRecord
from tests.factories import sixteen, study, trial

COORDINATES = st.floats(0.0, 10.0).map(lambda item: round(item, 1))


def _growth(*records: TrialRecord) -> Growth | None:
    """Of trials that began at hours 0, 1, 2 ..."""
    hours = [msgspec.structs.replace(item, started_at=f"2025-01-02T{at:02d}:00:00") for at, item in enumerate(records)]
    data = study(hours)
    return growth(data, setups(data))


@given(st.lists(st.tuples(COORDINATES, COORDINATES), max_size=30))
def test_the_staircase_is_the_definition_after_each_point(points: list[tuple[float, float]]) -> None:
    reference = (1.0, 9.0)
    stairs = Staircase(reference)
    for n, point in enumerate(points, start=1):
        stairs.add(*point)
        so_far = points[:n]
        expected = hypervolume([q for q, _ in so_far], [e for _, e in so_far], reference)
        assert stairs.area == pytest.approx(expected, abs=1e-9)


def test_two_trials_of_known_area() -> None:
    """Of the box 0.4 x 30 J the first trial covers 0.2 x 10, the second 0.4 x 15."""
    found = _growth(
        trial(0, {"lr": 1.0}, qualities=(0.5, 0.7, 0.8), epoch_j=10.0),
        trial(1, {"lr": 2.0}, qualities=(0.9,), epoch_j=15.0),
    )
    assert found is not None
    assert found.reference == (0.5, 30.0)
    assert found.best == 0.9
    assert [step.spent_j for step in found.steps] == [30.0, 45.0]
    assert [step.share for step in found.steps] == pytest.approx([0.2 * 10.0 / 12.0, 0.4 * 15.0 / 12.0])
    assert found.reached.number == 1


def test_trials_count_in_the_order_of_their_ends() -> None:
    late = msgspec.structs.replace(trial(0, {"lr": 1.0}), duration_s=4000.0)
    early = trial(1, {"lr": 2.0}, qualities=(0.4, 0.6))
    found = _growth(late, early)
    assert found is not None
    assert [step.number for step in found.steps] == [1, 0]


def test_failed_trials_cost_joules_and_add_nothing() -> None:
    failed = trial(1, {"lr": 2.0}, qualities=(0.99,), stop_reason=StopReason.DIVERGED)
    found = _growth(trial(0, {"lr": 1.0}), failed)
    assert found is not None
    assert [step.spent_j for step in found.steps] == [30.0, 40.0]
    assert found.steps[0].share == found.steps[1].share
    assert found.best == 0.8


def test_imported_records_cost_this_search_nothing_and_unknown_ones_are_left_out() -> None:
    imported = trial(0, {"lr": 1.0}, imported_from="old")
    unknown = trial(1, {"lr": 2.0}, epoch_j=None)
    found = _growth(imported, unknown, trial(2, {"lr": 3.0}))
    assert found is not None
    assert [step.spent_j for step in found.steps] == [0.0, 30.0]
    assert found.n_unknown == 1


def test_epochs_of_a_planned_schedule_are_no_points() -> None:
    whole = trial(0, {"lr": 1.0}, qualities=(0.5, 0.9), prefix_is_run=False)
    single = trial(1, {"lr": 2.0}, qualities=(0.6,), epoch_j=5.0), trial(2, {"lr": 3.0}, qualities=(0.8,))
    found = _growth(whole, *single)
    assert found is not None
    assert found.reference == (0.6, 20.0)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [trial(0, qualities=(0.5,))],
        [trial(0, qualities=(0.5, 0.6))],
        [trial(0, epoch_j=0.0)],
        [trial(0, epoch_j=None)],
    ],
    ids=["none", "one point", "on the edge", "no joules", "unknown joules"],
)
def test_without_an_area_there_is_no_growth(records: list[TrialRecord]) -> None:
    assert _growth(*records) is None


def test_it_never_falls() -> None:
    data = sixteen(2)
    found = growth(data, setups(data))
    assert found is not None
    shares = [step.share for step in found.steps]
    assert shares == sorted(shares)
    assert 0.0 < shares[-1] <= 1.0
