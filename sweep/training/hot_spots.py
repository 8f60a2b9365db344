"""Hot spots: which operators of a training step take the time, and how much of it is only data being moved.

A few steps of the task, batches included, run under ``torch.profiler`` on a copy of the model at a learning rate of
next to nothing. That is done outside of a measured run, because a profiler changes what it measures; the search pays.
An operator's time is its own, without that of the operators it calls, so that the rows add up.

Limits: times under the profiler are longer than without it, most for short operators, so only shares are to be
compared. On a GPU the device's time of an operator is that of the kernels it launched. Joules of an operator are not
known: within a layer they are divided by time at best (``layers.csv``).
"""

import copy
import os
from dataclasses import replace
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from sweep.config import TrainerConfig
from sweep.layers.loops.loop import NoMarks
from sweep.objective import Split
from sweep.records import OperatorKind, OperatorTable, OperatorTime
from sweep.training.optimizer import make_optimizer
from sweep.training.rehearsal import REHEARSAL_LR
from sweep.training.trainer import Task, device_of, train_epoch

STEPS = 10
QUIET = "99"
"""For the profiler's own library, which else says on the console when it starts and stops."""
COPIES = frozenset(
    {
        *("cat", "clone", "contiguous", "copy_", "_copy_from", "gather"),
        *("index", "index_select", "pin_memory", "stack", "to", "_to_copy"),
    }
)
FILLS = frozenset({"empty", "empty_like", "empty_strided", "fill_", "resize_", "set_", "zero_", "zeros", "zeros_like"})
DRIVERS = ("cuda", "cu", "hip")
PROFILER = ("ProfilerStep", "Optimizer.", "Activity Buffer", "[memory]")
"""Entries of the profiler that are no operators."""


def hot_spots(task: Task, config: TrainerConfig, phase: str, steps: int = STEPS) -> OperatorTable:
    """Profile some training steps of a task; neither the model nor the random state is changed.

    Args:
        task: its model on the device.
        config: as the task is trained.
        phase: the name of its phase.
        steps: to profile, at least 1; fewer if the data have fewer batches.
    """
    device = device_of(task.model)
    size = min(config.batch_size, len(task.train))
    rows = min(steps, len(task.train) // size) * size
    few = Split(task.train.inputs[:rows], task.train.targets[:rows])
    small = replace(task, model=copy.deepcopy(task.model), train=few)
    optimizer = make_optimizer(small.model, replace(config, lr=REHEARSAL_LR), device)
    generator = torch.Generator(device=few.inputs.device).manual_seed(0)
    on_gpu = device.type == "cuda"
    os.environ.setdefault("KINETO_LOG_LEVEL", QUIET)
    wanted = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with torch.random.fork_rng([device] if on_gpu else []):
        train_epoch(small, optimizer, size, device, generator, NoMarks())
        with profile(activities=wanted, acc_events=True) as profiler:
            _, done = train_epoch(small, optimizer, size, device, generator, NoMarks())
    found = [_row(event, on_gpu=on_gpu) for event in profiler.key_averages() if _is_operator(event)]
    found.sort(key=lambda row: -(row.device_s or 0.0) - (0.0 if on_gpu else row.host_s))
    return OperatorTable(phase=phase, steps=done, batch_size=size, rows=found)


def _is_operator(event: Any) -> bool:
    """Whether the host called it; kernels are in the device's time of their operators already."""
    return event.device_type.name == "CPU" and not event.key.startswith(PROFILER)


def _row(event: Any, *, on_gpu: bool) -> OperatorTime:
    return OperatorTime(
        operator=event.key,
        kind=kind_of(event.key),
        calls=event.count,
        host_s=1e-6 * event.self_cpu_time_total,
        device_s=1e-6 * event.self_device_time_total if on_gpu else None,
    )


def kind_of(operator: str) -> OperatorKind:
    """What an operator is for, by torch's name of it."""
    name = operator.rpartition("::")[2]
    if name in COPIES:
        return OperatorKind.COPY
    if name in FILLS:
        return OperatorKind.MEMORY
    is_call = "::" not in operator and operator.startswith(DRIVERS)
    return OperatorKind.RUNTIME if is_call else OperatorKind.COMPUTE
