"""Notes for the dashboard."""

import msgspec

from sweep.analysis.summary import summarise
from sweep.records import Steadiness, StopReason, TestResult
from sweep.report.notes import study_note, trial_note
from tests.energy_factories import CLOUD, CLOUD_LABEL, disturbed, divided, sensed, with_gap
from tests.factories import nasty, sixteen, study, trial


def test_the_study_note_recommends_and_says_how_the_fronts_differ() -> None:
    note = study_note(summarise(sixteen(3)))
    assert "1024 instead of 64 saves" in note
    assert "of ends of runs" in note
    assert "of whole trajectories" in note


def test_a_trial_note_tells_its_end_its_cost_and_its_test() -> None:
    data = study([trial()], tests=[TestResult(number=0, epoch=3, weights_epoch=3, quality=0.75)])
    note = trial_note(data, data.trials[0])
    assert "Ended by early stopping after 3 epochs: accuracy 80.0 % at epoch 3, 30.0 J (modelled)." in note
    assert "On test data, weights of epoch 3: 75.0 %." in note


def test_notes_say_whose_joules_are_added_and_where_they_come_from() -> None:
    label = CLOUD_LABEL
    data = sensed(study([trial(epoch_j=100.0)]), CLOUD)
    assert f": {label}.\n" in study_note(summarise(data))
    note = trial_note(data, data.trials[0])
    assert "300 J (measured + modelled)" in note
    assert f"Energy is {label}." in note
    assert (
        "- gpu:0 (whole device, measured): 180 J, 108 J above idle, 185 J by mean polled power times duration\n" in note
    )
    assert "- cpu:process (this process, modelled): 90.0 J, 54.0 J above idle\n" in note


def test_a_trial_note_tells_what_its_joules_are_worth() -> None:
    record = disturbed(with_gap(divided(trial()), "dram:0", 0.5, 1.0), "[a game]", domains=["gpu:0"])
    record = msgspec.structs.replace(record, steadiness=Steadiness(drift_rel=-0.2, u_rel=0.01, steady=False))
    note = trial_note(sensed(study([record])), record)
    assert "0.50 s of it bridged" in note
    assert "- psys:0 (whole device, measured): 60.0 J, not in the total" in note
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
    assert note.startswith("Crashed after ")
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
