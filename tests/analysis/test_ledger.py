"""The ledger adds up, and unknown joules stay unknown."""

import math

import pytest

from sweep.analysis.ledger import ledger
from sweep.analysis.recommend import Kind, recommend
from sweep.analysis.summary import summarise
from sweep.records import SessionRecord, StopReason
from tests.factories import DOMAIN, repeats, session, sixteen, study, trial


def test_the_parts_of_a_session_sum_to_its_total() -> None:
    result = summarise(sixteen(2)).ledger
    assert result.trials_j is not None
    assert result.test_j is not None
    assert result.overhead_j is not None
    assert result.total_j == pytest.approx(result.trials_j + result.test_j + result.overhead_j)
    assert (result.test_j, result.overhead_j) == (5.0, pytest.approx(20.0))


def test_trials_of_a_killed_session_are_counted_and_imported_ones_are_not() -> None:
    counted, lost = trial(0, epoch_j=10.0), trial(1, epoch_j=100.0)
    imported = trial(2, epoch_j=1000.0, imported_from="elsewhere")
    data = study([counted, lost, imported], sessions=[session([counted])])
    result = ledger(data, recommend(data))
    assert (result.uncounted_j, result.imported_j) == (300.0, 3000.0)
    assert result.total_j == pytest.approx(30 + 5 + 20 + 300)


def test_failed_trials_cost_too() -> None:
    records = [trial(0), trial(1, epoch_j=7.0, stop_reason=StopReason.CRASHED)]
    assert summarise(study(records)).ledger.failed_j == 21.0


def test_unknown_joules_make_the_sums_unknown_not_smaller() -> None:
    result = summarise(study([trial(0), trial(1, epoch_j=None)])).ledger
    assert result.trials_j is None
    assert result.overhead_j is None
    assert result.total_j is None
    assert result.test_j == 5.0


def test_nothing_run_is_not_zero_joules() -> None:
    assert summarise(study([])).ledger.total_j is None


def test_a_domain_that_is_not_additive_stays_out() -> None:
    data = sixteen(1)
    first = data.sessions[0]
    doubled = SessionRecord(
        started_at=first.started_at,
        command=first.command,
        duration_s=first.duration_s,
        energy_j=first.energy_j | {"psys": 1e9},
        trials_j=first.trials_j | {"psys": 1e9},
        test_j=first.test_j | {"psys": 1e9},
        trials=first.trials,
    )
    psys = data.study.domains[0].__class__(
        name="psys", provenance=data.study.domains[0].provenance, scale_u_rel=0.1, random_u_rel=0.1, additive=False
    )
    wider = study(data.trials, sessions=[doubled])
    wider.study.domains.append(psys)
    assert summarise(wider).ledger.total_j == pytest.approx(first.energy_j[DOMAIN])


def test_the_search_pays_for_itself_after_the_trainings_that_cover_it() -> None:
    summary = summarise(sixteen(2))
    first = summary.ledger.payback[0]
    assert first.reference is Kind.MOST_ACCURATE
    assert first.trainings is not None
    assert first.saving_j is not None
    assert summary.ledger.total_j is not None
    assert first.trainings * first.saving_j >= summary.ledger.total_j
    assert (first.trainings - 1) * first.saving_j < summary.ledger.total_j
    assert math.isfinite(first.saving_j)


def test_without_a_saving_it_never_pays_for_itself_and_says_why() -> None:
    (payback,) = summarise(study(repeats({"lr": 0.1}, [(0.8,), (0.8,)]))).ledger.payback
    assert payback.trainings is None
    assert payback.reason is not None
    assert "most accurate setup itself" in payback.reason
