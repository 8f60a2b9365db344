"""Which record stands for a run, where a run was done again.

A run is (params, repeat); its seed follows from both. Under ``study.redo=contaminated`` a run that other programs
disturbed is done again, so that several COMPLETE records exist for it. One of them is current:

    the latest that nothing disturbed, else the latest

and the others are superseded by it. Analyses see current records only; joules of all of them were spent, so the ledger
counts all. FAIL records are never superseded: a crash says nothing of a run, and a divergence stays a fact about it.
"""

from collections.abc import Mapping

import msgspec

from sweep.analysis.once import once
from sweep.records import State, StudyData, TrialRecord


def setup_key(trial: TrialRecord) -> bytes:
    """Identity of a trial's params, in whatever order they stand."""
    return msgspec.json.encode(trial.params, order="sorted")


def is_disturbed(trial: TrialRecord) -> bool:
    """Whether other programs are known to have disturbed a trial."""
    return trial.load is not None and trial.load.contaminated


@once
def superseded(data: StudyData) -> Mapping[int, int]:
    """Numbers of the superseded trials of a study, each with the number of the one that stands for it."""
    complete = [trial for trial in data.trials if trial.state is State.COMPLETE]
    keys = [(setup_key(trial), trial.repeat) for trial in complete]
    if len(set(keys)) == len(keys):
        return {}
    runs: dict[tuple[bytes, int], list[TrialRecord]] = {}
    for key, trial in zip(keys, complete, strict=True):
        runs.setdefault(key, []).append(trial)
    found: dict[int, int] = {}
    for run in runs.values():
        chosen = max(run, key=lambda trial: (not is_disturbed(trial), trial.number)).number
        found |= {trial.number: chosen for trial in run if trial.number != chosen}
    return found


@once
def current(data: StudyData) -> tuple[TrialRecord, ...]:
    """The trials of a study without the superseded ones, in their order."""
    replaced = superseded(data)
    return tuple(trial for trial in data.trials if trial.number not in replaced)
