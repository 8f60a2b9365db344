"""A study as it would be if idle devices took no power: joules above idle in the place of all joules.

    above idle = joules - idle power * duration          for each domain, over the same interval

``above_idle`` gives a study of the same shape, so every analysis runs on it unchanged; its domains carry the flag
``above_idle``, which every label of a total tells. What a trial is charged with, what it spent, its domains,
activities, trajectory and pretraining are replaced; ``energy_dynamic_j`` is gone, since nothing is above it. Tables of
layers are left as they are, since few of them are shown: ``table_above_idle`` replaces the joules of those.

Limits: the ledger of a search stays one of all joules, so sessions are left as they are. Joules of the training steps
alone (``train_j``) and of single marked steps (``steps_j``) have no known duration here and become unknown. The
uncertainty of the idle power itself is not in ``u_random_j``; the scale's goes with the joules. Points of records that
do not tell joules above idle take the trial's mean idle power; where a pretraining stands before them they are unknown.
"""

import msgspec

from sweep.analysis.bootstrap import sampling
from sweep.analysis.current import superseded
from sweep.records import (
    ActivityEnergy,
    DomainEnergy,
    LayerEnergy,
    LayerTable,
    Pretraining,
    State,
    StudyData,
    TrajectoryPoint,
    TrialRecord,
    total_j,
)


def above_idle(data: StudyData) -> StudyData | None:
    """The study above idle; ``None`` where ``missing_idle`` says why it is not known."""
    if missing_idle(data) is not None:
        return None
    by_number = {trial.number: trial for trial in data.trials}
    changed = msgspec.structs.replace(
        data,
        study=msgspec.structs.replace(
            data.study, domains=[msgspec.structs.replace(domain, above_idle=True) for domain in data.study.domains]
        ),
        trials=[_trial(trial, by_number) for trial in data.trials],
    )
    for fact in (superseded, sampling):  # neither rests on joules
        fact.share(changed, data)
    return changed


def is_above_idle(data: StudyData) -> bool:
    """Whether the joules of a study are those above idle."""
    return any(domain.above_idle for domain in data.study.domains)


def missing_idle(data: StudyData) -> str | None:
    """Why joules above idle are not known, as words of a sentence; ``None`` if they are."""
    complete = [trial for trial in data.trials if trial.state is State.COMPLETE]
    if not complete:
        return "no trial was completed"
    lacking = [trial for trial in complete if trial.energy_dynamic_j is None]
    if not lacking:
        return None
    names = sorted(
        {name for trial in lacking for name, item in trial.domains.items() if item.additive and item.dynamic_j is None}
    )
    if not names:
        return "the idle power of the domains in the total is not known"
    return f"the idle power of {', '.join(names)} is not known"


def _trial(trial: TrialRecord, by_number: dict[int, TrialRecord]) -> TrialRecord:
    idle_w = _idle_power_w(trial)
    whole = all(isinstance(point, TrajectoryPoint) for point in trial.trajectory[:1])
    gone: dict[str, None] = dict.fromkeys(("energy_dynamic_j", "train_j") if whole else ("energy_dynamic_j",))
    points = [_point(trial, point, idle_w, gone) for point in trial.trajectory]
    best = next((item for item, old in zip(points, trial.trajectory, strict=True) if _is_best(trial, old)), None)
    ratio = trial.energy_dynamic_j / trial.energy_j if trial.energy_dynamic_j is not None and trial.energy_j else None
    scale_j = trial.energy_u_scale_j
    return msgspec.structs.replace(
        trial,
        energy_j=trial.energy_dynamic_j,
        energy_dynamic_j=None,
        energy_spent_j=total_j(item.dynamic_j for item in trial.domains.values() if item.additive),
        energy_to_best_j=None if best is None else best.energy_j,
        energy_u_scale_j=None if scale_j is None or ratio is None else scale_j * ratio,
        domains={name: _domain(item) for name, item in trial.domains.items()},
        activities=[_activity(item, trial) for item in trial.activities],
        trajectory=points,
        pretraining=_pretraining(trial.pretraining, by_number, idle_w),
    )


def _is_best(trial: TrialRecord, point: TrajectoryPoint) -> bool:
    return point.phase == trial.trajectory[-1].phase and point.epoch == trial.best_epoch


def _idle_power_w(trial: TrialRecord) -> float | None:
    """Mean idle power of the additive domains over a trial; ``None`` if it is not known."""
    idle_j = total_j(_idle_j(item) for item in trial.domains.values() if item.additive)
    return None if idle_j is None or not trial.duration_s else idle_j / trial.duration_s


def _idle_j(item: DomainEnergy) -> float | None:
    return None if item.energy_j is None or item.dynamic_j is None else item.energy_j - item.dynamic_j


def _domain(item: DomainEnergy) -> DomainEnergy:
    scale_j = item.u_scale_j
    known = scale_j is not None and item.energy_j and item.dynamic_j is not None
    return msgspec.structs.replace(
        item,
        energy_j=item.dynamic_j,
        dynamic_j=None,
        polled_j=None,
        u_scale_j=scale_j * item.dynamic_j / item.energy_j if known else None,  # type: ignore[operator]
    )


def _point(trial: TrialRecord, point: TrajectoryPoint, idle_w: float | None, gone: dict[str, None]) -> TrajectoryPoint:
    energy_j = point.energy_dynamic_j
    if energy_j is None and point.energy_j is not None and idle_w is not None and trial.pretraining is None:
        energy_j = point.energy_j - idle_w * point.duration_s
    return msgspec.structs.replace(point, energy_j=energy_j, **gone)


def _activity(item: ActivityEnergy, trial: TrialRecord) -> ActivityEnergy:
    energy_j = {}
    for name, joules in item.energy_j.items():
        idle_j = _idle_j(trial.domains[name]) if name in trial.domains else None
        known = joules is not None and idle_j is not None and trial.duration_s
        energy_j[name] = joules - idle_j / trial.duration_s * item.duration_s if known else None  # type: ignore[operator]
    return msgspec.structs.replace(item, energy_j=energy_j)


def table_above_idle(table: LayerTable) -> LayerTable:
    """A table of layers with joules above idle in the place of all joules."""
    return msgspec.structs.replace(table, rows=[_row(row) for row in table.rows])


def _row(row: LayerEnergy) -> LayerEnergy:
    known = row.dynamic_j
    energy_j = known if known.keys() == row.energy_j.keys() else {name: known.get(name) for name in row.energy_j}
    return msgspec.structs.replace(row, energy_j=energy_j, dynamic_j={}, steps_j=[])


def _pretraining(
    first: Pretraining | None, by_number: dict[int, TrialRecord], own_idle_w: float | None
) -> Pretraining | None:
    """By the idle power of the trial that spent it, else of the one that used it."""
    if first is None:
        return None
    source = by_number.get(first.number)
    idle_w = (_idle_power_w(source) if source else None) or own_idle_w
    if first.energy_j is None or idle_w is None:
        return msgspec.structs.replace(first, energy_j=None)
    return msgspec.structs.replace(first, energy_j=first.energy_j - idle_w * first.duration_s)
