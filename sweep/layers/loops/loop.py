"""Marks of a training loop that says where it is: what it does in every step, and which layer on some steps.

    start   data | begin_step | optimizer | forward | loss | backward | optimizer | end_step | data ...   stop(end)

Phases of a step are always marked. Layers are marked on the steps that ``StepChoice`` draws: their hooks are attached
before the step and removed after it, because a hook that is switched off by a flag costs as much as one that works.
"""

from typing import Protocol

from torch import nn

from sweep.energy.timeline import Timeline
from sweep.layers.attribution.power import Calibration
from sweep.layers.attribution.table import LayerLedger, MarkedStep, Stretch
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import Marks
from sweep.layers.marking.owners import BACKWARD, LOSS_BACKWARD, REST, Layers
from sweep.layers.marking.spans import LayerHooks
from sweep.records import Domain


class StepMarks(Protocol):
    """What a training loop tells about its steps."""

    def start(self, owner: int) -> None:
        """Begin a stretch with an owner; the device is idle."""

    def mark(self, owner: int) -> None:
        """From now on time belongs to an owner."""

    def begin_step(self) -> None:
        """A training step begins."""

    def backward(self) -> None:
        """The backward pass begins."""

    def end_step(self) -> None:
        """It has ended."""

    def stop(self, start_s: float, end_s: float) -> None:
        """The stretch has ended; from when to when it was, in seconds of the recorder."""

    def abandon(self) -> None:
        """Forget the stretch that is under way and remove every hook."""


class NoMarks:
    """Marks nothing."""

    def start(self, owner: int) -> None:
        """Nothing."""

    def mark(self, owner: int) -> None:
        """Nothing."""

    def begin_step(self) -> None:
        """Nothing."""

    def backward(self) -> None:
        """Nothing."""

    def end_step(self) -> None:
        """Nothing."""

    def stop(self, start_s: float, end_s: float) -> None:
        """Nothing."""

    def abandon(self) -> None:
        """Nothing."""


class LayerMarks:
    """Marks the steps of one phase and keeps what they come to.

    Args:
        model: that is trained; ``support.check_model`` has nothing against it.
        marks: the log.
        choice: on which steps layers are marked.
        domains: of the recorder.
        calibration: relative powers; ``None`` to divide by time.
    """

    def __init__(
        self,
        model: nn.Module,
        marks: Marks,
        choice: StepChoice,
        domains: tuple[Domain, ...],
        calibration: Calibration | None = None,
    ) -> None:
        self.layers = layers = Layers()
        self._marks = marks
        self._choice = choice
        self._hooks = LayerHooks(model, layers, marks.mark)
        self._marked: list[MarkedStep] = []
        self._first = 0
        self._is_marked = False
        self._pending: list[Stretch] = []
        self.mark = marks.mark
        self.ledger = LayerLedger(layers, domains, calibration)
        self.marked_steps = 0

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self._choice.steps

    def start(self, owner: int) -> None:
        """Begin a stretch."""
        self._marks.start()
        self._marks.mark(owner)

    def begin_step(self) -> None:
        """Attach the hooks if this step is drawn; the time that takes is ``rest``."""
        self._is_marked = self._choice.next()
        if self._is_marked:
            self._marks.mark(REST)
            if not self._hooks.attached:
                self._hooks.attach()
            self._first = len(self._marks)
        elif self._hooks.attached:
            self._marks.mark(REST)
            self._hooks.detach()

    def backward(self) -> None:
        """Mark the loss's part of the pass, or all of it where no layer follows."""
        self._marks.mark(LOSS_BACKWARD if self._is_marked else BACKWARD)

    def end_step(self) -> None:
        """Keep what was marked; the hooks stay until it is known that the next step is not marked."""
        if self._is_marked:
            self._marked.append(MarkedStep(self._first, len(self._marks), self._choice.weight))
            self._marks.mark(REST)
            self._hooks.forget()
            self.marked_steps += 1

    def stop(self, start_s: float, end_s: float) -> None:
        """Remove the hooks, and keep the stretch until its joules are known."""
        self._hooks.detach()
        self._pending.append(Stretch(self._marks.take(), start_s, end_s, self._marked))
        self._marked = []

    def abandon(self) -> None:
        """Forget the stretch that is under way."""
        self._hooks.detach()
        self._marks.take()
        self._marked = []

    def fold(self, timeline: Timeline) -> None:
        """Add what is pending to the ledger; the timeline must cover it."""
        for stretch in self.take():
            self.ledger.fold(stretch, timeline)

    def take(self) -> list[Stretch]:
        """What is pending; nothing is afterwards."""
        taken, self._pending = self._pending, []
        return taken
