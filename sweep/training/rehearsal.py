"""Training steps that lead nowhere: the same work as in a training, as often as a measurement needs it."""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from sweep.config import TrainerConfig
from sweep.layers.loops.loop import StepMarks
from sweep.objective import Split
from sweep.training.optimizer import make_optimizer
from sweep.training.trainer import Task, device_of, train_epoch

REHEARSAL_LR = 1e-12


def rehearsal(task: Task, config: TrainerConfig) -> tuple[nn.Module, Callable[[StepMarks], None]]:
    """A copy of the model, and what trains it for one step on the first batch, over and over.

    The learning rate is next to nothing, so that weights, and with them the work, stay as they are however often.
    """
    size = min(config.batch_size, len(task.train))
    batch = Split(task.train.inputs[:size], task.train.targets[:size])
    small = replace(task, model=copy.deepcopy(task.model), train=batch)
    device = device_of(small.model)
    optimizer = make_optimizer(small.model, replace(config, lr=REHEARSAL_LR), device)
    generator = torch.Generator(device=batch.inputs.device).manual_seed(0)

    def step(marks: StepMarks) -> None:
        train_epoch(small, optimizer, size, device, generator, marks)

    return small.model, step
