"""A model on a split: its loss, its quality, and what it made of each sample.

Sums and scores stay on the device until the last batch; the quality is read once, and that is the only time the host
waits. Scores (``sweep.metric.Metric``) are put together there and copied by ``kept_scores``, for the epochs whose
weights are kept, and for no others.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sweep.metric import Metric, scores_of
from sweep.objective import Split
from sweep.training.feed import batches

ROUNDING = 1e-4
"""How far the mean of scores may be from the quality, relative to its size (at least 1): sums in float32."""


class Evaluation(NamedTuple):
    """A model on a split.

    Attributes:
        loss: mean over samples.
        quality: ``None`` without a metric.
        parts: qualities of which it is made, by name; empty where the metric has no ``parts``.
        scores: of each sample, on the device, shape ``(n,)``; ``None`` where the metric offers none.
    """

    loss: float
    quality: float | None
    parts: Mapping[str, float]
    scores: Tensor | None


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    split: Split,
    loss: Callable[[Any, Tensor], Tensor],
    metric: Callable[[], Metric] | None,
    batch_size: int,
    device: torch.device,
) -> Evaluation:
    """Mean loss and quality of a split; the model is in its former mode afterwards.

    Raises:
        ValueError: if the metric gives scores, and not one for each sample.
    """
    was_training = model.training
    model.eval()
    try:
        total = torch.zeros((), device=device)
        gathered = metric() if metric is not None else None
        for inputs, targets in batches(split, batch_size, device):
            output = model(inputs)
            total += loss(output, targets) * len(targets)
            if gathered is not None:
                gathered.update(output, targets)
        quality = None if gathered is None else float(gathered.compute())
        parts: Mapping[str, float] = getattr(gathered, "parts", dict)()
        scores = None if gathered is None else scores_of(gathered)
        if scores is not None and scores.shape != (len(split),):
            raise ValueError(
                f"scores() of {type(gathered).__name__} has shape {tuple(scores.shape)}, the split {len(split)} "
                "samples: return one number for each, or drop the method"
            )
        return Evaluation(float(total.item()) / len(split), quality, parts, scores)
    finally:
        model.train(was_training)


def kept_scores(found: Evaluation) -> Tensor | None:
    """The scores on the host, in float32.

    Raises:
        ValueError: if their mean is not the quality.
    """
    if found.scores is None or found.quality is None:
        return None
    scores = found.scores.detach().cpu().float()
    mean = float(scores.mean(dtype=torch.float64))
    if not abs(mean - found.quality) <= ROUNDING * max(1.0, abs(found.quality)):
        raise ValueError(
            f"the mean of the metric's scores() is {mean}, its quality {found.quality}: "
            "return numbers whose mean is the quality, or drop the method"
        )
    return scores
