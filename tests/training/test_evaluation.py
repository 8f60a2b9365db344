"""A model on a split: scores of its samples, in order, whatever the batches; and metrics that break their word."""

import math

import pytest
import torch
from torch import Tensor, nn

from sweep.objective import Accuracy, Split
from sweep.training.evaluation import Evaluation, evaluate, kept_scores

CPU = torch.device("cpu")
SPLIT = Split(torch.randn(23, 3, generator=torch.Generator().manual_seed(0)), torch.arange(23) % 2)


def on_split(metric: type, batch_size: int = 7) -> Evaluation:
    torch.manual_seed(1)
    return evaluate(nn.Linear(3, 2), SPLIT, nn.functional.cross_entropy, metric, batch_size, CPU)


def test_scores_stand_in_the_order_of_the_split() -> None:
    found = on_split(Accuracy)
    torch.manual_seed(1)
    right = nn.Linear(3, 2)(SPLIT.inputs).argmax(dim=1) == SPLIT.targets
    scores = kept_scores(found)
    assert scores is not None
    assert scores.tolist() == right.float().tolist()
    assert 0 < right.sum() < 23
    assert found.quality == pytest.approx(float(scores.mean()))


def test_the_batches_do_not_matter() -> None:
    few, many = (kept_scores(on_split(Accuracy, size)) for size in (1000, 2))
    assert few is not None
    assert many is not None
    assert torch.equal(few, many)


class Plain:
    """A metric without scores, but with something of that name, as a foreign metric may have."""

    scores: list[float] = []  # noqa: RUF012

    def update(self, output: Tensor, target: Tensor) -> None:
        self.scores = [*self.scores, 1.0]

    def compute(self) -> Tensor:
        return torch.tensor(0.5)


def test_a_metric_without_scores_is_fine() -> None:
    assert kept_scores(on_split(Plain)) is None


class Short(Accuracy):
    def scores(self) -> Tensor:
        return super().scores()[:5]


class Wrong(Accuracy):
    def scores(self) -> Tensor:
        return super().scores() + 0.5


def test_scores_that_are_not_one_for_each_sample_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scores\(\) of Short has shape \(5,\), the split 23 samples"):
        on_split(Short)


def test_scores_whose_mean_is_not_the_quality_are_refused() -> None:
    with pytest.raises(ValueError, match="return numbers whose mean is the quality"):
        kept_scores(on_split(Wrong))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_scores_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="return numbers whose mean is the quality"):
        kept_scores(Evaluation(0.1, 0.5, {}, torch.tensor([0.5, value])))
