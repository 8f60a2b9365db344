"""One encoder with one of the heads on it: what multi-task learning is compared with.

The head is named after the dot in the dimension ``paradigm``, as in ``singletask.identity``.
"""

from collections.abc import Iterator

from torch import nn

from sweep.errors import ConfigError
from sweep.objective import Data, EncodedModel, HeadMetrics, Heads, MultiTaskObjective, Objective
from sweep.paradigms.multitask import heads_of
from sweep.paradigms.paradigm import Judge, Paradigm, Phase
from sweep.paradigms.pretraining import SUPERVISED
from sweep.training.trainer import Task
from sweep.typed import unknown_mend


class SingleTask(Paradigm):
    """One head alone.

    Args:
        head: its name.
    """

    def __init__(self, head: str | None = None) -> None:
        self._head = head

    def check(self, objective: Objective) -> None:
        """The head must be there."""
        self._name(objective)

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """One phase, ``supervised``."""
        yield Phase(SUPERVISED, Task(self.model(objective), data.train, data.val, *self.judge(objective)))

    def judge(self, objective: Objective) -> Judge:
        """Loss and quality of the head."""
        name = self._name(objective)
        assert isinstance(objective, MultiTaskObjective)
        heads = {name: objective.heads()[name]}
        return Judge(objective.weighted_loss({}), lambda: HeadMetrics(heads))

    def model(self, objective: Objective) -> nn.Module:
        """Encoder and head."""
        name = self._name(objective)
        assert isinstance(objective, MultiTaskObjective)
        return EncodedModel(objective.encoder(), Heads({name: objective.heads()[name].classifier()}))

    def _name(self, objective: Objective) -> str:
        heads = heads_of(objective)
        if self._head is None:
            raise ConfigError("paradigm=singletask names no head", f"write singletask.{next(iter(heads))}, say")
        if self._head not in heads:
            raise ConfigError(f"{self._head} is no head of the objective", unknown_mend(self._head, heads))
        return self._head
