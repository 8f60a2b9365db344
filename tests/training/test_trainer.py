"""The loop on a toy task: what it keeps, when it stops, and what it marks."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sweep.config import Monitor, TrainerConfig
from sweep.energy.activities import Span
from sweep.objective import Accuracy, Split
from sweep.records import StopReason
from sweep.study.weights import Checkpoints
from sweep.training.evaluation import evaluate
from sweep.training.trainer import EpochResult, PhaseResult, Task, train

CPU = torch.device("cpu")


class Ticks:
    """A recorder whose clock counts the marks."""

    def __init__(self) -> None:
        self.now = 0.0

    def mark(self) -> float:
        self.now += 1.0
        return self.now


class Scripted:
    """A metric that reports a scripted quality for each epoch."""

    values: list[float] = []  # noqa: RUF012

    def update(self, output: Tensor, target: Tensor) -> None:
        pass

    def compute(self) -> Tensor:
        return torch.tensor(type(self).values.pop(0))


def make_task(metric: type | None = Accuracy) -> Task:
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(60) % 2
    inputs = torch.randn(60, 3, generator=generator) + targets.unsqueeze(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    return Task(
        model, Split(inputs[:40], targets[:40]), Split(inputs[40:], targets[40:]), nn.functional.cross_entropy, metric
    )


def run(task: Task, config: TrainerConfig, folder: Path) -> tuple[PhaseResult, list[EpochResult]]:
    result, heard = PhaseResult("supervised", config.batch_size), []
    train(task, config, result, recorder=Ticks(), keeper=Checkpoints(folder), seed=0, on_epoch=heard.append)  # type: ignore[arg-type]
    return result, heard


def test_stops_when_patience_runs_out_and_keeps_the_best(tmp_path: Path) -> None:
    Scripted.values = [0.5, 0.7, 0.6, 0.7, 0.6]
    result, heard = run(make_task(Scripted), TrainerConfig(patience=3, max_epochs=50), tmp_path)
    assert result.stop_reason == StopReason.EARLY_STOPPING
    assert [e.quality for e in heard] == pytest.approx([0.5, 0.7, 0.6, 0.7, 0.6])
    assert result.best_epoch == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.pt", "2.pt"]


def test_the_model_leaves_with_the_weights_of_the_best_epoch(tmp_path: Path) -> None:
    Scripted.values = [0.9, 0.1, 0.1]
    task = make_task(Scripted)
    run(task, TrainerConfig(patience=2, lr=0.1), tmp_path)
    saved = torch.load(tmp_path / "1.pt", weights_only=True)
    assert all(torch.equal(saved[name], value) for name, value in task.model.state_dict().items())


def test_the_scores_are_those_of_the_weights_that_are_kept(tmp_path: Path) -> None:
    task = make_task()
    result, heard = run(task, TrainerConfig(patience=4, max_epochs=12, lr=0.3), tmp_path)
    with torch.no_grad():
        right = task.model.eval()(task.val.inputs).argmax(dim=1) == task.val.targets
    assert len({e.quality for e in heard}) > 1
    assert result.scores is not None
    assert torch.equal(result.scores, right.float())
    assert float(result.scores.mean()) == pytest.approx(heard[result.best_epoch - 1].quality)


def test_max_epochs_ends_a_training_that_still_improves(tmp_path: Path) -> None:
    Scripted.values = [0.1, 0.2, 0.3]
    result, _ = run(make_task(Scripted), TrainerConfig(max_epochs=3, patience=5), tmp_path)
    assert (result.stop_reason, result.best_epoch) == (StopReason.MAX_EPOCHS, 3)


def test_early_stopping_may_watch_the_loss_while_quality_chooses_the_weights(tmp_path: Path) -> None:
    Scripted.values = [0.5 + 0.01 * i for i in range(50)]
    config = TrainerConfig(max_epochs=50, patience=2, monitor=Monitor.loss, lr=5.0)
    result, heard = run(make_task(Scripted), config, tmp_path)
    assert result.stop_reason == StopReason.EARLY_STOPPING
    assert result.best_epoch == len(heard)


def test_a_phase_without_quality_is_judged_by_its_loss(tmp_path: Path) -> None:
    result, heard = run(make_task(None), TrainerConfig(max_epochs=8, patience=8, lr=0.01), tmp_path)
    losses = [e.val_loss for e in heard]
    assert all(e.quality is None for e in heard)
    assert result.best_epoch == 1 + losses.index(min(losses))


def test_a_non_finite_loss_ends_the_training_within_the_epoch(tmp_path: Path) -> None:
    task, calls = make_task(), []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        value = nn.functional.cross_entropy(output, target)
        return value * math.nan if len(calls) == 3 else value

    task = Task(task.model, task.train, task.val, loss, task.metric)
    result, heard = run(task, TrainerConfig(batch_size=4, max_epochs=50), tmp_path)
    assert result.stop_reason == StopReason.DIVERGED
    assert len(calls) == 3
    assert heard == []
    assert math.isnan(result.epochs[-1].loss)


def test_activities_follow_each_other_without_overlap(tmp_path: Path) -> None:
    Scripted.values = [0.5, 0.6]
    result, _ = run(make_task(Scripted), TrainerConfig(max_epochs=2), tmp_path)
    assert [s.activity for s in result.spans] == ["train", "validation", "checkpoint"] * 2 + ["checkpoint"]
    pairs: list[tuple[Span, Span]] = list(zip(result.spans, result.spans[1:], strict=False))
    assert all(a.end_s <= b.start_s for a, b in pairs)


def test_training_is_a_function_of_the_seed(tmp_path: Path) -> None:
    config = TrainerConfig(batch_size=8, max_epochs=3)
    first, second = (run(make_task(), config, tmp_path / str(i))[0].epochs for i in range(2))
    assert [e.loss for e in first] == [e.loss for e in second]


@pytest.mark.parametrize("was_training", [True, False])
def test_evaluation_leaves_the_mode_as_it_was(was_training: bool) -> None:
    task = make_task()
    task.model.train(was_training)
    loss, quality, *_ = evaluate(task.model, task.val, task.loss, Accuracy, 7, CPU)
    whole_loss, whole, *_ = evaluate(task.model, task.val, task.loss, Accuracy, 1000, CPU)
    assert task.model.training is was_training
    assert (loss, quality) == (pytest.approx(whole_loss), pytest.approx(whole))


def test_a_quality_that_is_never_a_number_is_said(tmp_path: Path) -> None:
    class Undefined(Scripted):
        values = [math.nan, math.inf]  # noqa: RUF012

    with pytest.raises(ValueError, match="the quality was not a finite number in any of 2 epochs"):
        run(make_task(Undefined), TrainerConfig(max_epochs=2), tmp_path)


def test_an_epoch_without_a_quality_is_not_the_best(tmp_path: Path) -> None:
    class Gap(Scripted):
        values = [math.nan, 0.5, math.inf]  # noqa: RUF012

    result, _ = run(make_task(Gap), TrainerConfig(max_epochs=3), tmp_path)
    assert result.best_epoch == 2


def test_a_quality_may_be_a_python_number() -> None:
    class Plain:
        def update(self, output: Tensor, target: Tensor) -> None:
            pass

        def compute(self) -> float:
            return -3.5

    task = make_task()
    assert evaluate(task.model, task.val, task.loss, Plain, 8, CPU)[1] == -3.5  # type: ignore[arg-type]


def test_a_model_without_parameters_is_said(tmp_path: Path) -> None:
    task = replace(make_task(), model=nn.Identity())
    with pytest.raises(ValueError, match=r"the model \(Identity\) has no parameters to train"):
        run(task, TrainerConfig(), tmp_path)
