"""What the joules rest on, as rows and in words."""

import msgspec
import pytest

from sweep.analysis.basis import Disturbed, Range, basis
from sweep.analysis.basis_words import basis_sentences, disturbance, mixture_sentences
from sweep.records import Steadiness, StopReason, StudyData, TrialRecord
from tests.energy_factories import CLOUD, CLOUD_LABEL, SERVER, disturbed, divided, idle, sensed, with_gap, with_idle
from tests.factories import sixteen, study, trial


def _study(*trials: TrialRecord) -> StudyData:
    """Trials that are already divided among the server's domains."""
    return msgspec.structs.replace(
        study(trials), study=msgspec.structs.replace(study(trials).study, domains=list(SERVER))
    )


def _trial(number: int, *, drift_rel: float = 0.0) -> TrialRecord:
    record = divided(trial(number, {"lr": float(number)}, epoch_j=100.0))
    steadiness = Steadiness(drift_rel=drift_rel, u_rel=0.01, steady=abs(drift_rel) <= 0.05)
    return msgspec.structs.replace(record, steadiness=steadiness)


def _said(data: StudyData, words: str) -> str:
    """The one sentence with these words."""
    (sentence,) = [item for item in basis_sentences(basis(data)) if words in item]
    return sentence


def test_the_first_sentence_is_the_label_and_a_mixture_is_said() -> None:
    found = basis(sensed(sixteen(1), CLOUD))
    assert found.label == CLOUD_LABEL
    assert basis_sentences(found)[0] == f"Energy is {CLOUD_LABEL}."
    provenance, scope = mixture_sentences(found)
    assert "not a measured one" in provenance
    assert "whole devices, whoever used them, to joules of this process alone" in scope


def test_alike_joules_are_no_mixture() -> None:
    assert not list(mixture_sentences(basis(sensed(sixteen(1), SERVER))))
    assert not list(mixture_sentences(basis(sixteen(1))))


def test_a_record_of_version_2_has_a_basis_without_claims() -> None:
    found = basis(sixteen(1))
    assert basis_sentences(found) == ("Energy is cpu:process (modelled).",)


def test_gaps_tell_their_seconds_and_what_they_did_to_the_uncertainty() -> None:
    data = _study(_trial(0), with_gap(_trial(1), "gpu:0", 0.75, 9.0))
    (row,) = basis(data).gaps
    assert (row.number, row.domain, row.gap_s, row.share) == (1, "gpu:0", 0.75, 0.5)
    assert row.u_random_j == 9.0
    assert row.u_ungapped_j == pytest.approx(0.01 * 180.0)
    assert _said(data, "Holes").startswith(
        "Holes in the counters were bridged in trial 1, at most 0.75 s (gpu:0, trial 1)"
    )


def test_gaps_of_failed_trials_count_too() -> None:
    failed = with_gap(divided(trial(0, stop_reason=StopReason.CRASHED)), "gpu:0", 0.5, 1.0)
    assert [row.number for row in basis(_study(failed)).gaps] == [0]


def test_disturbed_trials_say_why_in_which_domains_and_what_to_run() -> None:
    data = _study(disturbed(_trial(0), "a game", "a build", domains=["gpu:0", "package:0"]), _trial(1))
    (row,) = basis(data).disturbed
    assert row == Disturbed(0, ("gpu:0", "package:0"), ("a game", "a build"), None, 0.25)
    assert disturbance(row) == "a game; a build"
    assert _said(data, "disturbed") == (
        "Other programs disturbed trial 0, and their joules are in gpu:0, package:0: "
        "study.redo=contaminated does them again."
    )


def test_an_old_record_knows_only_that_it_waited() -> None:
    (row,) = basis(study([trial(contaminated=True)])).disturbed
    assert disturbance(row) == "it waited 40 % of its time"
    assert disturbance(row._replace(wait_share=None)) == "the reason was not recorded"


def test_a_trial_that_was_done_again_is_no_longer_disturbed() -> None:
    redo = msgspec.structs.replace(_trial(0), number=1)
    data = _study(disturbed(_trial(0), "a game"), redo)
    found = basis(data)
    assert (found.disturbed, found.superseded) == ((), {0: 1})
    assert _said(data, "Done again").endswith("trial 0. The ledger counts their joules.")


def test_unsteady_trials_come_worst_first() -> None:
    data = _study(_trial(0, drift_rel=0.08), _trial(1), _trial(2, drift_rel=-0.2))
    found = basis(data)
    assert [number for number, _ in found.unsteady] == [2, 0]
    assert _said(data, "steady") == (
        "Power was not steady in 2 of 3 trials long enough to tell: it changed by -20 % from the first to the last "
        "third of trial 2."
    )
    assert _said(_study(_trial(0)), "steady") == "Power was steady in all of 1 trial long enough to tell."


def test_sensors_have_their_range_over_the_trials() -> None:
    gpu = next(row for row in basis(sensed(sixteen(1))).sensors if row.domain == "gpu:0")
    assert (gpu.n, gpu.temperature_start_c, gpu.temperature_max_c) == (16, Range(40.0, 55.0), Range(60.0, 75.0))
    assert basis(sixteen(1)).sensors == ()


def test_idle_power_that_moved_is_unknown_or_stayed_is_said() -> None:
    before = [idle("package:0", 10.0), idle("dram:0", None, quiet=False, reason="a build ran"), idle("gpu:0", 30.0)]
    after = [idle("package:0", 15.0), idle("dram:0", 2.0), idle("gpu:0", 30.5)]
    data = with_idle(sensed(sixteen(1)), before, after)
    assert _said(data, "package:0 rose").startswith(
        "Idle power of package:0 rose by 50 %, from 10.0 W ± 0.1 before the study to 15.0 W ± 0.1 after it"
    )
    assert _said(data, "not known") == "Idle power of dram:0 is not known from before the study: a build ran."
    assert _said(data, "the same") == (
        "Idle power of gpu:0 was the same before and after the study within 10 % or two standard uncertainties."
    )
    assert _said(data, "was not measured") == "Idle power of psys:0 was not measured."


def test_equation_1_is_told_for_each_domain() -> None:
    said = _said(sensed(sixteen(1), CLOUD), "equation 1")
    assert (
        said == "Mean polled power times duration (equation 1), against the counter: gpu:0 +3.0 % (SD 0.0, 16 trials)."
    )
