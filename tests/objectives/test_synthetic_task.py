"""The synthetic task is worth a sweep: a network learns it, not perfectly, and a linear model does not."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from objectives.pamap2 import Pamap2
from sweep.objective import Accuracy, Data, Split

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Spinning threads make small networks slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def task(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pamap2]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_DATA", str(tmp_path_factory.mktemp("data")))
        yield Pamap2(source="synthetic")


@pytest.fixture(scope="module")
def data(task: Pamap2) -> Data:
    return task.data()


def accuracy(net: nn.Module, split: Split) -> float:
    metric = Accuracy()
    with torch.no_grad():
        metric.update(net.eval()(split.inputs), split.targets)
    return float(metric.compute())


def best_accuracy(net: nn.Module, data: Data, lr: float, epochs: int) -> float:
    """Best validation accuracy of plain training with batches of 256."""
    optimizer = torch.optim.Adam(net.parameters(), lr)
    best = 0.0
    for _ in range(epochs):
        net.train()
        for batch in torch.randperm(len(data.train)).split(256):
            optimizer.zero_grad()
            output = net(data.train.inputs[batch])
            nn.functional.cross_entropy(output, data.train.targets[batch]).backward()
            optimizer.step()
        best = max(best, accuracy(net, data.val))
    return best


def test_there_is_enough_to_tell_batch_sizes_apart(data: Data) -> None:
    assert 2 * 1024 < len(data.train) < 4096
    shares = torch.bincount(data.val.targets, minlength=12) / len(data.val)
    assert shares.min() > 0.05


def test_the_network_is_good_but_not_perfect(task: Pamap2, data: Data) -> None:
    torch.manual_seed(0)
    assert 0.83 < best_accuracy(task.model(), data, lr=0.01, epochs=20) < 0.97


def test_a_linear_model_is_far_behind(data: Data) -> None:
    torch.manual_seed(0)
    inputs = data.train.inputs[0].numel()
    assert best_accuracy(nn.Sequential(nn.Flatten(), nn.Linear(inputs, 12)), data, lr=0.001, epochs=20) < 0.6
