"""The paradigm that trains a model and serves it."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from clocks import counting
from torch import Tensor, nn

from sweep.errors import ConfigError
from sweep.objective import Data, Split
from sweep.paradigms._passes import repeat
from sweep.paradigms.inference import MAX_BATCHES, WARM_UP, Inference
from tests.toy_tasks import Blobs


class Watched(Blobs):
    """Notes the batches that its model predicts, and in which mode."""

    def __init__(self, n: int = 30) -> None:
        super().__init__(n)
        self.seen: list[tuple[int, bool]] = []

    def model(self) -> nn.Module:
        return Watching(super().model(), self.seen)


class Watching(nn.Module):
    def __init__(self, inner: nn.Module, seen: list[tuple[int, bool]]) -> None:
        super().__init__()
        self.inner, self.seen = inner, seen

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append((len(inputs), self.training or torch.is_grad_enabled()))
        return self.inner(inputs)


def serve(paradigm: Inference, task: Watched) -> tuple[dict[str, float | None], list[str]]:
    names: list[str] = []

    @contextmanager
    def activity(name: str) -> Iterator[None]:
        names.append(name)
        yield

    phases = paradigm.phases(task, task.data())
    assert next(phases).name == "supervised"
    phase = next(phases)
    assert phase.name == "inference"
    assert phase.work is not None
    results = dict(phase.work(activity))
    assert next(phases, None) is None
    return results, names


def test_each_batch_size_is_an_activity_of_its_own() -> None:
    results, names = serve(Inference([1, 4, 64], min_s=0.0), Watched())
    assert names == ["batch_1", "batch_4", "batch_64"]
    assert [results[f"batch_{size}_samples"] for size in (1, 4, 64)] == [1, 4, 64]
    assert all((results[f"batch_{size}_s"] or 0) > 0 for size in (1, 4, 64))
    assert "peak_memory_bytes" in results


def test_batches_are_full_and_predicted_without_gradients_in_evaluation_mode() -> None:
    task = Watched()
    serve(Inference([4, 64], min_s=0.0), task)
    assert task.seen == [(4, False)] * (WARM_UP + 1) + [(64, False)] * (WARM_UP + 1)


def test_samples_count_what_was_predicted_in_the_activity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.paradigms.inference.repeat", functools.partial(repeat, clock=counting(0.004)))
    task = Watched()
    results, _ = serve(Inference([3], min_s=0.01), task)
    assert results["batch_3_samples"] == 3 * (len(task.seen) - WARM_UP)
    assert results["batch_3_samples"] == 3 * 3


def test_the_model_is_in_its_former_mode_afterwards() -> None:
    task = Watched()
    phases = Inference([1], min_s=0.0).phases(task, task.data())
    model = next(phases).task.model  # type: ignore[union-attr]
    model.train()
    next(phases).work(lambda name: _nothing())  # type: ignore[misc]
    assert model.training


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def test_different_samples_are_served_in_turn() -> None:
    class Noting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))
            self.first: list[float] = []

        def forward(self, inputs: Tensor) -> Tensor:
            self.first.append(float(inputs[0, 0]))
            return inputs

    model = Noting()

    class Task(Blobs):
        def data(self) -> Data:
            split = Split(torch.arange(100.0).unsqueeze(1), torch.zeros(100))
            return Data(split, split)

        def model(self) -> nn.Module:
            return model

    phases = Inference([2], min_s=0.01).phases(Task(), Task().data())
    next(phases)
    next(phases).work(lambda name: _nothing())  # type: ignore[misc]
    assert model.first[:4] == [0, 2, 4, 6]
    assert len(set(model.first)) <= MAX_BATCHES


@pytest.mark.parametrize("sizes", [[], [0], [4, 4]])
def test_batch_sizes_that_cannot_be_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ConfigError, match="batch_sizes"):
        Inference(sizes)
