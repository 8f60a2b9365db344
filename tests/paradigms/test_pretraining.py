"""Pretraining, frozen and not: what is trained, what stays, and what the features are."""

from typing import Any

import pytest
import torch
from encoded_tasks import Pairs
from torch import nn
from toy_tasks import Blobs

from sweep.errors import ConfigError
from sweep.objective import EncodedModel
from sweep.paradigms.paradigm import Paradigm
from sweep.paradigms.pretrain_finetune import PretrainFinetune
from sweep.paradigms.pretrain_frozen import PretrainFrozen
from sweep.paradigms.pretraining import FrozenModel, OnFeatures, features_of
from sweep.training.trainer import Task


def tasks(paradigm: Paradigm, objective: Pairs | None = None) -> tuple[Task, Task]:
    """Pretraining and what follows on it; one training step of nothing in between."""
    objective = objective or Pairs()
    torch.manual_seed(0)
    phases = [(phase.name, phase.task, phase.shared) for phase in paradigm.phases(objective, objective.data())]
    assert [(name, shared) for name, _, shared in phases] == [("pretraining", True), ("supervised", False)]
    before, after = (task for _, task, _ in phases)
    assert before is not None
    assert after is not None
    return before, after


def step(task: Task) -> dict[str, torch.Tensor]:
    """Parameters before, after one step of SGD on all samples in training mode."""
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    task.model.train()
    wanted = [parameter for parameter in task.model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(wanted, lr=0.1)
    task.loss(task.model(task.train.inputs), task.train.targets).backward()
    optimizer.step()
    return before


def changed(task: Task, before: dict[str, torch.Tensor]) -> set[str]:
    after = task.model.state_dict()
    return {name.partition(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}


def test_pretraining_reconstructs_its_inputs() -> None:
    before, _ = tasks(PretrainFrozen())
    assert before.metric is None
    assert torch.equal(before.train.inputs, before.train.targets)
    assert before.model(before.val.inputs).shape == before.val.inputs.shape


@pytest.mark.parametrize(
    ("paradigm", "trained"),
    [
        (PretrainFrozen(), {"classifier"}),
        (PretrainFrozen(cache_features=True), {"classifier"}),
        (PretrainFinetune(), {"encoder", "classifier"}),
    ],
)
def test_what_follows_trains_what_it_says(paradigm: Paradigm, trained: set[str]) -> None:
    pretraining, task = tasks(paradigm)
    assert task.model.encoder is pretraining.model.encoder
    assert changed(task, step(task)) == trained


def test_a_frozen_encoder_has_no_gradient_no_dropout_and_no_new_statistics() -> None:
    _, task = tasks(PretrainFrozen())
    step(task)
    assert all(parameter.grad is None for parameter in task.model.encoder.parameters())
    task.model.train()
    assert not task.model.encoder.training
    assert task.model.classifier.training
    first, second = (task.model.encoder(task.train.inputs) for _ in range(2))
    assert torch.equal(first, second)


def test_cached_features_give_the_same_outputs_and_losses() -> None:
    plain, cached = (tasks(PretrainFrozen(cache_features=cache))[1] for cache in (False, True))
    assert isinstance(plain.model, FrozenModel)
    assert isinstance(cached.model, OnFeatures)
    cached.model.load_state_dict(plain.model.state_dict())
    plain.model.eval(), cached.model.eval()
    torch.testing.assert_close(plain.model(plain.val.inputs), cached.model(cached.val.inputs))
    assert torch.equal(plain.train.targets, cached.train.targets)


@pytest.mark.parametrize("paradigm", [PretrainFrozen(), PretrainFrozen(cache_features=True), PretrainFinetune()])
def test_the_weights_fit_the_model_that_is_tested(paradigm: Paradigm) -> None:
    objective = Pairs()
    _, task = tasks(paradigm, objective)
    model = paradigm.model(objective)
    assert isinstance(model, EncodedModel)
    model.load_state_dict(task.model.state_dict())
    inputs = objective.data().val.inputs
    direct = task.model.classifier(task.model.encoder.eval()(inputs))
    assert model.eval()(inputs).shape == direct.shape


def test_features_that_differ_each_time_are_not_cached() -> None:
    class Noisy(nn.Module):
        def forward(self, inputs: Any) -> Any:
            return inputs + torch.randn_like(inputs)

    with pytest.raises(ConfigError, match="cannot be computed once"):
        features_of(Noisy(), torch.zeros(4, 2))


def test_features_are_those_of_all_samples_in_order() -> None:
    inputs = torch.arange(2500.0).unsqueeze(1)
    assert torch.equal(features_of(nn.Identity(), inputs), inputs)


@pytest.mark.parametrize("paradigm", [PretrainFrozen(), PretrainFinetune()])
def test_an_objective_without_encoder_is_refused(paradigm: Paradigm) -> None:
    with pytest.raises(ConfigError, match="Blobs has no encoder"):
        paradigm.check(Blobs())
