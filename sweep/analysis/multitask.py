"""Several heads at once against one by one: Table 4 and Fig. 5 of "The Power of Training".

    saving = 1 - joules of the multi-task training / sum over heads of the joules of the single-task trainings

For each setup and repeat in which the multi-task training and one for each head were completed; beside it each head's
quality both ways. ``paradigm_means`` is Table 4: joules per epoch and number of epochs of each paradigm, over setups.

Limits: heads are those that have a single-task training (``singletask.<head>``); a head of the multi-task model
without one makes the comparison impossible, and it is named.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sweep.analysis import paired
from sweep.analysis.noise import Noise
from sweep.analysis.paired import PairedSetup
from sweep.analysis.saving import PairedJoules, Saving, saving
from sweep.records import TrialRecord, total_j


class Mean(NamedTuple):
    """Mean, standard deviation (``None`` with one) and number of values."""

    mean: float
    sd: float | None
    n: int


class ParadigmMean(NamedTuple):
    """One paradigm over its setups: the means of setups, each the mean of its repeats; ``None`` if not known."""

    paradigm: str
    n_setups: int
    energy_per_epoch_j: Mean | None
    epochs: Mean
    energy_j: Mean | None
    quality: Mean | None


class HeadQuality(NamedTuple):
    """Quality of one head of a setup, over repeats; ``None`` if not known."""

    head: str
    single: Mean | None
    multi: Mean | None


class SetupHeads(NamedTuple):
    """One setup: the quality of each head both ways."""

    params: dict[str, Any]
    heads: tuple[HeadQuality, ...]


class MultiTask(NamedTuple):
    """The multi-task paradigm against a training for each head.

    Attributes:
        heads: that have a single-task training.
        saving: of the joules; ``None`` if no setup has all of it, then ``reason`` says why.
        qualities: of each setup in which both ways were tried.
        left_out: setups that lack a repeat in common, or joules.
    """

    heads: tuple[str, ...]
    saving: Saving | None
    reason: str | None
    qualities: tuple[SetupHeads, ...]
    left_out: int


def multitask(setups: Sequence[PairedSetup], noise: Noise) -> MultiTask | None:
    """The comparison; ``None`` without both ways."""
    names = paired.paradigms(setups)
    singles = [name for name in names if name.startswith(paired.SINGLETASK)]
    if paired.MULTITASK not in names or not singles:
        return None
    heads = tuple(name.removeprefix(paired.SINGLETASK) for name in singles)
    tried = [setup for setup in setups if {paired.MULTITASK, *singles} & setup.runs.keys()]
    lacking = sorted(_heads_of(setups) - set(heads))
    pairs = [] if lacking else [pair for setup in tried if (pair := _pair(setup, singles)) is not None]
    found = saving(pairs, noise.confidence)
    reason = "no setup has all of the trainings with known joules" if found is None else None
    if lacking:
        reason = f"there is no single-task training of {', '.join(lacking)}"
    both = [setup for setup in tried if paired.MULTITASK in setup.runs and len(setup.runs) > 1]
    return MultiTask(
        heads=heads,
        saving=found,
        reason=reason,
        qualities=tuple(SetupHeads(setup.params, tuple(_head(setup, head) for head in heads)) for setup in both),
        left_out=len(tried) - len(pairs),
    )


def paradigm_means(setups: Sequence[PairedSetup]) -> tuple[ParadigmMean, ...]:
    """Each paradigm over its setups; empty unless there are several."""
    names = paired.paradigms(setups)
    if len(names) < 2:
        return ()
    return tuple(_paradigm_mean(name, [s.runs[name].values() for s in setups if name in s.runs]) for name in names)


def mean_of(items: Iterable[float | None]) -> Mean | None:
    """``None`` if there is nothing, or something unknown."""
    values = list(items)
    known = [item for item in values if item is not None]
    if not known or len(known) < len(values):
        return None
    return Mean(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None, len(known))


def _heads_of(setups: Sequence[PairedSetup]) -> set[str]:
    """All heads of the multi-task models."""
    trials = (trial for setup in setups for trial in setup.runs.get(paired.MULTITASK, {}).values())
    return {head for trial in trials for head in trial.qualities}


def _pair(setup: PairedSetup, singles: Sequence[str]) -> PairedJoules | None:
    runs = setup.together(paired.MULTITASK, *singles)
    joules = [(multi.energy_j, total_j(single.energy_j for single in own)) for multi, *own in runs]
    known = tuple((multi, own) for multi, own in joules if multi is not None and own is not None)
    if not runs or len(known) < len(runs):
        return None
    return PairedJoules(setup.params, known, tuple(str(multi.number) for multi, *_ in runs))


def _head(setup: PairedSetup, head: str) -> HeadQuality:
    single = setup.runs.get(f"{paired.SINGLETASK}{head}", {}).values()
    multi = setup.runs.get(paired.MULTITASK, {}).values()
    return HeadQuality(
        head,
        mean_of(trial.qualities.get(head, trial.quality) for trial in single),
        mean_of(trial.qualities.get(head) for trial in multi),
    )


def _paradigm_mean(name: str, setups: Sequence[Iterable[TrialRecord]]) -> ParadigmMean:
    groups = [list(trials) for trials in setups]
    epochs = mean_of(statistics.fmean(len(trial.trajectory) for trial in trials) for trials in groups)
    assert epochs is not None  # a paradigm with a completed trial
    return ParadigmMean(
        paradigm=name,
        n_setups=len(groups),
        energy_per_epoch_j=mean_of(_over(trials, _per_epoch_j) for trials in groups),
        epochs=epochs,
        energy_j=mean_of(_over(trials, lambda trial: trial.energy_j) for trials in groups),
        quality=mean_of(_over(trials, lambda trial: trial.quality) for trials in groups),
    )


def _over(trials: Sequence[TrialRecord], number: Callable[[TrialRecord], float | None]) -> float | None:
    values = [number(trial) for trial in trials]
    known = [item for item in values if item is not None]
    return statistics.fmean(known) if known and len(known) == len(values) else None


def _per_epoch_j(trial: TrialRecord) -> float | None:
    return trial.energy_j / len(trial.trajectory) if trial.energy_j is not None and trial.trajectory else None
