"""Training steps in which one layer works more than its share, so that its power shows.

In a steady loop every window holds the same mixture, and no window tells whose joules they are. In each block of about
a second one layer, drawn at random, repeats one of its passes 4 to 11 times:

    forward     the module runs again on its detached inputs, without a graph, before it returns
    backward    it runs once more with a graph of its own, and that graph's backward pass is repeated when the
                gradient of its output arrives

Every step is marked, repetitions are the layer's own time, and the results of the pass are those of the undoped model.

Limits: only modules that call no further ones are doped. Use a copy of the model: running statistics move on.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sweep.energy.recorder import Recorder
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.table import Stretch
from sweep.layers.attribution.windows import Windows, merge, response_delays, sensed
from sweep.layers.calibration.hot_replay import backward_work, detached, forward_work, mapped
from sweep.layers.loops.loop import LayerMarks, StepMarks
from sweep.layers.marking.autograd import tensors_in
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import Segments, marks_for
from sweep.layers.marking.owners import LOSS, LOSS_BACKWARD, REST
from sweep.records import Domain

BLOCK_S = 1.0
BLOCKS = 40
LEAST_BLOCK_TICKS = 5
TIMES = (4, 11)
AT_MOST = 2000
"""Windows that are learned from; more are merged."""
DELAYS_IN_TICKS = ((0.0, 0.5), (0.25, 0.25), (0.5, 0.0), (0.5, 0.5), (1.0, 0.0), (1.0, 0.5))
"""Dead time and time constant of sensors that may lag, in ticks."""
LAGGING_FROM_S = 10e-3
"""Tick from which a sensor may lag: board sensors average, counters on the chip do not."""


class BlockMarks(LayerMarks):
    """Marks every step of a block of steps; the loop may start anew for each of them."""

    def start(self, owner: int) -> None:
        """Begin the block, or go on with it."""
        if len(self._marks):
            self._marks.mark(owner)
        else:
            super().start(owner)


class Dope(NamedTuple):
    """A layer that may work more.

    Attributes:
        owner: of its pass.
        backward: whether that is its backward pass.
    """

    module: nn.Module
    owner: int
    backward: bool


def doped_stretches(
    model: nn.Module,
    modules: Mapping[int, nn.Module],
    step: Callable[[StepMarks], None],
    recorder: Recorder,
    budget_s: float,
    seed: int,
    synchronize: Callable[[], None],
) -> list[Stretch]:
    """Train with a doped layer for some seconds.

    Args:
        model: a copy.
        modules: of it that call no further ones, by the owner of their forward pass.
        step: runs one training step.
        recorder: whose ticks are stamped.
        budget_s: seconds that it may take.
        seed: of the draws.
        synchronize: waits for the device.

    Returns:
        Marks of each block; owners are numbered as ``Layers`` does for the model.
    """
    device = next(model.parameters()).device
    marks = BlockMarks(model, marks_for(device, recorder.clock), StepChoice(1, seed), ())
    draw = random.Random(seed)  # noqa: S311 - no secret
    choices = [Dope(module, owner + late, bool(late)) for owner, module in modules.items() for late in (0, 1)]
    tick_s = max((domain.tick_s or 0.0 for domain in recorder.domains), default=0.0)
    block_s = min(max(budget_s / BLOCKS, LEAST_BLOCK_TICKS * tick_s), BLOCK_S)
    deadline_s = recorder.clock() + budget_s
    while choices and recorder.clock() + block_s <= deadline_s:
        dope = draw.choice(choices)
        try:
            with doped(dope, draw.randint(*TIMES), marks.mark):
                start_s = recorder.clock()
                while recorder.clock() < start_s + block_s:
                    step(marks)
                synchronize()
            marks.stop(start_s, recorder.clock())
        except Exception:  # a module that cannot be run twice in a step teaches nothing
            marks.abandon()
            choices.remove(dope)
    return marks.take()


@contextmanager
def doped(dope: Dope, times: int, mark: Callable[[int], None]) -> Iterator[None]:
    """A module one pass of which runs ``times`` times, as long as the context lasts.

    Args:
        dope: the module and its pass.
        times: at least 1.
        mark: told when repetitions of the backward pass begin.
    """
    module, own = dope.module, vars(dope.module).get("forward")
    forward = module.forward

    def forward_again(*args: Any, **kwargs: Any) -> Any:
        work = forward_work(module, forward, mapped(args, Tensor.detach), mapped(kwargs, Tensor.detach))
        with torch.no_grad():
            for _ in range(times - 1):
                work()
        return forward(*args, **kwargs)

    def backward_again(*args: Any, **kwargs: Any) -> Any:
        work = backward_work(module, forward, mapped(args, detached), mapped(kwargs, detached))
        output = forward(*args, **kwargs)
        first = next((tensor for tensor in tensors_in(output) if tensor.requires_grad), None)
        if first is not None and work is not None:
            first.register_hook(lambda _gradient: _repeat(work))  # type: ignore[no-untyped-call]
        return output

    def _repeat(work: Callable[[], Any]) -> None:
        mark(dope.owner)
        for _ in range(times - 1):
            work()

    module.forward = backward_again if dope.backward else forward_again
    try:
        yield
    finally:
        if own is None:
            del module.forward
        else:
            module.forward = own


def taught(
    stretches: Sequence[Stretch], domain: Domain, timeline: Timeline, n_owners: int
) -> tuple[Windows, list[Windows]]:
    """Windows between the updates of a domain's counter.

    Args:
        stretches: whose layers were all marked.
        domain: whose counter cuts the windows.
        timeline: with stamped ticks.
        n_owners: columns.

    Returns:
        The windows, and the same as sensors would show them that lag: none for counters too quick to lag.
    """
    tick_s = domain.tick_s or 0.0
    lags = [(lag * tick_s, rc * tick_s) for lag, rc in DELAYS_IN_TICKS] if tick_s >= LAGGING_FROM_S else []
    delays = [np.zeros(1), *(response_delays(lag_s, rc_s) for lag_s, rc_s in lags)]
    if not stretches:
        return (empty := Windows(np.zeros(0), np.zeros((0, n_owners)))), [empty for _ in lags]
    log, end_s = _joined(stretches), stretches[-1].end_s
    from_s = float(log.starts_s[0]) + max(float(delay.max()) for delay in delays)
    edges_s, joules = timeline.updates(domain.name, from_s, end_s)
    energy_j = np.diff(joules)
    windows = []
    for delay in delays:
        seconds = sensed(log.starts_s, log.owners, end_s, edges_s, n_owners, delay)
        seconds[:, LOSS] += seconds[:, LOSS_BACKWARD]
        seconds[:, LOSS_BACKWARD] = 0.0
        rising = Windows(energy_j, seconds).where(energy_j >= 0.0)  # a counter that restarted tells nothing there
        windows.append(merge(rising, AT_MOST))
    return windows[0], windows[1:]


def _joined(stretches: Sequence[Stretch]) -> Segments:
    """One log of all blocks; what lies between them is ``rest``."""
    starts_s = np.concatenate([np.append(stretch.bounds_s()[:-1], stretch.end_s) for stretch in stretches])
    owners = np.concatenate([np.append(stretch.segments.owners, REST) for stretch in stretches])
    return Segments(starts_s[:-1], owners[:-1])
