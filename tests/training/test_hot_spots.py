"""Operators of training steps under the profiler."""

import pytest
import torch
from torch import nn

from sweep.config import TrainerConfig
from sweep.objective import Split
from sweep.records import OperatorKind
from sweep.training.hot_spots import hot_spots, kind_of
from sweep.training.trainer import Task


class Copying(nn.Module):
    """A linear layer, and a clone of its input that nobody needs."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.linear(inputs.clone())


def task(model: nn.Module, n: int = 40) -> Task:
    split = Split(torch.randn(n, 4), torch.zeros(n, dtype=torch.int64))
    return Task(model, split, split, nn.functional.cross_entropy, None)


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("aten::addmm", OperatorKind.COMPUTE),
        ("aten::copy_", OperatorKind.COPY),
        ("aten::index_select", OperatorKind.COPY),
        ("aten::empty_strided", OperatorKind.MEMORY),
        ("cudaLaunchKernel", OperatorKind.RUNTIME),
        ("aten::cumsum", OperatorKind.COMPUTE),
        ("AddmmBackward0", OperatorKind.COMPUTE),
    ],
)
def test_kinds(operator: str, kind: OperatorKind) -> None:
    assert kind_of(operator) is kind


def test_calls_are_those_of_the_steps_and_copies_stand_apart() -> None:
    found = hot_spots(task(Copying()), TrainerConfig(batch_size=8), "supervised", steps=3)
    assert (found.phase, found.steps, found.batch_size) == ("supervised", 3, 8)
    calls = {row.operator: row.calls for row in found.rows}
    assert calls["aten::addmm"] == 3
    assert calls["aten::clone"] == 3
    assert {row.operator: row.kind for row in found.rows}["aten::clone"] is OperatorKind.COPY
    assert [row.host_s for row in found.rows] == sorted((row.host_s for row in found.rows), reverse=True)
    assert all(row.device_s is None for row in found.rows)
    assert not [row.operator for row in found.rows if row.operator.startswith(("ProfilerStep", "Optimizer."))]


def test_no_more_steps_than_there_are_batches() -> None:
    assert hot_spots(task(Copying(), 20), TrainerConfig(batch_size=8), "supervised", steps=5).steps == 2
    assert hot_spots(task(Copying(), 5), TrainerConfig(batch_size=8), "supervised", steps=5).steps == 1


def test_neither_the_model_nor_the_random_state_is_changed() -> None:
    model = Copying()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    hot_spots(task_of := task(model), TrainerConfig(batch_size=8, lr=0.5), "supervised", steps=1)
    assert task_of.model is model
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    torch.set_rng_state(state)
    with_dropout = nn.Sequential(nn.Dropout(), nn.Linear(4, 2))
    state = torch.get_rng_state()
    prepared = task(with_dropout)
    state = torch.get_rng_state()
    hot_spots(prepared, TrainerConfig(batch_size=8), "supervised", steps=1)
    assert torch.equal(torch.get_rng_state(), state)
