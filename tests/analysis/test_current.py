"""Of a run that was done again one record counts, everywhere but in the ledger."""

import msgspec
import pytest

from sweep.analysis.current import current, superseded
from sweep.analysis.drift import drift
from sweep.analysis.heat import heat_tables
from sweep.analysis.layers import setup_layers
from sweep.analysis.recommend import recommend
from sweep.analysis.setups import setups
from sweep.analysis.summary import summarise
from sweep.analysis.tables import trials_frame
from sweep.records import StopReason, TrialRecord
from tests.factories import repeats, study, trial
from tests.layer_factories import with_layers


def _numbers(records: list[TrialRecord]) -> list[int]:
    return [record.number for record in current(study(records))]


def test_the_redo_of_a_disturbed_trial_stands_for_it() -> None:
    records = [trial(0, contaminated=True), trial(1, {"lr": 9.0}), trial(2)]
    assert _numbers(records) == [1, 2]
    assert superseded(study(records)) == {0: 2}


def test_a_clean_trial_is_not_replaced_by_a_later_disturbed_one() -> None:
    assert superseded(study([trial(0), trial(1, contaminated=True)])) == {1: 0}


@pytest.mark.parametrize("disturbed", [True, False])
def test_of_equals_the_latest_stands(disturbed: bool) -> None:
    records = [trial(number, contaminated=disturbed) for number in (5, 0, 3)]
    assert _numbers(records) == [5]


def test_runs_of_other_params_or_another_repeat_do_not_meet() -> None:
    records = [trial(0, {"a": 1, "b": 2}), trial(1, {"a": 1, "b": 2}, repeat=1), trial(2, {"a": 1, "b": 3})]
    assert superseded(study(records)) == {}
    assert superseded(study([*records, trial(3, {"b": 2, "a": 1}, repeat=1)])) == {1: 3}


@pytest.mark.parametrize("reason", [StopReason.CRASHED, StopReason.DIVERGED, StopReason.INTERRUPTED])
def test_a_redo_that_failed_replaces_nothing_and_is_not_replaced(reason: StopReason) -> None:
    records = [trial(0, contaminated=True), trial(1, stop_reason=reason)]
    assert _numbers(records) == [0, 1]


def test_a_record_that_does_not_know_its_load_counts_as_clean() -> None:
    unknown = msgspec.structs.replace(trial(0), load=None)
    assert superseded(study([unknown, trial(1, contaminated=True)])) == {1: 0}


class TestEverywhere:
    """A disturbed first run that looks five times as good at a fifth of the joules, done again."""

    first = trial(0, {"lr": 0.1}, qualities=(0.99,), epoch_j=1.0, contaminated=True)
    redo = trial(2, {"lr": 0.1}, qualities=(0.5,), epoch_j=100.0)
    other = trial(1, {"lr": 0.2}, qualities=(0.7,), epoch_j=50.0)
    data = study([first, other, redo])

    def test_setups_average_the_redo_alone(self) -> None:
        redone = setups(self.data)[0]
        assert redone.numbers == (2,)
        assert (redone.superseded, redone.contaminated) == ((0,), ())
        assert redone.final is not None
        assert (redone.final.quality, redone.final.energy_j, redone.final.n) == (0.5, 100.0, 1)

    def test_it_is_neither_recommended_nor_tested(self) -> None:
        found = recommend(self.data)
        assert found.primary is not None
        assert found.primary.point.trials == (1,)
        assert found.to_test == ((1, 1),)

    def test_heat_tables_leave_it_out(self) -> None:
        (table,) = heat_tables(self.data, lambda record: record.quality)
        assert table.values.tolist() == [[0.5, 0.7]]

    def test_drift_and_layers_leave_it_out(self) -> None:
        records = [with_layers(record) for record in repeats({"lr": 0.1}, [(0.5,) * 5] * 2) if record.repeat == 0]
        redo = msgspec.structs.replace(records[0], number=7)
        data = study([*records, redo])
        found = drift(data)
        assert found is not None
        assert {run.number for run in found.runs} == {7}
        layers = setup_layers(data, None)
        assert layers is not None
        assert layers.numbers == (7,)

    def test_the_ledger_counts_the_joules_of_both(self) -> None:
        assert summarise(self.data).ledger.trials_j == 151.0
        assert summarise(self.data).ledger.completed_j == 151.0

    def test_trials_csv_shows_both_and_which_stands(self) -> None:
        frame = trials_frame(self.data)
        assert list(frame["number"]) == [0, 1, 2]
        assert frame["superseded_by"].to_list() == [2, None, None]
