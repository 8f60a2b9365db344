"""Several heads on one encoder, and one of them alone."""

import pytest
import torch
from encoded_tasks import Pairs, TwoHeads

from sweep.errors import ConfigError
from sweep.objective import HeadMetrics
from sweep.paradigms.multitask import MultiTask
from sweep.paradigms.paradigm import Paradigm
from sweep.paradigms.singletask import SingleTask
from sweep.training.evaluation import evaluate
from sweep.training.trainer import Task

CPU = torch.device("cpu")


def task_of(paradigm: Paradigm, objective: TwoHeads) -> Task:
    torch.manual_seed(0)
    (phase,) = paradigm.phases(objective, objective.data())
    assert phase.task is not None
    return phase.task


def test_the_combined_loss_is_the_weighted_mean() -> None:
    objective = TwoHeads()
    heads, data = objective.heads(), objective.data()
    task = task_of(MultiTask(alpha={"total": 3.0}), objective)
    output = task.model(data.train.inputs)
    parts = {name: head.loss(output[name], head.of(data.train.targets)) for name, head in heads.items()}
    expected = (3.0 * parts["total"] + parts["signs"]) / 4.0
    torch.testing.assert_close(task.loss(output, data.train.targets), expected)


def test_a_head_with_weight_0_is_not_trained() -> None:
    objective = TwoHeads()
    task = task_of(MultiTask(alpha={"signs": 0.0}), objective)
    task.loss(task.model(task.train.inputs), task.train.targets).backward()
    gradients = {name: parameter.grad for name, parameter in task.model.named_parameters()}
    assert not gradients["classifier.of.signs.weight"].any()
    assert gradients["classifier.of.total.weight"].any()


def test_the_quality_is_the_mean_of_the_heads_and_each_is_told() -> None:
    objective = TwoHeads()
    task = task_of(MultiTask(), objective)
    found = evaluate(task.model, task.val, task.loss, task.metric, 7, CPU)
    assert set(found.parts) == {"total", "signs"}
    assert found.quality == pytest.approx(sum(found.parts.values()) / 2)
    whole = evaluate(task.model, task.val, task.loss, task.metric, 1000, CPU)
    assert whole.parts == pytest.approx(found.parts)


def test_scores_are_the_mean_over_heads_if_all_have_them() -> None:
    heads = TwoHeads().heads()
    both = {"total": heads["total"], "again": heads["total"]}
    metric = HeadMetrics(both)
    outputs = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]]), torch.tensor([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    metric.update(dict(zip(both, outputs, strict=True)), torch.zeros(3, 3, dtype=torch.int64))
    scores = metric.scores()
    assert scores is not None
    assert scores.tolist() == [1.0, 0.5, 0.5]
    assert float(metric.compute()) == pytest.approx(float(scores.mean()))
    assert HeadMetrics(heads | both).scores() is None, "SignMetric offers none"


def test_a_single_task_has_one_head_and_its_loss() -> None:
    objective = TwoHeads()
    task = task_of(SingleTask("signs"), objective)
    output = task.model(task.val.inputs)
    assert set(output) == {"signs"}
    head = objective.heads()["signs"]
    torch.testing.assert_close(
        task.loss(output, task.val.targets), head.loss(output["signs"], head.of(task.val.targets))
    )
    found = evaluate(task.model, task.val, task.loss, task.metric, 64, CPU)
    assert set(found.parts) == {"signs"}
    judged = SingleTask("signs").judge(objective)
    assert isinstance(judged.metric(), HeadMetrics)


def test_targets_of_one_column_lose_the_axis() -> None:
    heads, targets = TwoHeads().heads(), torch.arange(6).reshape(2, 3)
    assert heads["total"].of(targets).tolist() == [0, 3]
    assert heads["signs"].of(targets).tolist() == [[1, 2], [4, 5]]


@pytest.mark.parametrize(
    ("paradigm", "message"),
    [
        (SingleTask("sings"), "sings is no head of the objective: did you mean signs"),
        (SingleTask(), "names no head: write singletask.total"),
        (MultiTask(alpha={"sings": 1.0}), "alpha names sings, which is no head: name total, signs"),
        (MultiTask(alpha={"signs": 0.0, "total": 0.0}), "the weights alpha of all heads are 0"),
    ],
)
def test_wrong_heads_are_refused(paradigm: Paradigm, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        paradigm.check(TwoHeads())


@pytest.mark.parametrize("paradigm", [MultiTask(), SingleTask("a")])
def test_an_objective_with_one_task_is_refused(paradigm: Paradigm) -> None:
    with pytest.raises(ConfigError, match="Pairs has one task, not several heads"):
        paradigm.check(Pairs())


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_are_checked(weight: float) -> None:
    with pytest.raises(ConfigError, match=r"alpha\.a="):
        MultiTask(alpha={"a": weight})
