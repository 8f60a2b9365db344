"""Trials as if other numbers of trainings shared their pretrainings, and the noise of their joules then.

    charged = E_pre / N + E_downstream          N = 1: study.energy=total;  N without end: downstream alone

What trials spent stays as it is. ``EnergyNoise`` is what ``noise.measure`` would say of the joules of all trials at any
N, from the joules of each repeat at its setup's common epoch, which move by E_pre (1 / N - 1 / N_charged).

Limits: random uncertainties add in quadrature, so the pretraining's part is taken out and put back at the new N.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from sweep.analysis.current import current
from sweep.analysis.noise import Noise, common_point
from sweep.analysis.setups import Setup
from sweep.records import Pretraining, StudyData, TrajectoryPoint, TrialRecord


def recharge(data: StudyData, reuses: float) -> StudyData:
    """The study as if each pretraining were shared by ``reuses`` trainings."""
    return msgspec.structs.replace(data, trials=[recharged(trial, reuses) for trial in data.trials])


def recharged(trial: TrialRecord, reuses: float) -> TrialRecord:
    """A trial charged with one part in ``reuses`` of its pretraining; unchanged without one.

    Joules above idle and the scale's uncertainty of the pretraining are not in a trial's record; above idle is unknown
    then, and the scale's uncertainty goes with the joules. A trial recharged for infinitely many trainings has lost its
    pretraining and cannot be recharged again.
    """
    first = trial.pretraining
    if first is None or reuses == trial.pretraining_shares:
        return trial
    energy_j, u_random_j = _charged(trial, reuses)
    scale_j = trial.energy_u_scale_j
    return msgspec.structs.replace(
        trial,
        pretraining_shares=reuses,
        energy_j=energy_j,
        energy_to_best_j=_moved(trial.energy_to_best_j, first.energy_j, trial.pretraining_shares, reuses),
        energy_u_scale_j=scale_j * energy_j / trial.energy_j if scale_j and energy_j and trial.energy_j else None,
        energy_u_random_j=u_random_j,
        energy_dynamic_j=None,
        trajectory=[_point(trial, first, index, reuses) for index in range(len(trial.trajectory))],
    )


class EnergyNoise:
    """Noise of the joules of a study at any N.

    Args:
        data: the study; the joules of every pretraining are known.
        groups: its setups.
        noise: of the study as it was charged.
    """

    def __init__(self, data: StudyData, groups: Sequence[Setup], noise: Noise) -> None:
        self._noise = noise
        self._trials = [t for t in current(data) if t.energy_u_random_j is not None and t.energy_j]
        repeated = [setup for setup in groups if setup.candidates and len(setup.trials) > 1]
        places = [(trial, common_point(setup).epoch) for setup in repeated for trial in setup.trials]
        self._n = np.array([len(setup.trials) for setup in repeated], dtype=int)
        self._joules = np.array([_energy_at(trial, epoch) for trial, epoch in places])
        self._pretraining_j = np.array([_pretraining_j(trial) for trial, _ in places])
        self._shares = np.array([trial.pretraining_shares for trial, _ in places])

    def at(self, reuses: float) -> Noise:
        """The noise where ``reuses`` trainings share a pretraining."""
        return self._noise._replace(
            energy_rel_sd=self._rel_sd(reuses) if self._noise.energy_rel_sd is not None else None,
            energy_rel_floor=self._rel_floor(reuses),
        )

    def _rel_sd(self, reuses: float) -> float:
        """Pooled over setups, as ``noise.measure`` pools it."""
        joules = self._joules + self._pretraining_j * (1.0 / reuses - 1.0 / self._shares)
        first = np.concatenate([[0], self._n.cumsum()[:-1]])
        moved = joules - np.repeat(joules[first], self._n)
        sums = np.add.reduceat(moved, first)
        squares = np.add.reduceat(moved**2, first) - sums**2 / self._n
        means = joules[first] + sums / self._n
        known = means > 0
        return math.sqrt(float(np.sum(squares[known] / means[known] ** 2)) / int(np.sum(self._n[known] - 1)))

    def _rel_floor(self, reuses: float) -> float:
        """Of the meter alone: median over trials."""
        shares = []
        for trial in self._trials:
            energy_j, u_j = _charged(trial, reuses)
            if u_j is not None and energy_j:
                shares.append(u_j / energy_j)
        return float(np.median(shares)) if shares else 0.0


def _energy_at(trial: TrialRecord, epoch: int) -> float | None:
    return trial.energy_j if epoch >= len(trial.trajectory) else trial.trajectory[epoch - 1].energy_j


def _pretraining_j(trial: TrialRecord) -> float:
    return 0.0 if trial.pretraining is None or trial.pretraining.energy_j is None else trial.pretraining.energy_j


def _charged(trial: TrialRecord, reuses: float) -> tuple[float | None, float | None]:
    """Joules that a trial is charged with, and their random standard uncertainty."""
    first = trial.pretraining
    if first is None or reuses == trial.pretraining_shares:
        return trial.energy_j, trial.energy_u_random_j
    energy_j = _moved(trial.energy_j, first.energy_j, trial.pretraining_shares, reuses)
    return energy_j, _random_u(trial, first, reuses)


def _moved(energy_j: float | None, pretraining_j: float | None, old: float, new: float) -> float | None:
    """Joules that hold ``pretraining_j / old``, with ``pretraining_j / new`` in its place."""
    if energy_j is None or pretraining_j is None:
        return None
    return energy_j + pretraining_j * (1.0 / new - 1.0 / old)


def _random_u(trial: TrialRecord, first: Pretraining, reuses: float) -> float | None:
    whole, part = trial.energy_u_random_j, first.energy_u_random_j
    if whole is None or part is None:
        return None
    charged = part / trial.pretraining_shares if first.reused else part
    downstream = math.sqrt(max(whole**2 - charged**2, 0.0))
    return math.hypot(downstream, part / reuses)


def _point(trial: TrialRecord, first: Pretraining, index: int, reuses: float) -> TrajectoryPoint:
    point, old = trial.trajectory[index], trial.pretraining_shares
    if index >= first.epochs:
        energy_j = _moved(point.energy_j, first.energy_j, old, reuses)
    else:
        energy_j = None if point.energy_j is None else point.energy_j * old / reuses
    return msgspec.structs.replace(point, energy_j=energy_j, energy_dynamic_j=None)
