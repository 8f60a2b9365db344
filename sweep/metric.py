"""The quality of a model on a split: what gathers it, batch by batch on the device.

    metric = Accuracy();  for each batch: metric.update(output, target);  metric.compute()

Limits: ``scores`` exist only where a quality is the mean of one number for each sample; an F1 score is not.
"""

from typing import Any, Protocol

import torch
from torch import Tensor


class Metric(Protocol):
    """Quality of a split, gathered batch by batch on the device; torchmetrics objects fit.

    A metric that is the mean of one number for each sample may say so with ``scores() -> Tensor``: these numbers in
    order, shape ``(n,)``, on the device. They tell how much of a difference between two models the choice of the
    validation samples makes.
    """

    def update(self, output: Any, target: Tensor) -> None:
        """Add one batch: what the model made of it, mostly a tensor."""

    def compute(self) -> Tensor:
        """The quality so far, a finite scalar on the device; larger is better."""


def scores_of(metric: Metric) -> Tensor | None:
    """One number for each sample so far, whose mean is the quality; ``None`` if the metric offers none."""
    scores = getattr(metric, "scores", None)
    return scores() if callable(scores) else None


class Accuracy:
    """Share of samples whose largest output is the target. In [0, 1]."""

    def __init__(self) -> None:
        self._right: list[Tensor] = []

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add a batch: ``output`` of shape ``(n, classes)``, ``target`` of shape ``(n,)``."""
        self._right.append(output.argmax(dim=1) == target)

    def compute(self) -> Tensor:
        """Accuracy over all batches so far."""
        right = self._all()
        return right.sum() / max(len(right), 1)

    def scores(self) -> Tensor:
        """1 for each sample that is told right, 0 for the others."""
        return self._all().float()

    def _all(self) -> Tensor:
        return torch.cat(self._right) if self._right else torch.zeros(0, dtype=torch.bool)
