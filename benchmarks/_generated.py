"""A study of any size that was never trained: plausible records for benchmarks and tests of the report.

A full grid of batch size, learning rate and paradigm, each setup run twice, in a shuffled order:

    quality(k) = top(batch, lr) (1 - exp(-k / tau(lr))) + noise     saturates; larger batches want a larger lr
    joules(k)  = k epoch_j(batch) (1 + noise)                       small batches are dear

The frozen paradigm begins with a pretraining that all trainings of one batch size and repeat share, and then takes a
half of a baseline's joules an epoch. The highest learning rates diverge at small batch sizes, a few runs crash, and
other programs disturb a few. Rows of layers, activities and domains add up to what a trial spent.

Limits: the same numbers always give the same study. Nothing of it is a measurement, whatever its domains say.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks._generated_energy import DOMAINS, by_domain
from benchmarks._generated_trials import (
    BASELINE,
    MACHINE,
    N_TRAIN,
    N_VAL,
    PARADIGMS,
    STARTED_AT,
    VAL_DIGEST,
    Pretrained,
    Run,
    pretraining_of,
    trial,
)
from sweep.records import (
    DataInfo,
    Dimension,
    SampleGroups,
    SessionRecord,
    State,
    StudyData,
    StudyRecord,
    TestResult,
    TrialRecord,
    total_j,
)

REPEATS = 2
MAX_BATCH_SIZES = 16
N_TESTED = 6
N_SUBJECTS = 8
TRIALS_A_SESSION = 1000
COMMAND = "python -m sweep +experiment=generated"


class Grid(NamedTuple):
    """Levels of the search space."""

    batch_sizes: tuple[int, ...]
    learning_rates: tuple[float, ...]


def generated(n_trials: int, *, n_epochs: int = 50, n_layers: int = 20, seed: int = 0) -> StudyData:
    """The study.

    Args:
        n_trials: at least 1; the grid is full from 4 trials on, if their number is a multiple of 4.
        n_epochs: of every trial that ends by itself, pretraining included; at least 2.
        n_layers: each with a forward and a backward row; 0 for a study without layers.
        seed: of everything random.
    """
    grid = grid_of(n_trials)
    first: dict[tuple[int, int], Pretrained] = {}
    trials = []
    for run in _runs(grid, n_trials, seed):
        pretrained = None
        if run.paradigm != BASELINE:
            own = pretraining_of(run, n_epochs=n_epochs, shares=len(grid.learning_rates))
            pretrained = first.setdefault((run.batch_size, run.repeat), own)
        trials.append(trial(run, pretrained, n_epochs, n_layers, seed))
    return StudyData(study=_study(grid, n_trials), trials=trials, sessions=_sessions(trials), tests=_tests(trials))


def grid_of(n_trials: int) -> Grid:
    """Batch sizes and learning rates whose grid the trials fill."""
    cells = max(1, n_trials // (REPEATS * len(PARADIGMS)))
    n_batches = max(n for n in range(1, MAX_BATCH_SIZES + 1) if cells % n == 0)
    n_rates = cells // n_batches
    rates = np.logspace(-4.5, -0.5, n_rates) if n_rates > 1 else [1e-2]
    return Grid(tuple(round(16 * 1.5**index) for index in range(n_batches)), tuple(float(f"{lr:.4g}") for lr in rates))


def _runs(grid: Grid, n_trials: int, seed: int) -> Iterator[Run]:
    """One repeat of all setups after the other."""
    setups = list(itertools.product(grid.batch_sizes, grid.learning_rates, PARADIGMS))
    order = random.Random(seed)
    turns = ((repeat, setup) for repeat in itertools.count() for setup in order.sample(setups, len(setups)))
    for number, (repeat, setup) in enumerate(itertools.islice(turns, n_trials)):
        yield Run(number, repeat, *setup)


def _study(grid: Grid, n_trials: int) -> StudyRecord:
    levels: dict[str, list[Any]] = {
        "batch_size": list(grid.batch_sizes),
        "lr": list(grid.learning_rates),
        "paradigm": list(PARADIGMS),
    }
    name = f"generated-{n_trials}"
    keys = {"paradigm": "paradigm"}
    return StudyRecord(
        name=name,
        created_at=STARTED_AT,
        command=COMMAND,
        quality_name="accuracy",
        dimensions=[
            Dimension(name=item, key=keys.get(item, f"trainer.{item}"), values=values)
            for item, values in levels.items()
        ],
        repeats=REPEATS,
        n_trials_planned=n_trials,
        config=_config(name, levels),
        fingerprint={"data": "none"},
        data=DataInfo(
            source="synthetic",
            description="no data: records made up for a benchmark",
            digest="0123456789abcdef",
            split="none",
            n_train=N_TRAIN,
            n_val=N_VAL,
            val_digest=VAL_DIGEST,
            val_groups=SampleGroups.pack([index % N_SUBJECTS for index in range(N_VAL)], "subject"),
            n_test=1024,
            notice="Nothing was trained: these records were generated to time the report.",
        ),
        domains=list(DOMAINS),
        machine=MACHINE,
    )


def _config(name: str, levels: dict[str, list[Any]]) -> dict[str, Any]:
    return {
        "objective": {"_target_": "objectives.windows.Windows", "path": "data.npz"},
        "paradigms": {item: {"_target_": "sweep.paradigms.baseline.Baseline"} for item in PARADIGMS},
        "search": {"sampler": "grid", "n_trials": None, "space": levels, "vary": {}},
        "meter": {"_target_": "sweep.energy.meters.auto.AutoMeter"},
        "trainer": {"batch_size": 256, "lr": 1e-05, "max_epochs": 60, "patience": 8},
        "study": {"name": name, "dir": f"reports/{name}", "repeats": REPEATS, "seed": 0},
        "report": {},
    }


def _sessions(trials: Sequence[TrialRecord]) -> list[SessionRecord]:
    """The search in sessions of ``TRIALS_A_SESSION``, each with a twentieth of overhead."""
    found = []
    for start in range(0, len(trials), TRIALS_A_SESSION):
        part = trials[start : start + TRIALS_A_SESSION]
        spent_j = total_j(trial.energy_spent_j for trial in part) or 0.0
        found.append(
            SessionRecord(
                started_at=STARTED_AT,
                command=COMMAND,
                duration_s=1.1 * sum(trial.duration_s for trial in part),
                energy_j=by_domain(1.05 * spent_j + 5.0),
                trials_j=by_domain(spent_j),
                test_j=by_domain(5.0),
                trials=[trial.number for trial in part],
            )
        )
    return found


def _tests(trials: Sequence[TrialRecord]) -> list[TestResult]:
    """Of the most accurate trials, at their ends."""
    complete = [trial for trial in trials if trial.state is State.COMPLETE]
    best = sorted(complete, key=lambda trial: -(trial.quality or 0.0))[:N_TESTED]
    return [
        TestResult(number=t.number, epoch=t.epochs, weights_epoch=t.epochs, quality=(t.quality or 0.0) - 0.01)
        for t in best
    ]
