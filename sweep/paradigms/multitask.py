"""One encoder with all heads on it, trained on the weighted mean of their losses.

    L = sum_h alpha_h L_h / sum_h alpha_h

The combined loss of "The Power of Training" (figure 2c). The quality is the mean over heads; that of each head is in
the record.
"""

from collections.abc import Iterator, Mapping

from torch import nn

from sweep.errors import ConfigError
from sweep.objective import Data, EncodedModel, Head, Heads, MultiTaskObjective, Objective
from sweep.paradigms.paradigm import Paradigm, Phase
from sweep.paradigms.pretraining import SUPERVISED
from sweep.training.trainer import Task


class MultiTask(Paradigm):
    """All heads at once.

    Args:
        alpha: weight of each head's loss by name; 1 for one that is not named.

    Raises:
        ConfigError: for a weight that is negative, or if all that are given are 0.
    """

    def __init__(self, alpha: dict[str, float] | None = None) -> None:
        self._alpha: Mapping[str, float] = alpha or {}
        for name, weight in self._alpha.items():
            if not 0 <= weight < float("inf"):
                raise ConfigError(f"alpha.{name}={weight} is not a weight", "give 0 or more")

    def check(self, objective: Objective) -> None:
        """Heads are needed, and a weight above 0."""
        heads = heads_of(objective)
        unknown = sorted(set(self._alpha) - set(heads))
        if unknown:
            raise ConfigError(f"alpha names {', '.join(unknown)}, which is no head", f"name {', '.join(heads)}")
        if not any(self._alpha.get(name, 1.0) > 0 for name in heads):
            raise ConfigError("the weights alpha of all heads are 0", "give one of them more")

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """One phase, ``supervised``."""
        self.check(objective)
        assert isinstance(objective, MultiTaskObjective)
        loss = objective.weighted_loss(self._alpha)
        task = Task(self.model(objective), data.train, data.val, loss, objective.metric)
        yield Phase(SUPERVISED, task)

    def model(self, objective: Objective) -> nn.Module:
        """Encoder and all heads."""
        heads = heads_of(objective)
        assert isinstance(objective, MultiTaskObjective)
        return EncodedModel(objective.encoder(), Heads({name: head.classifier() for name, head in heads.items()}))


def heads_of(objective: Objective) -> Mapping[str, Head]:
    """The heads of an objective.

    Raises:
        ConfigError: if it has none.
    """
    if not isinstance(objective, MultiTaskObjective):
        raise ConfigError(
            f"{type(objective).__name__} has one task, not several heads",
            "make it a sweep.objective.MultiTaskObjective, or take the paradigm out of search.space.paradigm",
        )
    return objective.heads()
