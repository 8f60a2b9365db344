"""Pretraining: the encoder is first one half of an autoencoder, then a classifier is trained on its features.

    pretraining   inputs -> encoder -> decoder -> inputs      until the validation loss no longer falls; shared
    supervised    inputs -> encoder -> classifier             the encoder frozen, or trained on (finetune)

The procedure of "The Power of Training" (figure 1). A frozen encoder is in evaluation mode (no dropout, stored
statistics of batch normalisation) and computes no gradient, so its features depend on the inputs alone and may be
computed once (``cache_features``); the joules of that are in the ``data`` activity of the supervised phase.

Limits: features are cached in the device's memory, all of training and validation at once.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from sweep.errors import ConfigError
from sweep.objective import Data, EncodedModel, EncoderObjective, Objective, Split
from sweep.paradigms.paradigm import Paradigm, Phase
from sweep.training.trainer import Task

PRETRAINING = "pretraining"
SUPERVISED = "supervised"
CHUNK = 1024
"""Samples of which features are computed at once."""


class Pretraining(Paradigm):
    """An autoencoder first, then a classifier on its encoder.

    Args:
        max_epochs: upper bound of the pretraining's epochs; ``None`` for ``trainer.max_epochs``.

    Raises:
        ConfigError: if it is below 1.
    """

    def __init__(self, *, max_epochs: int | None = None) -> None:
        if max_epochs is not None and max_epochs < 1:
            raise ConfigError(f"max_epochs={max_epochs} is below 1", "set it to 1 or more, or to null")
        self._max_epochs = max_epochs

    def check(self, objective: Objective) -> None:
        """An encoder is needed."""
        _encoded(objective)

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """``pretraining`` and ``supervised``."""
        task = _encoded(objective)
        autoencoder = EncodedModel(task.encoder(), task.decoder())
        train, val = (Split(part.inputs, part.inputs) for part in (data.train, data.val))
        pretraining = Task(autoencoder, train, val, task.reconstruction_loss, None)
        yield Phase(PRETRAINING, pretraining, shared=True, max_epochs=self._max_epochs)
        model, train, val = self.downstream(task, autoencoder.encoder, data)
        supervised = Task(model, train, val, objective.loss, objective.metric)
        yield Phase(SUPERVISED, supervised, results={"cached_features": float(isinstance(model, OnFeatures))})

    def model(self, objective: Objective) -> nn.Module:
        """Encoder and classifier."""
        task = _encoded(objective)
        return EncodedModel(task.encoder(), task.classifier())

    @abstractmethod
    def downstream(self, objective: EncoderObjective, encoder: nn.Module, data: Data) -> tuple[nn.Module, Split, Split]:
        """The model that follows on a pretrained encoder, and what it is trained and validated on."""


class FrozenModel(EncodedModel):
    """A classifier on an encoder that is not trained."""

    def __init__(self, encoder: nn.Module, classifier: nn.Module) -> None:
        super().__init__(encoder.requires_grad_(requires_grad=False), classifier)

    def train(self, mode: bool = True) -> "FrozenModel":  # noqa: FBT001, FBT002 - torch's signature
        """Set the mode of the classifier; the encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, inputs: Tensor) -> Any:
        """What the classifier makes of the features."""
        with torch.no_grad():
            features = self.encoder(inputs)
        return self.classifier(features)


class OnFeatures(FrozenModel):
    """The same, fed with features that were computed before; its weights fit ``EncodedModel``."""

    def forward(self, inputs: Tensor) -> Any:
        """What the classifier makes of the features."""
        return self.classifier(inputs)


def features_of(encoder: nn.Module, inputs: Tensor) -> Tensor:
    """Features of all inputs, in the mode in which the encoder is.

    Raises:
        ConfigError: if they are not the same twice.
    """
    with torch.inference_mode():
        twice = [encoder(inputs[:CHUNK]) for _ in range(2)]
        if not torch.equal(*twice):
            raise ConfigError(
                "the encoder gives other features each time, even in evaluation mode, so they cannot be computed once",
                "set cache_features to false, or take what is random out of the encoder",
            )
        parts = [twice[0], *(encoder(inputs[start : start + CHUNK]) for start in range(CHUNK, len(inputs), CHUNK))]
    return torch.cat(parts)


def _encoded(objective: Objective) -> EncoderObjective:
    if not isinstance(objective, EncoderObjective):
        raise ConfigError(
            f"{type(objective).__name__} has no encoder that could be pretrained",
            "make it a sweep.objective.EncoderObjective, or take the paradigm out of search.space.paradigm",
        )
    return objective
