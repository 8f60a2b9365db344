"""The contract of a training task: its data, its model, its loss and its quality.

A task is one importable class; its constructor's annotated parameters are its options (``objective.<option>``).

    class MyTask(Objective):
        def __init__(self, width: int = 32) -> None: ...
        def data(self) -> Data: ...
        def model(self) -> nn.Module: ...

A task whose model is an encoder with something on it is an ``EncoderObjective``: paradigms take it apart, to pretrain
the encoder as half of an autoencoder, to freeze it, or to put several heads on it (``MultiTaskObjective``).

Tensors may live on the host; the trainer moves what fits to the device, once. Limits: inputs and targets are one
tensor each with samples along the first axis; several heads share one tensor of targets, a column or more for each.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from sweep.errors import DataError, FetchError
from sweep.metric import Accuracy, Metric, scores_of
from sweep.records import DataInfo, SampleGroups

__all__ = [
    "Accuracy",
    "Data",
    "EncodedModel",
    "EncoderObjective",
    "Head",
    "HeadMetrics",
    "Heads",
    "Metric",
    "MultiTaskObjective",
    "Objective",
    "Split",
]


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
    """All parts of the data. Choosing is done on ``val``; ``test`` is looked at once, for what is recommended.

    Attributes:
        notice: something every reader of the report must know.
        mend: the command that removes the reason of ``notice``.
        val_groups: one label for each validation sample, e.g. whom it was taken from; ``None`` for samples that are
            independent of each other. With five groups or more the uncertainty of a quality rests on them.
        val_group: what one group is, in the singular.
    """

    train: Split
    val: Split
    test: Split | None = None
    source: str = "local"
    description: str = ""
    split: str = "as given by the task"
    notice: str | None = None
    mend: str | None = None
    val_groups: Sequence[int | str] | None = None
    val_group: str = "subject"

    def info(self) -> DataInfo:
        """Sizes, origin and digest of the tensors.

        Raises:
            DataError: if a part is no ``Split`` of two tensors, is empty, or its inputs and targets differ in
                length; if there is nothing to train or to validate on; if not every validation sample has a group.
        """
        parts = {"train": self.train, "val": self.val, "test": self.test}
        digest, val_digest = hashlib.sha256(), hashlib.sha256()
        for name, part in parts.items():
            if part is None and name == "test":
                continue
            _check_part(name, part)
            assert part is not None
            for taken in (digest, val_digest) if name == "val" else (digest,):
                _feed(taken, name, part)
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
            val_digest=val_digest.hexdigest()[:16],
            val_groups=self._groups(),
        )

    def _groups(self) -> SampleGroups | None:
        if self.val_groups is None:
            return None
        if len(self.val_groups) != len(self.val):
            raise DataError(
                f"val_groups has {len(self.val_groups)} labels, the val split {len(self.val)} samples",
                "give one label for each validation sample, in its order, or none at all",
            )
        return SampleGroups.pack(self.val_groups, self.val_group)


def _feed(digest: "hashlib._Hash", name: str, part: Split) -> None:
    """Add the tensors of a part to a digest."""
    for tensor in part:
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        flat = tensor.detach().cpu().contiguous().as_strided((tensor.numel(),), (1,))
        digest.update(flat.view(torch.uint8).numpy().data)


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


class EncodedModel(nn.Module):
    """An encoder with a classifier, or a decoder, on its features.

    Attributes:
        encoder: inputs to features.
        classifier: features to outputs.
    """

    def __init__(self, encoder: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = classifier

    def forward(self, inputs: Tensor) -> Any:
        """What the classifier makes of the features."""
        return self.classifier(self.encoder(inputs))


class EncoderObjective(Objective):
    """A task whose model is an encoder with a classifier on its features."""

    @abstractmethod
    def encoder(self) -> nn.Module:
        """A freshly initialised encoder: inputs to features, a tensor with samples along the first axis."""

    @abstractmethod
    def classifier(self) -> nn.Module:
        """A freshly initialised classifier: features to outputs."""

    @abstractmethod
    def decoder(self) -> nn.Module:
        """A freshly initialised decoder: features to something of the shape of the inputs."""

    def model(self) -> nn.Module:
        """The encoder with the classifier."""
        return EncodedModel(self.encoder(), self.classifier())

    def reconstruction_loss(self, output: Tensor, inputs: Tensor) -> Tensor:
        """Mean loss of a decoded batch. Default: mean squared error."""
        return nn.functional.mse_loss(output, inputs)


class Head(NamedTuple):
    """One of several tasks on the same inputs.

    Attributes:
        columns: of the targets, shape ``(n, k)``, that belong to it; of a single one the axis is dropped.
        classifier: makes a fresh classifier on the encoder's features.
        loss: mean loss of a batch from its output and its targets.
        metric: makes a fresh accumulator of its quality.
    """

    columns: tuple[int, ...]
    classifier: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy
    metric: Callable[[], Metric] = Accuracy

    def of(self, targets: Tensor) -> Tensor:
        """Its own targets: ``(n,)`` for one column, ``(n, len(columns))`` for several."""
        return targets[:, self.columns[0]] if len(self.columns) == 1 else targets[:, list(self.columns)]


class Heads(nn.Module):
    """Classifiers side by side on the same features; their outputs by name."""

    def __init__(self, classifiers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        taken = nn.ModuleDict()  # a module cannot have every name: "type" and "train" are methods of it
        self._attributes = {name: f"{name}_head" if hasattr(taken, name) else name for name in classifiers}
        self.of = nn.ModuleDict({self._attributes[name]: classifier for name, classifier in classifiers.items()})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Outputs by head."""
        return {name: self.of[attribute](features) for name, attribute in self._attributes.items()}


class HeadMetrics:
    """Quality of each head, and their mean."""

    def __init__(self, heads: Mapping[str, Head]) -> None:
        self._heads = heads
        self._metrics = {name: head.metric() for name, head in heads.items()}

    def update(self, output: Mapping[str, Tensor], target: Tensor) -> None:
        """Add a batch: outputs by head, ``target`` of shape ``(n, k)``."""
        for name, metric in self._metrics.items():
            metric.update(output[name], self._heads[name].of(target))

    def compute(self) -> Tensor:
        """Mean of the heads' qualities."""
        return torch.stack([metric.compute().float() for metric in self._metrics.values()]).mean()

    def scores(self) -> Tensor | None:
        """Mean of the heads' scores of each sample; ``None`` if a head has none."""
        found = [scores_of(metric) for metric in self._metrics.values()]
        known = [scores.float() for scores in found if scores is not None]
        return torch.stack(known).mean(dim=0) if len(known) == len(found) else None

    def parts(self) -> dict[str, float]:
        """Quality of each head."""
        return {name: float(metric.compute()) for name, metric in self._metrics.items()}


class MultiTaskObjective(EncoderObjective):
    """Several tasks on the same inputs: one encoder, a head for each.

    As an ordinary objective it is all of them at once, with equal weights; paradigms choose heads and weights.
    """

    quality_name: ClassVar[str] = "mean quality of the heads"

    @abstractmethod
    def heads(self) -> Mapping[str, Head]:
        """The heads by name; ``data`` was called before."""

    def classifier(self) -> nn.Module:
        """All heads."""
        return Heads({name: head.classifier() for name, head in self.heads().items()})

    def loss(self, output: Any, target: Tensor) -> Tensor:
        """Mean of the heads' losses."""
        return self.weighted_loss({})(output, target)

    def weighted_loss(self, weights: Mapping[str, float]) -> Callable[[Mapping[str, Tensor], Tensor], Tensor]:
        """Weighted mean of the losses of the heads that the output has; a head without a weight has 1."""
        heads = self.heads()

        def loss(output: Mapping[str, Tensor], target: Tensor) -> Tensor:
            own = {name: weights.get(name, 1.0) for name in output}
            terms = [own[name] * heads[name].loss(output[name], heads[name].of(target)) for name in output]
            return torch.stack(terms).sum() / sum(own.values())

        return loss

    def metric(self) -> Metric:
        """Quality of each head, and their mean."""
        return HeadMetrics(self.heads())
