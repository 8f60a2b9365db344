"""A classifier on a pretrained encoder that is frozen: no gradient is computed for it."""

import torch
from torch import nn

from sweep.objective import Data, EncoderObjective, Split
from sweep.paradigms.pretraining import FrozenModel, OnFeatures, Pretraining, features_of


class PretrainFrozen(Pretraining):
    """Pretraining, then a classifier alone.

    Args:
        cache_features: whether the features of all samples are computed once, before the classifier is trained,
            instead of in each epoch.
        max_epochs: upper bound of the pretraining's epochs; ``None`` for ``trainer.max_epochs``.
    """

    def __init__(self, *, cache_features: bool = False, max_epochs: int | None = None) -> None:
        super().__init__(max_epochs=max_epochs)
        self._cache_features = cache_features

    def downstream(self, objective: EncoderObjective, encoder: nn.Module, data: Data) -> tuple[nn.Module, Split, Split]:
        """A classifier on inputs, or on features."""
        if not self._cache_features:
            return FrozenModel(encoder, objective.classifier()), data.train, data.val
        model = OnFeatures(encoder, objective.classifier()).eval()
        train, val = (Split(_features(model.encoder, part), part.targets) for part in (data.train, data.val))
        return model, train, val


def _features(encoder: nn.Module, part: Split) -> torch.Tensor:
    device = next(encoder.parameters()).device
    return features_of(encoder, part.inputs.to(device))
