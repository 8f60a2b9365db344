"""When a calibration is made, when it is used again, and what happens if it cannot be made."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest
import torch
from torch import nn

from sweep.config import LayerMode, LayersConfig, SweepConfig, TrainerConfig
from sweep.energy.recorder import Recorder
from sweep.layers.attribution.power import Calibration
from sweep.objective import Data, Objective
from sweep.paradigms.baseline import Baseline
from sweep.records import LayerMethod
from sweep.study.calibrator import NOT_CALIBRATED, Calibrator
from sweep.study.loading import Loaded
from sweep.training.trainer import Task
from tests.powered import REAL, CounterMeter
from tests.toy_tasks import Blobs

CPU = torch.device("cpu")
CONFIG = SweepConfig(
    layers=LayersConfig(mode=LayerMode.calibrated, calibration_s=0.1),
    trainer=TrainerConfig(batch_size=16, device="cpu"),
)


def loaded(objective: Objective) -> Loaded:
    data: Data = objective.data()
    return Loaded(objective, data, data.info())


def task_of(objective: Objective) -> Task:
    data = objective.data()
    return Task(objective.model(), data.train, data.val, objective.loss, objective.metric)


class Scene:
    """A calibrator whose calibrations are counted, not made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[nn.Module] = []
        self.notices: list[str] = []
        self.calibrator = Calibrator(Recorder(CounterMeter(REAL)), self.notices.append)
        monkeypatch.setattr("sweep.study.calibrator.calibrate", self.count)

    def count(self, model: nn.Module, *_: Any, **__: Any) -> Calibration:
        self.made.append(model)
        torch.rand(3)
        return Calibration((), {}, LayerMethod.DOPED)

    def prepare(self, config: SweepConfig = CONFIG, objective: Objective | None = None) -> None:
        self.calibrator.prepare(config, Baseline(), loaded(objective or Blobs()), CPU)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_equal_work_is_calibrated_once(scene: Scene) -> None:
    scene.prepare()
    scene.prepare(replace(CONFIG, trainer=replace(CONFIG.trainer, lr=0.5, max_epochs=3)))
    assert len(scene.made) == len(scene.notices) == 1
    calibration = scene.calibrator.of(CONFIG, task_of(Blobs()), CPU)
    assert calibration is not None
    assert calibration.method == LayerMethod.DOPED


@pytest.mark.parametrize(
    ("config", "objective"),
    [
        (replace(CONFIG, trainer=replace(CONFIG.trainer, batch_size=8)), Blobs()),
        (CONFIG, Blobs(width=9)),
    ],
)
def test_other_work_is_calibrated_anew(scene: Scene, config: SweepConfig, objective: Objective) -> None:
    scene.prepare()
    assert scene.calibrator.of(config, task_of(objective), CPU) is NOT_CALIBRATED
    scene.prepare(config, objective)
    assert len(scene.made) == 2


@pytest.mark.parametrize("mode", [LayerMode.off, LayerMode.sampled])
def test_nothing_is_calibrated_unasked(scene: Scene, mode: LayerMode) -> None:
    scene.prepare(replace(CONFIG, layers=LayersConfig(mode=mode)))
    assert scene.made == []
    assert scene.notices == []


def test_a_trial_does_not_see_that_it_was_calibrated(scene: Scene) -> None:
    before = torch.get_rng_state()
    scene.prepare()
    assert scene.made
    assert torch.equal(before, torch.get_rng_state())


class Copyless(nn.Linear):
    """Cannot be copied."""

    def __deepcopy__(self, _memo: object) -> NoReturn:
        raise TypeError("one of a kind")


class Unique(Blobs):
    def model(self) -> nn.Module:
        return Copyless(2, 2)


def test_a_model_that_cannot_be_calibrated_is_divided_by_time_and_says_so(scene: Scene) -> None:
    scene.prepare(CONFIG, Unique())
    scene.prepare(CONFIG, Unique())
    calibration = scene.calibrator.of(CONFIG, task_of(Unique()), CPU)
    assert calibration is not None
    assert (calibration.method, calibration.domains) == (LayerMethod.TIME, {})
    assert "one of a kind" in calibration.notes[0]
    assert [notice for notice in scene.notices if "one of a kind" in notice] == [calibration.notes[0]]


class Modelless(Blobs):
    def model(self) -> nn.Module:
        raise RuntimeError("no model today")


def test_a_model_that_cannot_be_built_is_left_to_the_trial(scene: Scene) -> None:
    scene.prepare(CONFIG, Modelless())
    assert scene.notices == []


def test_an_interruption_passes_through(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("sweep.study.calibrator.calibrate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        scene.prepare()
    assert scene.calibrator.of(CONFIG, task_of(Blobs()), CPU) is NOT_CALIBRATED


def test_sampled_layers_want_no_calibration(scene: Scene) -> None:
    sampled = replace(CONFIG, layers=LayersConfig())
    scene.prepare(sampled)
    assert scene.made == []
    assert scene.calibrator.of(sampled, task_of(Blobs()), CPU) is None
