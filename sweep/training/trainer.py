"""The training loop: one phase of a trial, from a model to its best weights.

    for each epoch:   data -> train -> validation -> (checkpoint on improvement)
                      |<-- activities: intervals between two marks of the recorder -->|

The loop is tight: no host synchronisation inside an epoch (on the CPU, where it is free, the loss is looked at every
step so that a diverging run ends at once), sums stay on the device, nothing is logged. Marks are taken between
activities, after the device has finished ("synchronise, then read").

The weights kept are those of the best validation quality (of the lowest validation loss in a phase without
quality), whatever early stopping watches, so that "stopped at epoch k" always means "the best model up to k". The
scores of the validation samples in that epoch are kept with them, within the ``checkpoint`` activity: one copy of n
numbers to the host, where the weights are copied anyway (7 us for 10,000 samples on a CPU, the weights take ms).
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from sweep.config import Monitor, TrainerConfig
from sweep.energy.activities import Span
from sweep.energy.recorder import Recorder
from sweep.layers.loops.loop import NoMarks, StepMarks
from sweep.layers.marking import owners
from sweep.objective import Metric, Split
from sweep.records import StopReason
from sweep.training.early_stopping import EarlyStopping
from sweep.training.evaluation import Evaluation, evaluate, kept_scores
from sweep.training.feed import batches
from sweep.training.optimizer import make_optimizer, make_schedule


@dataclass(frozen=True)
class Task:
    """What is trained in a phase.

    Attributes:
        model: on the device.
        train: placed with ``sweep.training.feed.place``.
        val: likewise.
        loss: mean loss of a batch from output and target.
        metric: makes a fresh quality accumulator; ``None`` for a phase that has only a loss.
    """

    model: nn.Module
    train: Split
    val: Split
    loss: Callable[[Any, Tensor], Tensor]
    metric: Callable[[], Metric] | None


@dataclass(frozen=True)
class EpochResult:
    """One epoch, as measured; energies are added when the trial is over.

    Attributes:
        parts: of the quality, by name.
        steps: training steps.
        train: the stretch of these steps.
        end_s: the recorder's mark after validation.
    """

    epoch: int
    steps: int
    train: Span
    loss: float
    val_loss: float
    quality: float | None
    end_s: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass
class PhaseResult:
    """What came of a phase; filled epoch by epoch, so that an interruption loses nothing.

    Attributes:
        best_epoch: epoch of the kept weights, counted from 1; 0 before the first.
        scores: of each validation sample in that epoch, on the host, shape ``(n_val,)``; ``None`` if there are none.
    """

    name: str
    effective_batch_size: int
    epochs: list[EpochResult] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    best_epoch: int = 0
    scores: Tensor | None = None
    stop_reason: StopReason | None = None


class Keeper(Protocol):
    """Where the weights of an improvement go."""

    def save(self, epoch: int, model: nn.Module) -> None:
        """Keep the weights of this epoch."""

    def restore(self, epoch: int, model: nn.Module) -> None:
        """Load the weights of an epoch that was saved."""


def train(
    task: Task,
    config: TrainerConfig,
    result: PhaseResult,
    *,
    recorder: Recorder,
    keeper: Keeper,
    seed: int,
    on_epoch: Callable[[EpochResult], None],
    marks: StepMarks | None = None,
) -> None:
    """Train a phase to its end and leave the best weights in the model.

    Args:
        task: model and data.
        config: batch size, learning rate and the rest.
        result: is filled as the phase goes on; read it after an exception, too.
        recorder: gives the marks.
        keeper: takes the weights of every improvement.
        seed: of the order of samples.
        on_epoch: called after each epoch.
        marks: is told what each step does; ``None`` for nobody.

    Raises:
        ValueError: if the model has nothing to train, its quality was never a finite number, or the scores of the
            metric do not fit it.
    """
    device = device_of(task.model)
    generator = torch.Generator(device=task.train.inputs.device).manual_seed(seed)
    optimizer = make_optimizer(task.model, config, device)
    schedule = make_schedule(optimizer, config)
    maximize = config.monitor == Monitor.quality and task.metric is not None
    stopping = EarlyStopping(config.patience, config.min_delta, maximize=maximize)
    best = -math.inf
    marker = _Marker(recorder, device, result)
    for epoch in range(1, config.max_epochs + 1):
        done, found = _epoch(task, config, epoch, optimizer, generator, marker, marks or NoMarks())
        result.epochs.append(done)
        if not math.isfinite(done.val_loss):
            result.stop_reason = StopReason.DIVERGED
            return
        score = -done.val_loss if done.quality is None else done.quality
        if math.isfinite(score) and score > best:
            best = score
            keeper.save(epoch, task.model)
            result.best_epoch, result.scores = epoch, kept_scores(found)
            marker.mark("checkpoint")
        on_epoch(done)
        marker.skip()
        stopping = stopping.advance(done.quality if stopping.maximize else done.val_loss)
        if stopping.stop:
            break
        schedule.step()
    if not result.best_epoch:
        raise ValueError(f"the quality was not a finite number in any of {len(result.epochs)} epochs")
    result.stop_reason = StopReason.EARLY_STOPPING if stopping.stop else StopReason.MAX_EPOCHS
    keeper.restore(result.best_epoch, task.model)
    marker.mark("checkpoint")


def _epoch(
    task: Task,
    config: TrainerConfig,
    epoch: int,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    marker: "_Marker",
    marks: StepMarks,
) -> tuple[EpochResult, Evaluation]:
    """One pass over training and validation split; a training loss that is not finite spares the validation."""
    device = device_of(task.model)
    loss, steps = train_epoch(task, optimizer, config.batch_size, device, generator, marks)
    span = marker.mark("train")
    marks.stop(span.start_s, span.end_s)
    found = Evaluation(math.nan, None, {}, None)
    if math.isfinite(loss):
        found = evaluate(task.model, task.val, task.loss, task.metric, config.eval_batch_size, device)
        marker.mark("validation")
    done = EpochResult(epoch, steps, span, loss, found.loss, found.quality, marker.last_s, found.parts)
    return done, found


def warm_up(task: Task, config: TrainerConfig) -> None:
    """Two training steps of full size, one evaluation and one saving, all of it thrown away.

    The first steps of a process load code and make thread pools and memory: seconds and joules that belong to the
    search, not to the setup that happens to be first (7.7 J against 0.03 J for a tiny network on a CPU).
    """
    device = device_of(task.model)
    batch = Split(task.train.inputs[: config.batch_size], task.train.targets[: config.batch_size])
    optimizer = make_optimizer(task.model, config, device)
    generator = torch.Generator(device=batch.inputs.device).manual_seed(0)
    small = replace(task, train=batch)
    for _ in range(2):
        train_epoch(small, optimizer, len(batch), device, generator, NoMarks())
    evaluate(task.model, task.val, task.loss, task.metric, config.eval_batch_size, device)
    torch.save(task.model.state_dict(), io.BytesIO())


class _Marker:
    """Turns successive marks into spans."""

    def __init__(self, recorder: Recorder, device: torch.device, result: PhaseResult) -> None:
        self._recorder = recorder
        self._device = device
        self._result = result
        self.last_s = self._now()

    def _now(self) -> float:
        synchronize(self._device)
        return self._recorder.mark()

    def mark(self, activity: str) -> Span:
        """The time since the last mark was this activity."""
        now = self._now()
        span = Span(self._result.name, activity, self.last_s, now)
        self._result.spans.append(span)
        self.last_s = now
        return span

    def skip(self) -> None:
        """The time since the last mark was nobody's."""
        self.last_s = self._now()


def device_of(model: nn.Module) -> torch.device:
    """Where a model's parameters are.

    Raises:
        ValueError: if it has none.
    """
    first = next(model.parameters(), None)
    if first is None:
        raise ValueError(f"the model ({type(model).__name__}) has no parameters to train")
    return first.device


def synchronize(device: torch.device) -> None:
    """Wait for the device to finish what was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def train_epoch(
    task: Task,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    device: torch.device,
    generator: torch.Generator,
    marks: StepMarks,
) -> tuple[float, int]:
    """One pass over the training split.

    Returns:
        The mean loss, or the first one that is not finite, and the number of steps.
    """
    task.model.train()
    total = torch.zeros((), device=device)
    eager_check = device.type == "cpu"
    steps = 0
    marks.start(owners.DATA)
    try:
        for inputs, targets in batches(task.train, batch_size, device, generator):
            steps += 1
            marks.begin_step()
            marks.mark(owners.OPTIMIZER)
            optimizer.zero_grad(set_to_none=True)
            marks.mark(owners.FORWARD)
            output = task.model(inputs)
            marks.mark(owners.LOSS)
            loss = task.loss(output, targets)
            if eager_check and not math.isfinite(value := float(loss.item())):
                marks.end_step()
                return value, steps
            marks.backward()
            loss.backward()  # type: ignore[no-untyped-call]
            marks.mark(owners.OPTIMIZER)
            optimizer.step()
            marks.mark(owners.REST)
            total += loss.detach() * len(targets)
            marks.end_step()
            marks.mark(owners.DATA)
    except BaseException:
        marks.abandon()
        raise
    return float(total.item()) / len(task.train), steps
