"""The contract of a learning paradigm: it divides a trial into labelled phases.

``phases`` is a generator: each phase is trained before the next one is asked for, so a later phase can build on the
model of an earlier one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from sweep.objective import Data, Objective
from sweep.training.trainer import Task


class Phase(NamedTuple):
    """A labelled part of a trial with a training of its own."""

    name: str
    task: Task


class Paradigm(ABC):
    """How an objective is learnt."""

    @abstractmethod
    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """The phases in order; the last one yields the model and the quality of the trial.

        Args:
            objective: its models are on the CPU; the runner moves them.
            data: already placed for the device.
        """

    @abstractmethod
    def model(self, objective: Objective) -> nn.Module:
        """The untrained model whose weights the last phase keeps."""
