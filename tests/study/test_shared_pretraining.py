"""Studies of several paradigms: a pretraining is trained once, spent once, and charged to each trial that uses it."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from sweep.__main__ import main
from sweep.config import pretraining_shares
from sweep.errors import ConfigError
from sweep.records import StudyData, TrialRecord
from sweep.study.store import StudyStore

THREE = [
    "+paradigm@paradigms.pretrain_frozen=pretrain_frozen",
    "+paradigm@paradigms.pretrain_finetune=pretrain_finetune",
    "search.space.paradigm=[baseline,pretrain_frozen,pretrain_finetune]",
]
QUICK = [
    "objective=custom",
    "objective._target_=encoded_tasks.Pairs",
    "trainer.max_epochs=3",
    "search.space.batch_size=[16,64]",
    "search.space.lr=[0.01]",
    "study.name=s",
]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study of three paradigms has run."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*QUICK, *THREE]) == 0
    return folder


@pytest.fixture
def three(once: Path) -> None:
    """A copy of it here."""
    shutil.copytree(once / "reports", "reports")


def data(name: str = "s") -> StudyData:
    with StudyStore.open_to_read(Path("reports") / name) as store:
        return store.data()


def by_paradigm(trials: list[TrialRecord], batch_size: int) -> dict[str, TrialRecord]:
    return {t.paradigm: t for t in trials if t.params["batch_size"] == batch_size}


@pytest.mark.usefixtures("three")
def test_a_pretraining_is_trained_once_for_each_setup_and_charged_to_all_that_use_it() -> None:
    trials = data().trials
    assert len(trials) == 6
    for batch_size in (16, 64):
        found = by_paradigm(trials, batch_size)
        frozen, tuned = found["pretrain_frozen"], found["pretrain_finetune"]
        assert found["baseline"].pretraining is None
        assert frozen.pretraining is not None
        assert tuned.pretraining is not None
        assert {frozen.pretraining.reused, tuned.pretraining.reused} == {False, True}
        assert frozen.pretraining.key == tuned.pretraining.key
        assert frozen.pretraining.energy_j == tuned.pretraining.energy_j
        first, later = sorted((frozen, tuned), key=lambda t: t.number)
        assert first.pretraining is not None
        assert later.pretraining is not None
        assert later.pretraining.reused
        assert later.pretraining.number == first.number
        assert first.energy_j == first.energy_spent_j
        assert later.energy_j == pytest.approx(later.energy_spent_j + later.pretraining.energy_j)
        assert [p.phase for p in later.trajectory] == ["pretraining"] * 3 + ["supervised"] * 3
        assert later.trajectory[:3] == first.trajectory[:3]
        assert [p.quality for p in later.trajectory[:3]] == [None] * 3
        energies = [p.energy_j for p in later.trajectory]
        assert energies == sorted(energies)
        assert later.trajectory[3].energy_j > later.pretraining.energy_j
        assert energies[-1] <= later.energy_j
    assert len({t.seed for t in trials}) == 2  # paradigms of a setup share their random numbers
    assert len(list(Path("reports/s/pretrained").glob("*.pt"))) == 2


@pytest.mark.usefixtures("three")
def test_what_was_spent_sums_to_the_ledger_and_what_is_charged_does_not() -> None:
    study = data()
    (session,) = study.sessions
    spent = sum(t.domains["cpu:process"].energy_j for t in study.trials)
    assert session.trials_j["cpu:process"] == pytest.approx(spent)
    reused_j = [t.pretraining.energy_j for t in study.trials if t.pretraining is not None and t.pretraining.reused]
    assert len(reused_j) == 2
    assert sum(t.energy_j for t in study.trials) == pytest.approx(spent + sum(reused_j))
    layers = pd.read_csv("reports/s/layers.csv", keep_default_na=False, dtype={"energy_j": float})
    table = pd.read_csv("reports/s/trials.csv").set_index("number")
    for trial in study.trials:
        if trial.pretraining is None:
            assert pd.isna(table.energy_pretraining_j[trial.number])
        else:
            assert table.energy_pretraining_j[trial.number] == pytest.approx(trial.pretraining.energy_j)
            assert table.pretrained_in[trial.number] == trial.pretraining.number
        rows = layers[layers.number == trial.number]
        assert rows.energy_j.sum() == pytest.approx(trial.energy_spent_j, rel=1e-9)
        assert set(rows.phase) == {"supervised"} | (
            {"pretraining"} if trial.pretraining and not trial.pretraining.reused else set()
        )


def test_a_frozen_encoder_has_no_backward_rows() -> None:
    assert main([*QUICK, *THREE, "layers.every=1", "search.space.batch_size=[16]"]) == 0
    layers = pd.read_csv("reports/s/layers.csv", keep_default_na=False)
    number = next(t.number for t in data().trials if t.paradigm == "pretrain_frozen")
    rows = layers[(layers.number == number) & (layers.phase == "supervised")]
    assert {"encoder.1"} <= set(rows[rows["pass"] == "forward"].layer)
    assert not {"encoder.1", "encoder.2"} & set(rows[rows["pass"] == "backward"].layer)
    assert {"classifier"} <= set(rows[rows["pass"] == "backward"].layer)


@pytest.mark.usefixtures("three")
def test_reused_weights_give_what_own_ones_would_have_given() -> None:
    frozen = ["+paradigm@paradigms.pretrain_frozen=pretrain_frozen", "search.space.paradigm=[pretrain_frozen]"]
    assert main([*QUICK, *frozen, "study.name=alone"]) == 0
    shared = {t.params["batch_size"]: t for t in data().trials if t.paradigm == "pretrain_frozen"}
    assert any(t.pretraining is not None and t.pretraining.reused for t in shared.values())
    for trial in data("alone").trials:
        twin = shared[trial.params["batch_size"]]
        assert [p.loss for p in trial.trajectory] == pytest.approx([p.loss for p in twin.trajectory])
        assert trial.quality == twin.quality


@pytest.mark.parametrize("energy", ["{amortised:{reuses:4}}", "amortised(reuses=4)"])
def test_amortised_joules_hold_one_part_of_the_pretraining(energy: str) -> None:
    quoted = energy if energy.startswith("{") else f'"{energy}"'
    assert main([*QUICK, *THREE, f"study.energy={quoted}"]) == 0
    for trial in data().trials:
        if trial.pretraining is None:
            assert trial.energy_j == trial.energy_spent_j
            continue
        own_j = 0.0 if trial.pretraining.reused else trial.pretraining.energy_j
        assert trial.pretraining_shares == 4.0
        assert trial.energy_j == pytest.approx(trial.energy_spent_j - own_j + trial.pretraining.energy_j / 4)
        steps_j = sum(point.train_j for point in trial.trajectory[:3])
        assert steps_j <= 4 * trial.trajectory[2].energy_j <= trial.pretraining.energy_j * (1 + 1e-9)


@pytest.mark.parametrize("energy", ["totally", "amortised(reuses=0)", {"amortised": {}}, {"amortised": 4}, 3, None])
def test_other_scopes_are_refused(energy: object) -> None:
    with pytest.raises(ConfigError, match=r"study\.energy="):
        pretraining_shares(energy)


def test_scopes() -> None:
    assert pretraining_shares("total") == 1.0
    assert pretraining_shares({"amortised": {"reuses": 2.5}}) == 2.5
    assert pretraining_shares("amortised( reuses=10 )") == 10.0


def test_cached_features_are_tested_with_the_whole_model() -> None:
    cached = ["+paradigm@paradigms.pretrain_frozen=pretrain_frozen", "paradigms.pretrain_frozen.cache_features=true"]
    assert main([*QUICK, *cached, "search.space.paradigm=[pretrain_frozen]"]) == 0
    study = data()
    assert study.tests
    assert all(trial.results == {"cached_features": 1.0} for trial in study.trials)
    assert all(0 <= test.quality <= 1 for test in study.tests)


def test_heads_after_a_dot() -> None:
    args = [a.replace("Pairs", "TwoHeads") for a in QUICK]
    paradigms = ["+paradigm@paradigms.multitask=multitask", "+paradigm@paradigms.singletask=singletask"]
    space = "search.space.paradigm=[multitask,singletask.total,singletask.signs]"
    assert main([*args, *paradigms, space]) == 0
    found = {t.paradigm: t for t in data().trials}
    assert set(found["multitask"].qualities) == {"total", "signs"}
    assert set(found["singletask.signs"].qualities) == {"signs"}
    assert found["multitask"].trajectory[-1].qualities.keys() == {"total", "signs"}
    assert found["singletask.total"].quality == pytest.approx(found["singletask.total"].qualities["total"])
    assert all(set(test.qualities) <= {"total", "signs"} and test.qualities for test in data().tests)
    table = pd.read_csv("reports/s/trials.csv").set_index("number")
    assert table["quality.signs"][found["singletask.signs"].number] == pytest.approx(found["singletask.signs"].quality)
    assert table["quality.total"].isna()[found["singletask.signs"].number]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("[singletask.nose]", "nose is no head of the objective"),
        ("[singletask]", "names no head"),
        ("[pretrain_frozen]", "paradigm=pretrain_frozen is not composed"),
    ],
)
def test_a_paradigm_that_does_not_fit_is_refused_before_anything_is_written(
    space: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    args = [a.replace("Pairs", "TwoHeads") for a in QUICK]
    assert main([*args, "+paradigm@paradigms.singletask=singletask", f"search.space.paradigm={space}"]) == 2
    assert message in capsys.readouterr().err
    assert not Path("reports/s").exists()


def test_a_task_without_encoder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    args = [a.replace("encoded_tasks.Pairs", "toy_tasks.Blobs") for a in QUICK]
    assert main([*args, *THREE]) == 2
    assert "Blobs has no encoder" in capsys.readouterr().err
    assert not Path("reports/s").exists()


def test_work_that_is_no_training_is_spent_and_not_charged() -> None:
    args = [
        *QUICK,
        "+paradigm@paradigms.inference=inference",
        "search.space.paradigm=[inference]",
        "layers.operators=2",
    ]
    assert main([*args, "paradigms.inference.min_s=0.3"]) == 0
    for trial in data().trials:
        inference_j = sum(a.energy_j["cpu:process"] for a in trial.activities if a.phase == "inference")
        assert 0.0 < inference_j <= trial.energy_spent_j - trial.energy_j + 1e-9
        assert trial.energy_j >= trial.trajectory[-1].energy_j
        assert trial.energy_spent_j == pytest.approx(sum(a.energy_j["cpu:process"] for a in trial.activities))
        tables = sum(row.energy_j["cpu:process"] for table in trial.layers for row in table.rows)
        assert tables == pytest.approx(trial.energy_spent_j)
        assert [table.phase for table in trial.operators] == ["supervised"]


def test_the_recommendation_keeps_the_full_pretraining() -> None:
    paradigm = "+paradigm@paradigms.pretrain_finetune=pretrain_finetune"
    assert main([*QUICK, paradigm, "search.space.paradigm=[pretrain_finetune]", "trainer.max_epochs=6"]) == 0
    study = data()
    assert main(["--config-dir", "reports/s/conf", "+experiment=recommended"]) == 0
    (trained,) = data("s-recommended").trials
    twin = next(t for t in study.trials if t.params["batch_size"] == trained.params["batch_size"])
    before = [p for p in twin.trajectory if p.phase == "pretraining"]
    again = [p for p in trained.trajectory if p.phase == "pretraining"]
    assert [p.loss for p in again] == pytest.approx([p.loss for p in before])
    after = [p.loss for p in trained.trajectory if p.phase == "supervised"]
    assert after == pytest.approx([p.loss for p in twin.trajectory if p.phase == "supervised"][: len(after)])


def test_a_pretraining_may_have_an_end_of_its_own() -> None:
    paradigm = ["+paradigm@paradigms.pretrain_frozen=pretrain_frozen", "search.space.paradigm=[pretrain_frozen]"]
    assert main([*QUICK, *paradigm, "paradigms.pretrain_frozen.max_epochs=1"]) == 0
    for trial in data().trials:
        assert [p.phase for p in trial.trajectory].count("pretraining") == 1
        assert trial.pretraining is not None
        assert trial.pretraining.epochs == 1
