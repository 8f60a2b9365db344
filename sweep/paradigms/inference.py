"""The objective's model, trained, and then served: joules of predictions over batch sizes.

    supervised     training, as the baseline
    inference      batch_1, batch_8, ...: predictions on validation inputs, in batches of so many, until ``min_s``

After each batch the device is waited for, as a server must before it answers; a batch is served as it lies on the
device. Results hold samples and seconds of each batch size; joules are in the record's activities, and
``sweep.analysis.inference`` brings them together.

Limits: copying inputs to the device and answers back is not counted, nor is waiting for requests: a server that idles
draws power that no prediction is to blame for.
"""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from sweep.errors import ConfigError
from sweep.objective import Data, Objective, Split
from sweep.paradigms._passes import MIN_S, check_min_s, repeat
from sweep.paradigms.paradigm import Activity, Paradigm, Phase
from sweep.training.memory import PeakMemory
from sweep.training.trainer import Task, device_of, synchronize

BATCH_SIZES = (1, 8, 64, 512)
MAX_BATCHES = 32
"""Different batches that are served in turn."""
WARM_UP = 3
"""Batches of each size before it is measured: what is compiled or allocated once is no part of a prediction."""


class Inference(Paradigm):
    """Training, then prediction.

    Args:
        batch_sizes: to serve in; ``None`` for 1, 8, 64 and 512.
        min_s: seconds of predictions for each of them, at least; long enough for the meter (``_passes``).

    Raises:
        ConfigError: if a batch size is below 1, given twice, or ``min_s`` is negative.
    """

    def __init__(self, batch_sizes: list[int] | None = None, min_s: float = MIN_S) -> None:
        self._sizes = tuple(BATCH_SIZES if batch_sizes is None else batch_sizes)
        self._min_s = min_s
        check_min_s(min_s, "paradigms.inference")
        if not self._sizes or min(self._sizes) < 1 or len(set(self._sizes)) < len(self._sizes):
            raise ConfigError(
                f"paradigms.inference.batch_sizes={list(self._sizes)} is empty, holds a size twice or one below 1",
                f"set paradigms.inference.batch_sizes={list(BATCH_SIZES)}",
            )

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """``supervised``, then ``inference``."""
        peak = PeakMemory()
        model = self.model(objective)
        yield Phase("supervised", Task(model, data.train, data.val, objective.loss, objective.metric))
        trained: dict[str, float | None] = {"peak_memory_bytes": peak.peak_bytes(device_of(model))}
        yield Phase("inference", work=lambda activity: trained | self._serve(model, data.val, activity))

    def model(self, objective: Objective) -> nn.Module:
        """The objective's own."""
        return objective.model()

    @torch.inference_mode()
    def _serve(self, model: nn.Module, split: Split, activity: Activity) -> dict[str, float | None]:
        """Predict in batches of each size; the model is in its former mode afterwards."""
        device, was_training = device_of(model), model.training
        model.eval()
        try:
            results: dict[str, float | None] = {}
            for size in self._sizes:
                predict = _server(model, [batch.to(device) for batch in _batches(split.inputs, size)])
                for _ in range(WARM_UP):
                    predict()
                synchronize(device)
                with activity(f"batch_{size}"):
                    passes = repeat(predict, self._min_s, device)
                results[f"batch_{size}_samples"] = float(passes.n * size)
                results[f"batch_{size}_s"] = passes.duration_s
            return results
        finally:
            model.train(was_training)


def _server(model: nn.Module, batches: list[Tensor]) -> Callable[[], object]:
    """Predicts the next of the batches, over and over."""
    turns = itertools.cycle(batches)
    return lambda: model(next(turns))


def _batches(inputs: Tensor, size: int) -> list[Tensor]:
    """Full batches; of fewer samples than one needs some enter it several times."""
    n = len(inputs)
    if size > n:
        return [inputs[torch.arange(size, device=inputs.device) % n]]
    starts = range(0, min(n - size, size * (MAX_BATCHES - 1)) + 1, size)
    return [inputs[start : start + size] for start in starts]
