"""Layers in a study: each trial has a table that adds up; what cannot be measured is refused before anything runs."""

from pathlib import Path
from typing import cast

import pandas as pd
import pytest
import torch
from torch import nn

from sweep.__main__ import main
from sweep.config import SweepConfig, TrainerConfig
from sweep.records import LayerMethod, Pass, Row, StopReason, StudyData
from sweep.study.loading import Loaded
from sweep.study.store import StudyStore
from sweep.study.trial import check_layers

ARGS = [
    "objective=custom",
    "trainer.max_epochs=3",
    "study.name=s",
    "search.space.batch_size=[16,64]",
    "search.space.lr=[0.1]",
]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data() -> StudyData:
    with StudyStore.open_to_read(Path("reports/s")) as store:
        return store.data()


def test_every_trial_has_layers_that_add_up_to_its_joules() -> None:
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs"]) == 0
    trials = pd.read_csv("reports/s/trials.csv").set_index("number")
    layers = pd.read_csv("reports/s/layers.csv", keep_default_na=False, dtype={"energy_j": float})
    assert list(layers.columns[:10]) == [
        "number", "phase", "layer", "type", "pass", "energy_j", "energy_u_random_j", "share", "flops", "provenance",
    ]  # fmt: skip
    assert set(layers.number) == set(trials.index)
    for number, rows in layers.groupby("number"):
        assert rows.energy_j.sum() == pytest.approx(trials.energy_j[number], rel=1e-9)
        assert (rows.energy_j >= 0).all()
        assert set(rows.provenance) == {"modelled"}
        assert {str(row) for row in Row} <= set(rows.layer)
        assert {("1", "forward"), ("1", "backward"), ("3", "forward"), ("3", "backward")} <= set(
            zip(rows.layer, rows["pass"], strict=True)
        )


def test_the_table_says_how_it_was_made_and_each_epoch_what_its_steps_cost() -> None:
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs", "layers.every=4"]) == 0
    for trial in data().trials:
        (table,) = trial.layers
        steps = trial.epochs * -(-66 // trial.params["batch_size"])
        assert (table.phase, table.method, table.steps) == ("supervised", LayerMethod.TIME, steps)
        assert 1 <= table.marked_steps < table.steps or table.steps == 1
        linear = next(row for row in table.rows if row.layer == "1" and row.pass_ is Pass.FORWARD)
        samples = 66 * trial.epochs
        assert linear.flops == pytest.approx(2 * 2 * 8 * samples, rel=1e-3)  # smaller last batches count as they are
        trained_j = sum(a.energy_j["cpu:process"] for a in trial.activities if a.activity == "train")
        assert sum(point.train_j for point in trial.trajectory) == pytest.approx(trained_j)
        assert sum(point.steps for point in trial.trajectory) == steps


@pytest.mark.usefixtures("whole_page")
def test_layers_can_be_left_out() -> None:
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs", "layers.mode=off"]) == 0
    assert [trial.layers for trial in data().trials] == [[], []]
    assert "No layers were measured (layers.mode=off, " in Path("reports/s/report.html").read_text(encoding="utf-8")


def test_a_diverging_trial_keeps_its_layers() -> None:
    args = [*ARGS, "objective._target_=toy_tasks.Diverging", "search.space.lr=[1000000000.0]"]
    main(args)
    for trial in data().trials:
        assert trial.stop_reason == StopReason.DIVERGED
        total = sum(row.energy_j["cpu:process"] for table in trial.layers for row in table.rows)
        assert total == pytest.approx(trial.energy_spent_j, rel=1e-9)


def test_calibration_on_modelled_joules_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs", "layers.mode=calibrated"]) == 2
    assert "would fit CPU time, not power" in capsys.readouterr().err
    assert not Path("reports").exists()


def test_a_compiled_model_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_tasks

    def compiled(self: toy_tasks.Blobs) -> nn.Module:
        model = nn.Sequential(nn.Linear(2, 2))
        model.compile(backend="eager")
        return model

    monkeypatch.setattr(toy_tasks.Blobs, "model", compiled)
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs"]) == 2
    error = capsys.readouterr().err
    assert "compiled" in error
    assert "layers.mode=off" in error
    assert not Path("reports").exists()


def test_a_device_that_cannot_be_timed_runs_without_layers_and_says_so() -> None:
    config = SweepConfig(trainer=TrainerConfig(device="meta"))
    said: list[str] = []
    check_layers(config, "baseline", cast("Loaded", None), (), said.append)
    assert said == ["no layers are measured: the work of meta cannot be timed layer by layer"]


def test_measuring_layers_does_not_change_the_result() -> None:
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs", "layers.every=1", "study.dir=on"]) == 0
    assert main([*ARGS, "objective._target_=toy_tasks.Blobs", "layers.mode=off", "study.dir=off"]) == 0
    on, off = (pd.read_csv(f"{folder}/epochs.csv") for folder in ("on", "off"))
    columns = ["number", "epoch", "loss", "val_loss", "quality"]
    pd.testing.assert_frame_equal(on[columns], off[columns], check_exact=True)
    kept = [{p.relative_to(f) for p in Path(f).rglob("checkpoints/**/*.pt")} for f in ("on", "off")]
    for path in kept[0] & kept[1]:  # which weights are kept depends on joules
        one, other = (torch.load(Path(folder) / path, weights_only=True) for folder in ("on", "off"))
        assert all(torch.equal(one[name], other[name]) for name in one)
