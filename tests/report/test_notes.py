"""Notes for the dashboard."""

import msgspec
import pytest

from sweep.analysis.summary import summarise
from sweep.records import (
    ActivityEnergy,
    DomainEnergy,
    Pretraining,
    Provenance,
    Steadiness,
    StopReason,
    TestResult,
)
from sweep.report.notes import study_note, trial_note
from tests.energy_factories import CLOUD, CLOUD_LABEL, disturbed, divided, sensed, with_gap
from tests.factories import nasty, sixteen, study, trial


def test_the_study_note_recommends_and_says_how_the_fronts_differ() -> None:
    note = study_note(summarise(sixteen(3)))
    assert "1024 instead of 64 saves" in note
    assert "of ends of runs" in note
    assert "of whole trajectories" in note


def test_a_trial_note_tells_its_end_its_cost_and_its_test() -> None:
    data = study([trial(random_u_rel=0.05)], tests=[TestResult(number=0, epoch=3, weights_epoch=3, quality=0.75)])
    note = trial_note(data, data.trials[0])
    assert "Ended by early stopping after 3 epochs: accuracy 80.0 % at epoch 3, 30.0 J ± 1.50 J (modelled)." in note
    assert "On test data, weights of epoch 3: 75.0 %." in note


def test_a_trial_note_begins_with_what_the_trial_was() -> None:
    params = {"batch_size": 64, "trainer.lr": 0.1}
    record = msgspec.structs.replace(trial(params=params, repeat=1), paradigm="multitask")
    first = trial_note(study([record]), record).splitlines()[0]
    assert first == r"**batch\_size 64, trainer.lr 0.1**, paradigm multitask; run 2 of this setup, seed 1000."


def test_a_trial_note_has_a_table_of_phases_and_domains_that_sums_to_what_was_spent() -> None:
    parts = [
        ActivityEnergy(phase=phase, activity=activity, duration_s=duration_s, energy_j={"gpu:0": a, "dram:0": b})
        for phase, activity, duration_s, a, b in (
            ("pretraining", "train", 2.0, 100.0, 5.0),
            ("supervised", "validation", 1.0, 40.0, None),
        )
    ]
    gpu = DomainEnergy(energy_j=140.0, provenance=Provenance.MEASURED, u_scale_j=1.0, u_random_j=2.0)
    dram = msgspec.structs.replace(gpu, energy_j=None, u_random_j=None)
    record = msgspec.structs.replace(trial(), activities=parts, domains={"gpu:0": gpu, "dram:0": dram})
    table = [line for line in trial_note(study([record]), record).splitlines() if line.startswith("|")]
    assert table == [
        "| phase | time | gpu:0 | dram:0 | total |",
        "| --- | --: | --: | --: | --: |",
        "| pretraining: train | 2.00 s | 100 J | 5.00 J | 105 J |",
        "| supervised: validation | 1.00 s | 40.0 J | unknown | unknown |",
    ]
    assert "- gpu:0 (measured): 140 J ± 2.00 J\n- dram:0 (measured): unknown\n" in trial_note(study([record]), record)


def test_a_domain_outside_of_the_total_stays_out_of_the_column_of_totals() -> None:
    parts = [ActivityEnergy(phase="a", activity="train", duration_s=1.0, energy_j={"package:0": 10.0, "psys:0": 99.0})]
    inside = DomainEnergy(energy_j=10.0, provenance=Provenance.MEASURED, u_scale_j=None, u_random_j=None)
    outside = msgspec.structs.replace(inside, energy_j=99.0, additive=False)
    record = msgspec.structs.replace(trial(), activities=parts, domains={"package:0": inside, "psys:0": outside})
    assert "| a: train | 1.00 s | 10.0 J | 99.0 J | 10.0 J |" in trial_note(study([record]), record)


@pytest.mark.parametrize(
    ("reused", "shares", "told"),
    [
        (
            False,
            1.0,
            "60.0 J in 12 epochs here; the trial is charged with all of it. Spent in the trial itself: 30.0 J.",
        ),
        (True, 10.0, "60.0 J in 12 epochs in trial 3; the trial is charged with one part in 10 of it. Spent"),
    ],
)
def test_a_trial_note_tells_a_shared_pretraining_apart_from_what_was_spent(
    reused: bool, shares: float, told: str
) -> None:
    shared = Pretraining(
        key="k", number=3, reused=reused, energy_j=60.0, energy_u_random_j=None, epochs=12, duration_s=1.0
    )
    record = msgspec.structs.replace(trial(), pretraining=shared, pretraining_shares=shares)
    assert told in trial_note(study([record]), record)


def test_notes_say_whose_joules_are_added_and_where_they_come_from() -> None:
    label = CLOUD_LABEL
    data = sensed(study([trial(epoch_j=100.0)]), CLOUD)
    assert f": {label}.\n" in study_note(summarise(data))
    note = trial_note(data, data.trials[0])
    assert "300 J ± 0 J (measured + modelled)" in note
    assert f"Energy is {label}." in note
    gpu = "180 J ± 1.80 J, 108 J above idle, 185 J by mean polled power times duration"
    assert f"- gpu:0 (whole device, measured): {gpu}\n" in note
    assert "- cpu:process (this process, modelled): 90.0 J ± 900 mJ, 54.0 J above idle\n" in note


def test_a_trial_note_tells_what_its_joules_are_worth() -> None:
    record = disturbed(with_gap(divided(trial()), "dram:0", 0.5, 1.0), "[a game]", domains=["gpu:0"])
    record = msgspec.structs.replace(record, steadiness=Steadiness(drift_rel=-0.2, u_rel=0.01, steady=False))
    note = trial_note(sensed(study([record])), record)
    assert "0.50 s of it bridged" in note
    assert "- psys:0 (whole device, measured): 60.0 J ± 600 mJ, not in the total" in note
    assert r"Other programs disturbed it: \[a game\]." in note
    assert "Its power was not steady: -20 % from its first to its last third." in note


def test_a_failed_and_a_disturbed_trial_say_so() -> None:
    records = [trial(0, stop_reason=StopReason.DIVERGED, message="loss is nan"), trial(1, contaminated=True)]
    data = study(records)
    assert "loss is nan" in trial_note(data, records[0])
    assert "not on the front" in trial_note(data, records[0])
    assert "waited 40 % of its time" in trial_note(data, records[1])


def test_a_traceback_keeps_its_lines_and_nothing_in_it_is_markup() -> None:
    message = "ValueError: <b>\n\nTraceback:\n  File x\n```\n# no heading"
    record = trial(0, stop_reason=StopReason.CRASHED, message=message)
    note = trial_note(study([record]), record)
    assert "\n\nCrashed after 3 epochs: " in note
    shown = note.split("\n\n    ", 1)[1].split("\n\nIts joules")[0]
    assert all(line.startswith("    ") for line in shown.splitlines()[1:])
    assert [line.removeprefix("    ") for line in shown.splitlines()] == message.splitlines()


def test_a_traceback_does_not_stand_in_a_list() -> None:
    record = trial(0, stop_reason=StopReason.CRASHED, message="ValueError")
    before = trial_note(study([record]), record).split("\n\n    ", 1)[0]
    assert not before.rsplit("\n\n", 1)[1].startswith("-")  # markdown would take it for a part of the item


def test_names_are_text() -> None:
    data = nasty()
    for note in (study_note(summarise(data)), *(trial_note(data, record) for record in data.trials)):
        note = "\n".join(line for line in note.splitlines() if not line.startswith("    "))  # code is shown as it is
        assert "<script" not in note
        assert "[red]" not in note.replace(r"\[red\]", "")
