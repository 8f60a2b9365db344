"""Marks beside torch's own profiler, in the same steps: both must tell the same backward times.

The same run, because the time of a pass depends on what the allocator keeps: a backward pass that has to fault in new
pages takes several times as long, with and without hooks.
"""

import statistics
import time
from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from sweep.layers.marking.marks import HostMarks
from sweep.layers.marking.owners import FIRST_LAYER, LOSS_BACKWARD, REST, Layers
from sweep.layers.marking.spans import LayerHooks

STEPS = 30
NODES = {
    "0": "ConvolutionBackward0",
    "1": "NativeBatchNormBackward0",
    "2": "ReluBackward0",
    "3": "MaxPool2DWithIndicesBackward0",
    "5": "AddmmBackward0",
}
"""Layers, and the node that does their backward work; one of each kind, so that the profiler's names are enough."""


@pytest.mark.filterwarnings("ignore")  # the profiler's own
def test_backward_times_are_those_of_the_profiler() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 8 * 8, 128)),
    )
    inputs, targets = torch.randn(64, 3, 16, 16), torch.randint(128, (64,))
    marks, layers = HostMarks(time.monotonic), Layers()
    hooks = LayerHooks(model, layers, marks.mark)

    def step() -> None:
        model.zero_grad()
        hooks.attach()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        marks.mark(LOSS_BACKWARD)
        loss.backward()
        marks.mark(REST)
        hooks.detach()

    for _ in range(5):
        step()
    marks.take()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(STEPS):
            step()
    segments = marks.take()
    seconds = np.diff(segments.starts_s)
    told: dict[str, list[float]] = defaultdict(list)
    for event in profiler.events() or []:
        kind, _, node = event.name.partition(": ")
        if kind == "autograd::engine::evaluate_function":
            told[node].append(event.cpu_time_total / 1e6)
    for index, layer in enumerate(layers.met):
        if layer.name in NODES:
            assert len(told[NODES[layer.name]]) == STEPS
            expected_s = statistics.median(told[NODES[layer.name]])
            marked_s = float(np.median(seconds[segments.owners[:-1] == FIRST_LAYER + 2 * index + 1]))
            assert marked_s == pytest.approx(expected_s, rel=0.1, abs=3e-5), layer  # small nodes beside it
