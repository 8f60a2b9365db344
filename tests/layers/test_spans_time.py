"""Shares of real time, with hooks and with layers timed one by one."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from known_time import Seconds, Watched
from torch import Tensor, nn

from sweep.energy.checks.load import LoadWatch
from sweep.layers.marking.owners import LOSS_BACKWARD

pytestmark = pytest.mark.alone

MOST_ROUNDS = 4


class _Timed:
    """A training step of a network made of modules only, in CPU seconds of this thread: neighbours do not count."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(
            *(nn.Conv2d(3, 128, 3, stride=2, padding=1), nn.BatchNorm2d(128), nn.ReLU()),
            *(nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), nn.ReLU()),
            *(nn.AvgPool2d(2), nn.Conv2d(128, 256, 3, padding=1), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10)),
        )
        self.inputs, self.targets = torch.randn(64, 3, 16, 16), torch.randint(10, (64,))

    def with_hooks(self) -> Seconds:
        """Marked as a loop marks it."""
        watched = Watched(self.model, time.thread_time)
        self.model.zero_grad()
        with watched:
            loss = nn.functional.cross_entropy(self.model(self.inputs), self.targets)
            watched.mark(LOSS_BACKWARD)
            loss.backward()
        return watched.seconds

    def one_by_one(self) -> Seconds:
        """Every layer called by itself, forward in order and then backward in reverse."""
        self.model.zero_grad()
        seconds: Seconds = {}
        calls: list[tuple[Tensor, Tensor]] = []
        hidden = self.inputs
        for index, layer in enumerate(self.model):
            fed = hidden.detach().requires_grad_(index > 0)
            begin_s = time.thread_time()
            hidden = layer(fed)
            seconds[(str(index), "forward")] = time.thread_time() - begin_s
            calls.append((fed, hidden))
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(hidden, self.targets), hidden)
        del hidden, fed
        while calls:  # activations are freed on the way, as in a real pass
            fed, output = calls.pop()
            index = len(calls)
            wanted = [tensor for tensor in (fed, *self.model[index].parameters()) if tensor.requires_grad]
            begin_s = time.thread_time()
            gradients = torch.autograd.grad(output, wanted, gradient)
            seconds[(str(index), "backward")] = time.thread_time() - begin_s
            gradient = gradients[0]
        return seconds


def _medians(runs: list[Seconds]) -> Seconds:
    return {owner: statistics.median(run.get(owner, 0.0) for run in runs) for owner in runs[0]}


def _by_layer(seconds: Seconds) -> dict[str, float]:
    """Share of each layer, both passes, in the time of all layers."""
    layers: dict[str, float] = defaultdict(float)
    for (name, pass_), spent_s in seconds.items():
        if name.isdecimal() and pass_:
            layers[name] += spent_s
    return {name: spent_s / sum(layers.values()) for name, spent_s in layers.items()}


class Round(NamedTuple):
    """Median seconds of steps in turn, with hooks and layer by layer; whether other programs disturbed them."""

    hooked: Seconds
    alone: Seconds
    disturbed: bool


@pytest.fixture
def rounds() -> Iterator[Iterator[Round]]:
    """Up to ``MOST_ROUNDS`` rounds of steps on one thread; the last one may be disturbed, and then skips the test."""
    threads, step = torch.get_num_threads(), _Timed()
    torch.set_num_threads(1)
    torch.ones(2**23 - 2**12)  # freed at once: glibc keeps the pages of blocks up to this size from now on
    try:
        yield (_round(step) for _ in range(MOST_ROUNDS))
    finally:
        torch.set_num_threads(threads)


def _round(step: _Timed) -> Round:
    watch = LoadWatch()
    watch.start()
    runs = [(step.with_hooks(), step.one_by_one()) for _ in range(40)][5:]
    load = watch.stop()
    hooked, alone = (_medians([run[side] for run in runs]) for side in range(2))
    return Round(hooked, alone, load is not None and load.contaminated)


def _holds(rounds: Iterator[Round], judge: Callable[[Round], bool]) -> bool:
    """Whether a judgement holds in a round: a machine may be disturbed unseen, a wrong owner is always wrong."""
    disturbed = []
    for one in rounds:
        if judge(one):
            return True
        disturbed.append(one.disturbed)
    if all(disturbed):
        pytest.skip(f"other programs disturbed {MOST_ROUNDS} rounds of measurement")
    return False


def _shares_agree(one: Round) -> bool:
    hooked, alone = _by_layer(one.hooked), _by_layer(one.alone)
    large = {name: share for name, share in alone.items() if share > 0.01}
    assert len(large) > 5
    return {name: hooked[name] for name in large} == pytest.approx(large, rel=0.1)


def _little_is_left(one: Round) -> bool:
    layers_s = sum(one.hooked[owner] for owner in one.alone)
    return sum(one.hooked.values()) - layers_s < 0.05 * layers_s


def _first_backward_is_there(one: Round) -> bool:
    first = ("0", "backward")
    return one.hooked[first] == pytest.approx(one.alone[first], rel=0.25)  # a small layer


@pytest.mark.slow
@pytest.mark.parametrize("judge", [_shares_agree, _little_is_left, _first_backward_is_there])
def test_real_time(rounds: Iterator[Round], judge: Callable[[Round], bool]) -> None:
    assert _holds(rounds, judge)
