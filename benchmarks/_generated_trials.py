"""Trials that were never run, for ``_generated``: curves that saturate, shared pretrainings, runs that fail."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks._generated_energy import (
    EPOCH_S,
    activities,
    dynamic_j,
    layer_table,
    totals,
    u_random_j,
)
from sweep.records import (
    RESULTS,
    Conditions,
    LoadCheck,
    Machine,
    Pretraining,
    SampleScores,
    State,
    StopReason,
    TrajectoryPoint,
    TrialRecord,
)

BASELINE, FROZEN = PARADIGMS = ("baseline", "pretrain_frozen")
PRETRAINING_EPOCHS = 10
FAILED_EPOCHS = 12
"""Of a trial that fails, pretraining included."""
N_TRAIN, N_VAL = 8192, 1024
VAL_DIGEST = "made up"
CRASH_EVERY = 97
DISTURB_EVERY = 53
STARTED_AT = "2025-01-02T03:00:00+00:00"
MACHINE = Machine(
    host="nowhere",
    system="Linux 6.1",
    compute="cuda:0",
    model="Example GPU",
    cores=2,
    threads=2,
    wait_policy="PASSIVE",
    software={"python": "3.11.9", "torch": "2.13.0"},
)


class Run(NamedTuple):
    """One training of one setup."""

    number: int
    repeat: int
    batch_size: int
    lr: float
    paradigm: str


class Pretrained(NamedTuple):
    """All joules of a pretraining, its epochs, the trial that spent them, and the trainings that share them."""

    energy_j: float
    epochs: int
    number: int
    shares: int


def epoch_j(batch_size: int) -> float:
    """Joules of an epoch of the baseline."""
    return 20.0 + 2000.0 / batch_size


def pretraining_of(run: Run, *, n_epochs: int, shares: int) -> Pretrained:
    """The pretraining that a run of so many epochs would do itself; it leaves one for the training."""
    epochs = min(PRETRAINING_EPOCHS, n_epochs - 1)
    return Pretrained(1.5 * epochs * epoch_j(run.batch_size), epochs, run.number, shares)


def trial(run: Run, pretrained: Pretrained | None, n_epochs: int, n_layers: int, seed: int) -> TrialRecord:
    """The record of a run.

    Args:
        run: what is trained.
        pretrained: the shared pretraining; ``None`` for a baseline.
        n_epochs: of a run that ends by itself.
        n_layers: rows of layers; 0 for none.
        seed: of the study.
    """
    noise = np.random.default_rng([seed, run.number])
    stop = _stop_reason(run)
    points = _trajectory(run, pretrained, n_epochs if stop in RESULTS else min(n_epochs, FAILED_EPOCHS), noise)
    phases = _phases(run, pretrained, points)
    quality, best = max((point.quality, -point.epoch) for point in points if point.quality is not None)
    disturbed = run.number % DISTURB_EVERY == DISTURB_EVERY - 1
    return TrialRecord(
        number=run.number,
        params={"batch_size": run.batch_size, "lr": run.lr, "paradigm": run.paradigm},
        seed=1000 + run.number,
        repeat=run.repeat,
        paradigm=run.paradigm,
        state=State.COMPLETE if stop in RESULTS else State.FAIL,
        stop_reason=stop,
        message="loss is not finite" if stop is StopReason.DIVERGED else None,
        quality=quality,
        best_epoch=-best,
        energy_to_best_j=next(point.energy_j for point in points if point.quality == quality),
        epochs=len(points),
        effective_batch_size=run.batch_size,
        **totals(points[-1].energy_j or 0.0, sum(phases.values())),
        activities=activities(phases),
        trajectory=points,
        layers=[layer_table(name, joules, n_layers, noise) for name, joules in phases.items()] if n_layers else [],
        prefix_is_run=True,
        pretraining=_pretraining(run, pretrained),
        pretraining_shares=1.0 if pretrained is None else float(pretrained.shares),
        load=LoadCheck(wait_share=0.4 if disturbed else 0.01, contaminated=disturbed),
        machine=MACHINE,
        started_at=STARTED_AT,
        duration_s=len(points) * EPOCH_S,
        config_digest=f"digest-{run.batch_size}-{run.lr}-{run.paradigm}",
        scores=_scores(quality, noise),
    )


def _phases(run: Run, pretrained: Pretrained | None, points: Sequence[TrajectoryPoint]) -> dict[str, float]:
    """Joules that a trial spent in each phase; a pretraining that another trial spent is in neither."""
    charged_j = 0.0 if pretrained is None else pretrained.energy_j / pretrained.shares
    downstream_j = (points[-1].energy_j or 0.0) - charged_j
    if pretrained is None or pretrained.number != run.number:
        return {"supervised": downstream_j}
    return {"pretraining": pretrained.energy_j, "supervised": downstream_j}


def _stop_reason(run: Run) -> StopReason:
    if run.lr > 0.2 and run.batch_size < 32:
        return StopReason.DIVERGED
    if run.repeat and run.number % CRASH_EVERY == 0:
        return StopReason.CRASHED
    return StopReason.EARLY_STOPPING if run.lr > 1e-3 else StopReason.MAX_EPOCHS


def _trajectory(
    run: Run, pretrained: Pretrained | None, length: int, noise: np.random.Generator
) -> list[TrajectoryPoint]:
    """All epochs of a trial; joules are those it is charged with."""
    n_first = 0 if pretrained is None else pretrained.epochs
    charged_j = 0.0 if pretrained is None else pretrained.energy_j / pretrained.shares
    step_j = epoch_j(run.batch_size) * (0.5 if pretrained else 1.0)
    costs = step_j * (1.0 + 0.01 * noise.standard_normal(length - n_first) + 0.01 * noise.standard_normal())
    costs[0] *= 1.05
    joules = np.concatenate([charged_j * np.arange(1, n_first + 1) / max(n_first, 1), charged_j + costs.cumsum()])
    later = np.arange(1, length - n_first + 1)
    offset = math.log10(run.lr) + 3.2 - 0.4 * math.log10(run.batch_size / 16)
    top = 0.93 - 0.03 * offset**2 - (0.01 if pretrained else 0.0) + 0.004 * noise.standard_normal()
    curve = max(top, 0.1) * (1.0 - np.exp(-later / (4.0 + 3.0 * abs(offset))))
    curve = np.clip(curve + 0.002 * noise.standard_normal(len(later)), 0.0, 1.0)
    losses = np.concatenate([np.full(n_first, 0.7), 1.2 - curve]).round(5).tolist()
    qualities = [None] * n_first + (np.round(N_VAL * curve) / N_VAL).tolist()
    trained = np.concatenate([np.full(n_first, 1.3 * epoch_j(run.batch_size)), 0.85 * costs]).tolist()
    return [
        TrajectoryPoint(
            phase="supervised" if index >= n_first else "pretraining",
            epoch=index + 1 - (n_first if index >= n_first else 0),
            loss=losses[index],
            val_loss=losses[index],
            quality=qualities[index],
            energy_j=cumulative_j,
            energy_dynamic_j=dynamic_j(cumulative_j),
            duration_s=EPOCH_S * (index + 1),
            steps=math.ceil(N_TRAIN / run.batch_size),
            train_j=trained[index],
            conditions=Conditions(temperature_c=45.0 + min(index, 15), clock_mhz=1700.0 - 2.0 * min(index, 15)),
        )
        for index, cumulative_j in enumerate(joules.tolist())
    ]


def _scores(quality: float, noise: np.random.Generator) -> SampleScores:
    """Right or wrong for each validation sample; early ones are easy in every trial."""
    difficulty = np.linspace(0.0, 1.0, N_VAL) + 0.1 * noise.standard_normal(N_VAL)
    right = np.zeros(N_VAL)
    right[np.argsort(difficulty)[: round(quality * N_VAL)]] = 1.0
    return SampleScores.pack(right, VAL_DIGEST)


def _pretraining(run: Run, pretrained: Pretrained | None) -> Pretraining | None:
    return pretrained and Pretraining(
        key=f"encoder-{pretrained.number}",
        number=pretrained.number,
        reused=pretrained.number != run.number,
        energy_j=pretrained.energy_j,
        energy_u_random_j=u_random_j(pretrained.energy_j),
        epochs=pretrained.epochs,
        duration_s=EPOCH_S * pretrained.epochs,
    )
