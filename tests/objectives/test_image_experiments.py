"""The experiments with images, composed as shipped and run for one epoch of one setup of each paradigm."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sweep.__main__ import main

TINY = ["search.space.batch_size=[16]", "search.space.lr=[0.01]", "trainer.max_epochs=1", "study.idle_s=0"]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))


def trials(*args: str) -> pd.DataFrame:
    """The trials of a study, one row each."""
    assert main([*args, *TINY]) == 0
    (table,) = Path("reports").glob("*/trials.csv")
    return pd.read_csv(table)


def images(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 8, 8), dtype=np.uint8)


def test_multilabel_images_trains_all_heads_and_each_alone() -> None:
    number = np.arange(40)
    np.savez("faces.npz", images=images(40), identity=number % 4, pose=number // 4 % 3, eyes=number // 2 % 2)
    table = trials("+experiment=multilabel_images", "objective.path=faces.npz")
    assert sorted(table["paradigm"]) == ["multitask", "singletask.eyes", "singletask.identity", "singletask.pose"]
    assert set(table["state"]) == {"COMPLETE"}


def test_celeba_trains_attributes_identity_and_both_on_drawn_faces() -> None:
    table = trials("+experiment=celeba", "objective.identities=2", "objective.size=16", "objective.width=2")
    assert sorted(table["paradigm"]) == ["multitask", "singletask.attributes", "singletask.identity"]
    assert set(table["state"]) == {"COMPLETE"}
    assert Path("reports").joinpath("celeba-synthetic").is_dir()


def test_fashion_mnist_trains_the_network_of_gatorch() -> None:
    labels = np.arange(40, dtype=np.uint8) % 10
    np.savez("fashion.npz", x_train=images(40), y_train=labels, x_test=images(40), y_test=labels)
    table = trials("+experiment=fashion_mnist", "objective.path=fashion.npz")
    assert set(table["state"]) == {"COMPLETE"}
    config = next(Path("reports").glob("*/config.yaml")).read_text()
    assert "optimizer: sgd" in config
    assert "momentum: 0.0" in config
