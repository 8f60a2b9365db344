"""A classifier on a pretrained encoder, both trained on together."""

from torch import nn

from sweep.objective import Data, EncodedModel, EncoderObjective, Split
from sweep.paradigms.pretraining import Pretraining


class PretrainFinetune(Pretraining):
    """Pretraining, then encoder and classifier together."""

    def downstream(self, objective: EncoderObjective, encoder: nn.Module, data: Data) -> tuple[nn.Module, Split, Split]:
        """The objective's model with the pretrained encoder in it."""
        return EncodedModel(encoder, objective.classifier()), data.train, data.val
