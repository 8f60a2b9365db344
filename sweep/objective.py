"""The contract of a training task: its data, its model, its loss and its quality.

A task is one importable class; its constructor's annotated parameters are its options (``objective.<option>``).

    class MyTask(Objective):
        def __init__(self, width: int = 32) -> None: ...
        def data(self) -> Data: ...
        def model(self) -> nn.Module: ...

Tensors may live on the host; the trainer moves what fits to the device, once. Limits: inputs and targets are one
tensor each with samples along the first axis.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from sweep.errors import DataError, FetchError
from sweep.records import DataInfo


class Split(NamedTuple):
    """One part of the data.

    Attributes:
        inputs: shape ``(n, ...)``.
        targets: shape ``(n, ...)``; class indices of type int64 for the default loss.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        """Number of samples, not of fields."""
        return int(self.inputs.shape[0])


class Data(NamedTuple):
    """All parts of the data. Choosing is done on ``val``; ``test`` is looked at once, for what is recommended."""

    train: Split
    val: Split
    test: Split | None = None
    source: str = "local"
    description: str = ""
    split: str = "as given by the task"
    notice: str | None = None
    mend: str | None = None

    def info(self) -> DataInfo:
        """Sizes, origin and digest of the tensors.

        Raises:
            DataError: if a part is no ``Split`` of two tensors, is empty, or its inputs and targets differ in
                length; if there is nothing to train or to validate on.
        """
        parts = {"train": self.train, "val": self.val, "test": self.test}
        digest = hashlib.sha256()
        for name, part in parts.items():
            if part is None and name == "test":
                continue
            _check_part(name, part)
            assert part is not None
            for tensor in part:
                digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
                flat = tensor.detach().cpu().contiguous().as_strided((tensor.numel(),), (1,))
                digest.update(flat.view(torch.uint8).numpy().data)
        return DataInfo(
            source=self.source,
            description=self.description,
            digest=digest.hexdigest()[:16],
            split=self.split,
            n_train=len(self.train),
            n_val=len(self.val),
            n_test=len(self.test) if self.test is not None else 0,
            notice=self.notice,
            mend=self.mend,
        )


def _check_part(name: str, part: object) -> None:
    """Refuse what the trainer cannot take: a DataLoader, arrays, unequal lengths."""
    if not isinstance(part, Split) or not all(isinstance(t, Tensor) and t.ndim for t in part):
        kinds = f" of {' and '.join(type(t).__name__ for t in part)}" if isinstance(part, Split) else ""
        raise DataError(
            f"the {name} split is a {type(part).__name__}{kinds}",
            "give Split(inputs, targets) of two tensors with samples along the first axis",
        )
    if len(part) == 0 or len(part) != part.targets.shape[0]:
        raise DataError(
            f"the {name} split has {len(part)} inputs and {part.targets.shape[0]} targets",
            "give at least one sample, and one target for each",
        )


class Metric(Protocol):
    """Quality of a split, gathered batch by batch on the device; torchmetrics objects fit."""

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add one batch."""

    def compute(self) -> Tensor:
        """The quality so far, a finite scalar on the device; larger is better."""


class Accuracy:
    """Share of samples whose largest output is the target. In [0, 1]."""

    def __init__(self) -> None:
        self._right: Tensor | int = 0
        self._seen = 0

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add a batch: ``output`` of shape ``(n, classes)``, ``target`` of shape ``(n,)``."""
        self._right = self._right + (output.argmax(dim=1) == target).sum()
        self._seen += int(target.shape[0])

    def compute(self) -> Tensor:
        """Accuracy over all batches so far."""
        return torch.as_tensor(self._right) / max(self._seen, 1)


class Objective(ABC):
    """A training task.

    Attributes:
        quality_name: name of the quality that ``metric`` gives; larger is better.
    """

    quality_name: ClassVar[str] = "accuracy"

    @abstractmethod
    def data(self) -> Data:
        """Load the data; called once for a set of options.

        Raises:
            DataError: if they cannot be used.
        """

    @abstractmethod
    def model(self) -> nn.Module:
        """A freshly initialised model; the random seed is set before the call, ``data`` was called before."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean loss of a batch. Default: cross-entropy."""
        return nn.functional.cross_entropy(output, target)

    def metric(self) -> Metric:
        """A fresh accumulator of the quality. Default: accuracy."""
        return Accuracy()

    @classmethod
    def fetch(cls, folder: Path | None, progress: Callable[[int, int | None], None]) -> Path:
        """Download the task's data.

        Args:
            folder: where to; ``None`` for where the task looks for them.
            progress: called with bytes so far and bytes in all (``None`` if unknown).

        Returns:
            The folder that now holds the data.

        Raises:
            FetchError: if the task has nothing to fetch, or the download did not arrive whole.
        """
        raise FetchError(f"{cls.__name__} has no data to fetch", "point objective.path at your own copy")
