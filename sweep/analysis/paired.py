"""Trials side by side: of each setup, the runs of every paradigm, paired by repeat.

    trained alike      params without the paradigm's dimension
    downstream joules  energy_spent_j - joules of a pretraining that the trial itself ran

What a trial spent is taken, not what it is charged with: a shared pretraining stands in one trial and is charged to
several (``study.energy``). ``downstream_j`` is what remains when it is taken out, whoever ran it.

Limits: paradigms are known by their names (``baseline``, ``pretrain_frozen``, ``pretrain_frozen_cached``,
``singletask.<head>``); only current COMPLETE records are paired, and a divergence is kept beside them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sweep.analysis.current import current
from sweep.records import State, StopReason, StudyData, TrialRecord

BASELINE = "baseline"
PRETRAINED = "pretrain_"
FROZEN = "pretrain_frozen"
FINETUNED = "pretrain_finetune"
MULTITASK = "multitask"
SINGLETASK = "singletask."
CACHED = "cached_features"
"""Name in ``TrialRecord.results``: 1 where the features were computed once and kept."""


@dataclass(frozen=True, slots=True)
class PairedSetup:
    """One choice of params, trained in several paradigms.

    Attributes:
        params: without the paradigm.
        runs: of each paradigm, its current COMPLETE trials by repeat.
        diverged: of each paradigm, numbers of the trials that diverged; none where it has no entry.
    """

    params: dict[str, Any]
    runs: Mapping[str, Mapping[int, TrialRecord]]
    diverged: Mapping[str, tuple[int, ...]]

    def together(self, *paradigms: str) -> list[tuple[TrialRecord, ...]]:
        """The trials of each repeat that all the paradigms have, in their order."""
        runs = [self.runs.get(paradigm, {}) for paradigm in paradigms]
        shared = sorted(set.intersection(*(set(run) for run in runs)))
        return [tuple(run[repeat] for run in runs) for repeat in shared]


def dimension_of_paradigm(data: StudyData) -> str:
    """Name of the dimension that chooses the paradigm."""
    return next((item.name for item in data.study.dimensions if item.key == "paradigm"), "paradigm")


def paradigm_of(trial: TrialRecord, dimension: str) -> str:
    """A trial's paradigm by the name that the search space gives it."""
    return str(trial.params.get(dimension, trial.paradigm))


def paired(data: StudyData) -> tuple[PairedSetup, ...]:
    """The setups of a study, apart from the paradigm, in the order of their first trial."""
    dimension = dimension_of_paradigm(data)
    groups: dict[bytes, list[TrialRecord]] = {}
    for trial in sorted(current(data), key=lambda trial: trial.number):
        key = msgspec.json.encode(_without(trial.params, dimension), order="sorted")
        groups.setdefault(key, []).append(trial)
    return tuple(_pair(group, dimension) for group in groups.values())


def paradigms(setups: Iterable[PairedSetup]) -> tuple[str, ...]:
    """All paradigms with a completed trial, in the order in which they are met."""
    return tuple(dict.fromkeys(name for setup in setups for name in setup.runs))


def downstream_j(trial: TrialRecord) -> float | None:
    """Joules of what follows the pretraining, all of the trial without one; ``None`` if not known."""
    spent, first = trial.energy_spent_j, trial.pretraining
    if spent is None or first is None or first.reused:
        return spent
    return None if first.energy_j is None else spent - first.energy_j


def cached(trials: Iterable[TrialRecord]) -> bool:
    """Whether any of the trials kept the features of its encoder."""
    return any(trial.results.get(CACHED) == 1.0 for trial in trials)


def _pair(group: list[TrialRecord], dimension: str) -> PairedSetup:
    runs: dict[str, dict[int, TrialRecord]] = {}
    diverged: dict[str, tuple[int, ...]] = {}
    for trial in group:
        paradigm = paradigm_of(trial, dimension)
        if trial.state is State.COMPLETE:
            runs.setdefault(paradigm, {})[trial.repeat] = trial
        elif trial.stop_reason is StopReason.DIVERGED:
            diverged[paradigm] = (*diverged.get(paradigm, ()), trial.number)
    return PairedSetup(_without(group[0].params, dimension), runs, diverged)


def _without(params: Mapping[str, Any], dimension: str) -> dict[str, Any]:
    return {name: item for name, item in params.items() if name != dimension}
