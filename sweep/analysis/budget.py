"""A limit on one training: joules (``report.budget_j``), seconds (``report.budget_s``), or both at once.

Means are held against the limits. Seconds are wall time as it was, a pretraining included whoever ran it.

Limits: a mean within the budget may stand for a training beyond it; ``over`` tells by the interval of the joules. A
trial that other programs disturbed took longer than it would alone.
"""

import statistics
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup, SetupPoint
from sweep.records import TrialRecord


class Budget(NamedTuple):
    """What one training may cost; ``None`` is no limit."""

    energy_j: float | None
    duration_s: float | None

    @property
    def is_given(self) -> bool:
        """Whether there is a limit at all."""
        return self.energy_j is not None or self.duration_s is not None

    def fits(self, setup: Setup, point: SetupPoint | FrontPoint) -> bool:
        """Whether a point keeps within it; if it does, so do the earlier ones of its setup."""
        if self.energy_j is not None and point.energy_j > self.energy_j:
            return False
        return self.duration_s is None or duration_s(setup, point.epoch) <= self.duration_s

    def over(self, energy_j: float, u_j: float) -> bool:
        """Whether the interval of the joules reaches over the limit."""
        return self.energy_j is not None and energy_j + u_j > self.energy_j

    def words(self) -> str:
        """The limits: ``5.00 kJ and 3 min 20 s``."""
        energy = [] if self.energy_j is None else [wording.energy(self.energy_j)]
        return " and ".join([*energy, *([] if self.duration_s is None else [wording.seconds(self.duration_s)])])


def duration_s(setup: Setup, epoch: int) -> float:
    """Mean seconds of a training to an epoch, over its repeats."""
    return statistics.fmean(_duration_s(trial, epoch) for trial in setup.trials)


def _duration_s(trial: TrialRecord, epoch: int) -> float:
    if epoch < len(trial.trajectory):
        return trial.trajectory[epoch - 1].duration_s
    shared = trial.pretraining
    whole_s = trial.duration_s + (shared.duration_s if shared is not None and shared.reused else 0.0)
    return max([whole_s, *(point.duration_s for point in trial.trajectory[-1:])])
