"""Encoder and classifier trained together from random weights, in one phase."""

from collections.abc import Iterator

from torch import nn

from sweep.objective import Data, Objective
from sweep.paradigms.paradigm import Paradigm, Phase
from sweep.training.trainer import Task


class Baseline(Paradigm):
    """The objective's model, trained on its loss."""

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """One phase, ``supervised``."""
        model = self.model(objective)
        yield Phase("supervised", Task(model, data.train, data.val, objective.loss, objective.metric))

    def model(self, objective: Objective) -> nn.Module:
        """The objective's own."""
        return objective.model()
