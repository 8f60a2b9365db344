"""Joules of a prediction, and after how many of them a dearer training pays.

    e(b) = joules of the activity batch_b / samples predicted in it

Of two setups of the front, A trained with E_A joules and B with E_B > E_A, B has paid for itself after

    N = (E_B - E_A) / (e_A - e_B)        predictions, if e_A > e_B; else never

E is the training to the front's epoch (the mean of the trajectories there), so predictions measured in a trial are no
part of it. N has the standard uncertainty of first order, of random parts only: the scale of the meter is the same
factor in E and e and cancels. Where e_A - e_B is within ``COVERAGE`` of its own standard uncertainties, the two cannot
be told apart, and no N is given; an E_B that cannot be told from E_A leaves an N that cannot be told from 0.

Limits: both setups serve the same inputs in the same batches on this machine, and no device idles. With one repeat the
uncertainty is the meter's alone. What quality the dearer training gains is no part of N.
"""

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import pandas as pd

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup
from sweep.analysis.work import Amount, activity_j, mean
from sweep.records import StudyData, TrialRecord

PHASE = "inference"
COVERAGE = 2.0


class Prediction(NamedTuple):
    """A setup's predictions in batches of one size; all repeats together.

    Attributes:
        energy_j: of one sample; ``None`` if not known.
        latency_s: of one batch.
        samples: that were predicted.
    """

    batch_size: int
    energy_j: Amount | None
    latency_s: float
    samples: int


class SetupInference(NamedTuple):
    """Predictions of a setup, by rising batch size."""

    setup: Setup
    predictions: tuple[Prediction, ...]

    def at(self, batch_size: int) -> Prediction | None:
        """Its predictions in batches of one size."""
        return next((each for each in self.predictions if each.batch_size == batch_size), None)


class Verdict(StrEnum):
    """Whether the dearer training pays."""

    PAYS = "pays"
    NEVER = "never"
    UNTOLD = "untold"


class Payback(NamedTuple):
    """Two setups of the front at one batch size.

    Attributes:
        cheaper: the one whose training is cheaper.
        dearer: the other.
        verdict: ``untold`` where their predictions cannot be told apart.
        predictions: after which the dearer has paid for itself; ``None`` unless it pays.
        u_predictions: its standard uncertainty.
    """

    cheaper: FrontPoint
    dearer: FrontPoint
    batch_size: int
    verdict: Verdict
    predictions: float | None
    u_predictions: float | None


def inferences(data: StudyData, setups: Iterable[Setup]) -> tuple[SetupInference, ...]:
    """The setups whose predictions were measured, in their order."""
    found = (SetupInference(setup, _predictions(data, setup)) for setup in setups)
    return tuple(item for item in found if item.predictions)


def paybacks(front: Sequence[FrontPoint], items: Sequence[SetupInference]) -> tuple[Payback, ...]:
    """Each pair of setups on the front, at each batch size that both were measured at.

    Of a setup that stands on the front with several epochs the last one counts.
    """
    served = {id(item.setup): item for item in items}
    points = list({id(point.setup): point for point in front if id(point.setup) in served}.values())
    trained = [(point, served[id(point.setup)], training_j(point)) for point in points]
    known = sorted(((p, s, e) for p, s, e in trained if e is not None), key=lambda item: item[2].value)
    found = []
    for index, (cheap, cheap_served, cheap_j) in enumerate(known):
        for dear, dear_served, dear_j in known[index + 1 :]:
            for prediction in cheap_served.predictions:
                other = dear_served.at(prediction.batch_size)
                if prediction.energy_j and other and other.energy_j:
                    numbers = payback(cheap_j, dear_j, prediction.energy_j, other.energy_j)
                    found.append(Payback(cheap, dear, prediction.batch_size, *numbers))
    return tuple(found)


def payback(
    cheap_j: Amount, dear_j: Amount, cheap_sample_j: Amount, dear_sample_j: Amount
) -> tuple[Verdict, float | None, float | None]:
    """Whether a dearer training pays, after how many predictions, and the standard uncertainty of that."""
    more_j = dear_j.value - cheap_j.value
    less_j = cheap_sample_j.value - dear_sample_j.value
    u_more, u_less = (
        math.hypot(cheap_j.u_random, dear_j.u_random),
        math.hypot(cheap_sample_j.u_random, dear_sample_j.u_random),
    )
    if abs(less_j) <= COVERAGE * u_less:
        return Verdict.UNTOLD, None, None
    if less_j < 0:
        return Verdict.NEVER, None, None
    n = max(more_j, 0.0) / less_j
    return Verdict.PAYS, n, math.hypot(u_more / less_j, n * u_less / less_j)


def training_j(point: FrontPoint) -> Amount | None:
    """Joules of the training to the point's epoch, without the predictions; ``None`` if not known."""
    trials = point.setup.trials
    joules = [trial.trajectory[min(point.epoch, len(trial.trajectory)) - 1].energy_j for trial in trials]
    amounts = [None if each is None else _training(trial, each) for trial, each in zip(trials, joules, strict=True)]
    return mean(amounts)


def inferences_frame(items: Sequence[SetupInference]) -> pd.DataFrame:
    """One row for each setup and batch size: its params, joules of a sample with their uncertainties, and seconds."""
    return pd.DataFrame(
        [
            {f"param.{name}": value for name, value in item.setup.params.items()}
            | {
                "batch": each.batch_size,
                "j_per_sample": each.energy_j and each.energy_j.value,
                "u_scale_j_per_sample": each.energy_j and each.energy_j.u_scale,
                "u_random_j_per_sample": each.energy_j and each.energy_j.u_random,
                "latency_s": each.latency_s,
                "samples": each.samples,
            }
            for item in items
            for each in item.predictions
        ]
    )


def _training(trial: TrialRecord, energy_j: float) -> Amount:
    """A prefix of a trial has the trial's relative uncertainty."""
    shares = [
        u / trial.energy_j if u is not None and trial.energy_j else 0.0
        for u in (trial.energy_u_scale_j, trial.energy_u_random_j)
    ]
    return Amount(energy_j, shares[0] * energy_j, shares[1] * energy_j)


def _predictions(data: StudyData, setup: Setup) -> tuple[Prediction, ...]:
    """Of the batch sizes that all repeats were measured at."""
    sizes = [_sizes(trial) for trial in setup.trials]
    common = set.intersection(*sizes) if sizes else set()
    return tuple(_prediction(data, setup, size) for size in sorted(common))


def _sizes(trial: TrialRecord) -> set[int]:
    named = (re.fullmatch(r"batch_(\d+)_samples", name) for name, value in trial.results.items() if value)
    return {int(found[1]) for found in named if found}


def _prediction(data: StudyData, setup: Setup, size: int) -> Prediction:
    samples = [trial.results[f"batch_{size}_samples"] or 0.0 for trial in setup.trials]
    seconds = [trial.results.get(f"batch_{size}_s") or 0.0 for trial in setup.trials]
    spent = [activity_j(data, trial, PHASE, f"batch_{size}") for trial in setup.trials]
    each = [None if j is None else j.times(1.0 / n) for j, n in zip(spent, samples, strict=True)]
    latency_s = statistics.fmean(s * size / n for s, n in zip(seconds, samples, strict=True))
    return Prediction(size, mean(each), latency_s, int(math.fsum(samples)))
