"""What Optuna dashboard is given: read back through its own functions."""

from pathlib import Path

import msgspec
import optuna
import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects

from sweep.observer import Drawing, File, StudyView, TrialView
from sweep.records import TrialRecord
from sweep.study import views
from sweep.study.store import StudyStore
from tests.factories import trial

LONG = "ä *line* of a note\n" * 500
TABLE = File("layers.csv", "text/csv", b"a,b\n1,2\n")


@pytest.fixture
def store(tmp_path: Path) -> StudyStore:
    return StudyStore.create(tmp_path / "study", "study", "accuracy")


def asked(store: StudyStore) -> optuna.Trial:
    return store.study.ask({"lr": optuna.distributions.CategoricalDistribution([0.1])})


def names(store: StudyStore, number: int = 0) -> list[str]:
    found = get_all_artifact_meta(store.trials()[number], storage=store.storage)
    return sorted(meta.filename for meta in found)


@pytest.mark.parametrize("note", ["short", LONG, ""])
def test_the_dashboard_reads_the_note_of_a_trial_whole(store: StudyStore, note: str) -> None:
    opened = asked(store)
    store.save_trial(opened, trial(), TrialView(note))
    assert get_note(opened) == note


def test_a_note_can_be_told_again_after_the_trial_has_ended_even_a_shorter_one(store: StudyStore) -> None:
    opened = asked(store)
    store.save_trial(opened, trial(), TrialView(LONG))
    store.retell(0, "On test data: 75.0 %.")
    assert get_note(opened) == "On test data: 75.0 %."


def test_files_stand_beside_the_trial_with_their_content(store: StudyStore) -> None:
    store.save_trial(asked(store), trial(), TrialView("", (TABLE,)))
    assert names(store) == ["layers.csv", "trial-0.json"]
    found = get_all_artifact_meta(store.trials()[0], storage=store.storage)
    table = next(meta for meta in found if meta.filename == "layers.csv")
    assert table.mimetype == "text/csv"
    assert (store.folder / "artifacts" / table.artifact_id).read_bytes() == TABLE.content


def test_a_kill_between_record_and_note_leaves_nothing_out_and_nothing_twice(
    store: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = File("learning_curve.svg", "image/svg+xml", b"<svg/>")
    upload = views.upload

    def killed(owner: object, artifacts: object, file: File) -> str:
        if file is picture:
            raise KeyboardInterrupt
        return upload(owner, artifacts, file)  # type: ignore[arg-type]

    view = TrialView("the note", (TABLE, picture))
    opened = asked(store)
    with monkeypatch.context() as patch:
        patch.setattr(views, "upload", killed)
        with pytest.raises(KeyboardInterrupt):
            store.save_trial(opened, trial(), view)
    assert store.recover(lambda record: view) == {}
    assert names(store) == ["layers.csv", "learning_curve.svg", "trial-0.json"]
    assert store.trials()[0].values == [0.8, 30.0]
    assert get_note(store._trial(store.trials()[0])) == "the note"


def test_figures_are_replaced_by_name(store: StudyStore) -> None:
    store.show(StudyView("first", (Drawing("layers", '{"data":[%s]}' % ",".join(["1"] * 3000)),)))  # noqa: UP031
    store.show(StudyView("second", (Drawing("layers", '{"data":[2]}'), Drawing("break_even", "{}"))))
    saved = store.storage.get_study_system_attrs(store.study._study_id)
    assert get_plotly_graph_objects(saved) == {"layers": '{"data":[2]}', "break_even": "{}"}
    assert get_note(store.study) == "second"


def test_the_number_of_redrawings_does_not_make_the_study_larger(store: StudyStore) -> None:
    def rows() -> int:
        return len(store.storage.get_study_system_attrs(store.study._study_id))

    store.show(StudyView(LONG, (Drawing("layers", "x" * 30_000),)))
    before = rows()
    for index in range(5):
        store.show(StudyView(f"{LONG}{index}", (Drawing("layers", f"{index}" * 30_000),)))
    assert rows() == before


def test_a_note_reads_nothing_of_other_trials(store: StudyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(store.storage), "get_study_system_attrs", lambda *_: pytest.fail("the study was read"))
    opened = [asked(store) for _ in range(12)]  # the keys of trial 1 begin like those of trials 10 to 12
    for trial_ in opened:
        views.show_trial(trial_, store._artifacts, TrialView(f"note of {trial_.number}, {LONG}"))
    views.show_note(store.study, "short", opened[0]._trial_id)
    store.show(StudyView("of the study"))
    monkeypatch.undo()
    assert get_note(opened[0]) == "short"
    assert [get_note(trial_) for trial_ in opened[1:]] == [f"note of {n}, {LONG}" for n in range(1, 12)]
    assert get_note(store.study) == "of the study"


def test_a_figure_is_never_half_written(store: StudyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def attributes() -> dict[str, object]:
        return dict(store.storage.get_study_system_attrs(store.study._study_id))

    store.show(StudyView("first", (Drawing("layers", "1" * 10_000),)))
    before = attributes()

    monkeypatch.setattr(views.json, "dumps", lambda item: 1 / 0 if item == "2" * 2045 else repr(item))
    with pytest.raises(ZeroDivisionError):
        store.show(StudyView("second", (Drawing("layers", "2" * 10_000),)))
    monkeypatch.undo()
    assert attributes() == before


def test_a_note_that_changed_counts_its_version_up(store: StudyStore) -> None:
    """By which the dashboard sees that what a user edits is out of date."""
    for version in (1, 2, 3):
        store.show(StudyView(f"version {version}"))
        assert store.storage.get_study_system_attrs(store.study._study_id)["dashboard:note_ver"] == version


def test_attributes_have_readable_names_and_units() -> None:
    record: TrialRecord = msgspec.structs.replace(trial(), energy_dynamic_j=12.0)
    shown = views.attributes(record)
    assert shown["stop reason"] == "early stopping"
    assert shown["energy of cpu:process (J)"] == 30.0
    assert shown["energy above idle (J)"] == 12.0
    assert shown["provenance of cpu:process"] == "modelled"
    for name, value in shown.items():
        assert "_" not in name
        assert not isinstance(value, float) or name.endswith((" (J)", " (s)")), name
