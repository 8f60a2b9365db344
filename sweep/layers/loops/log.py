"""The log of a watched loop: marks, the steps on which layers were among them, and the ledgers that they come to.

    cut        cut                cut                     cut
     |- setup --|--- evaluations ---|------ training ------|
       main       trial, main if       main
                  training follows

Evaluations before the first training have a ledger of their own, because only later is it known what they were: if
training follows, all of them are ``validation``; if not, they are all that there is to show.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from sweep.energy.timeline import Timeline
from sweep.errors import LayerError
from sweep.layers.attribution.table import LayerLedger, MarkedStep, Stretch
from sweep.layers.loops.phase import summed
from sweep.layers.marking.marks import Marks, Segments, marks_for
from sweep.layers.marking.owners import REST, Layers
from sweep.records import Domain, LayerEnergy, Pass, Row


class _Part(NamedTuple):
    """A stretch, and whether it was one of evaluations before any training."""

    stretch: Stretch
    is_trial: bool


class LoopLog:
    """Marks since the last cut, and ledgers of all that was cut before.

    Args:
        layers: numbers the owners.
        device: of the model.
        clock: monotonic seconds, the same as the recorder's.
        domains: of the recorder.
        per_layer: whether layers are told apart; if not, a device whose work cannot be timed is timed by the host.

    Raises:
        LayerError: if the device's work cannot be timed.
    """

    def __init__(
        self,
        layers: Layers,
        device: torch.device,
        clock: Callable[[], float],
        domains: tuple[Domain, ...],
        *,
        per_layer: bool = True,
    ) -> None:
        self._clock = clock
        self.device_note: str | None = None
        try:
            self._marks: Marks = marks_for(device, clock)
        except LayerError as err:
            if per_layer:
                raise
            self._marks = marks_for(torch.device("cpu"), clock)
            self.device_note = f"times are the host's ({err.problem})"
        self._ledgers = {is_trial: LayerLedger(layers, domains) for is_trial in (False, True)}
        self._marked: list[MarkedStep] = []
        self._switches: list[tuple[int, bool]] = []
        self._pending: list[_Part] = []
        self._start_s = 0.0
        self.device = device
        self.owner = REST
        self.on_trial = False
        self.first = 0
        """Mark with which the marked step that is under way begins."""

    def __len__(self) -> int:
        """Marks since the last cut."""
        return len(self._marks)

    def open(self, start_s: float) -> None:
        """Log from a time of the clock on; the device is idle."""
        self._start_s = start_s
        self._marks.start()
        self.now(self.owner)
        self.first = len(self._marks)

    def now(self, owner: int) -> None:
        """From now on time belongs to an owner."""
        self.owner = owner
        self._marks.mark(owner)

    def keep_step(self, weight: int) -> None:
        """A marked step has ended, or is cut in two."""
        self._marked.append(MarkedStep(self.first, len(self._marks), weight))

    def switch(self, at: int, *, to_trial: bool) -> None:
        """From a mark on, another ledger counts."""
        self.on_trial = to_trial
        self._switches.append((at, to_trial))

    def cut(self, now_s: float) -> None:
        """End the stretch at a time of the clock and begin the next one; the device is idle."""
        self._pending += self._parts(now_s)
        self.open(now_s)

    def fold(self, timeline: Timeline) -> None:
        """Add what was cut to the ledgers; the timeline must cover it."""
        for stretch, is_trial in self._pending:
            self._ledgers[is_trial].fold(stretch, timeline)
        self._pending.clear()

    def follow(self, model: nn.Module) -> None:
        """Log where the model is; it may have been moved."""
        device = device_of(model)
        if device.type == self.device.type:
            return
        self.device = device
        try:
            marks = marks_for(device, self._clock)
        except LayerError as err:
            self.device_note = f"the model was moved to {device.type}, times are the host's ({err.problem})"
            return
        now_s = self._clock()
        self._pending += self._parts(now_s)
        self._marks = marks
        self.open(now_s)

    def rows(self, *, trained: bool) -> list[LayerEnergy]:
        """Rows of everything folded; per domain they add up to it.

        Args:
            trained: whether evaluations were followed by training.
        """
        trial = self._ledgers[True].rows()
        found: dict[tuple[str, Pass | None], LayerEnergy] = {}
        for row in [*self._ledgers[False].rows(), *(_as_validation(row) if trained else row for row in trial)]:
            key = (row.layer, row.pass_)
            found[key] = summed(found[key], row) if key in found else row
        return sorted(found.values(), key=lambda row: row.pass_ is None)  # stable: layers stay in their order

    def _parts(self, end_s: float) -> list[_Part]:
        """The log since the last cut, divided where the ledger changed."""
        segments, marked, switches = self._marks.take(), self._marked, self._switches
        self._marked, self._switches = [], []
        bounds = [0, *(at for at, _ in switches), len(segments.owners)]
        starts_s = [
            self._start_s,
            *(_clipped(segments.starts_s[at], self._start_s, end_s) for at, _ in switches),
            end_s,
        ]
        is_trial = not switches[0][1] if switches else self.on_trial
        parts = []
        for index, (first, last) in enumerate(pairwise(bounds)):
            if last > first:
                own = [
                    MarkedStep(step.first - first, min(step.last, last) - first, step.weight)
                    for step in marked
                    if first <= step.first < last
                ]
                part = Segments(segments.starts_s[first:last], segments.owners[first:last])
                parts.append(_Part(Stretch(part, starts_s[index], starts_s[index + 1], own), is_trial))
            is_trial = not is_trial
        return parts


def device_of(model: nn.Module) -> torch.device:
    """Where a model's first parameter is; the CPU if it has none."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def _clipped(time_s: float, low_s: float, high_s: float) -> float:
    """A time of the device's, which may stray a little from the host's, within an interval of the host's."""
    return min(max(float(time_s), low_s), high_s)


def _as_validation(row: LayerEnergy) -> LayerEnergy:
    return LayerEnergy(
        layer=str(Row.VALIDATION),
        type="",
        duration_s=row.duration_s,
        energy_j=row.energy_j,
        energy_u_random_j=row.energy_u_random_j,
        dynamic_j=row.dynamic_j,
    )
