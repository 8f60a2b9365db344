"""The contract of a learning paradigm: it divides a trial into labelled phases.

``phases`` is a generator: each phase is done before the next one is asked for, so a later phase can build on the
model of an earlier one, and what happens between two phases (features computed once, say) is measured as the ``data``
activity of the later one. Exactly one phase, the last with a task, gives the quality of the trial.

    Phase(name, task)                    a training
    Phase(name, task, shared=True)       a training that other paradigms of the same setup need as well: done once
    Phase(name, work=f)                  work that is measured and not trained: f(activity) -> numbers
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor, nn

from sweep.objective import Data, Metric, Objective
from sweep.training.trainer import Task

Activity = Callable[[str], AbstractContextManager[None]]
"""Names a stretch of work within a phase; its joules get a row of their own. Synchronises the device at both ends."""


class Judge(NamedTuple):
    """Mean loss of a batch from output and target, and what makes a fresh accumulator of the quality."""

    loss: Callable[[Any, Tensor], Tensor]
    metric: Callable[[], Metric]


class Phase(NamedTuple):
    """A labelled part of a trial.

    Attributes:
        name: e.g. ``supervised``, ``pretraining``; a trial has each name once.
        task: what is trained; ``None`` for other work.
        work: what is done instead, given the means to name its stretches; returns numbers by name with unit, which go
            into ``TrialRecord.results``.
        shared: whether the training depends on objective, data, trainer options and repeat alone, not on the
            paradigm. It is done once for each of these and its weights are loaded wherever else it is needed.
        max_epochs: upper bound of its epochs; ``None`` for ``trainer.max_epochs``.
        results: numbers that are known beforehand, for ``TrialRecord.results``.
    """

    name: str
    task: Task | None = None
    work: Callable[[Activity], Mapping[str, float | None]] | None = None
    shared: bool = False
    max_epochs: int | None = None
    results: Mapping[str, float | None] = MappingProxyType({})


class Paradigm(ABC):
    """How an objective is learnt."""

    @abstractmethod
    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """The phases in order.

        Args:
            objective: its models are on the CPU; the runner moves them.
            data: already placed for the device.

        Raises:
            ConfigError: if the objective is not of the kind that the paradigm needs.
        """

    def check(self, objective: Objective) -> None:  # noqa: B027 - most take any objective
        """Refuse an objective that is not of the kind that the paradigm needs; its data are loaded.

        Raises:
            ConfigError: with what it lacks.
        """

    def judge(self, objective: Objective) -> Judge:
        """How the trained model is evaluated on a split; the objective's own loss and quality unless said otherwise."""
        return Judge(objective.loss, objective.metric)

    @abstractmethod
    def model(self, objective: Objective) -> nn.Module:
        """The untrained model whose weights the phase that gives the quality keeps."""
