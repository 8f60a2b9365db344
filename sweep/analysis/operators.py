"""Hot spots: the time shares of operators in profiled training steps, and what moving data takes of it.

Shares are of the accelerator's time where one was used, else of the host's, over all operators of a phase. Of several
trials of a setup the first that was profiled is shown. ``sweep.training.hot_spots`` says what the numbers are worth.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from sweep.records import OperatorKind, OperatorTable, OperatorTime, TrialRecord

COLUMNS = ("number", "phase", "operator", "kind", "calls_per_step", "host_s_per_step", "device_s_per_step", "share")


class Operator(NamedTuple):
    """An operator in one training step.

    Attributes:
        share: of the time of all operators; 0 to 1.
        device_s: of the accelerator; ``None`` where none was used.
    """

    name: str
    kind: OperatorKind
    calls: float
    host_s: float
    device_s: float | None
    share: float


class HotSpots(NamedTuple):
    """Operators of one phase, costliest first.

    Attributes:
        kinds: share of each kind of operator, largest first.
        on_device: whether shares are of the accelerator's time.
    """

    number: int
    phase: str
    steps: int
    batch_size: int
    operators: tuple[Operator, ...]
    kinds: dict[OperatorKind, float]
    on_device: bool


def hot_spots(trial: TrialRecord) -> tuple[HotSpots, ...]:
    """Of each profiled phase of a trial."""
    return tuple(_of(trial.number, table) for table in trial.operators if table.rows and table.steps)


def first_hot_spots(trials: Iterable[TrialRecord]) -> tuple[HotSpots, ...]:
    """Of the first trial that was profiled; empty if none was."""
    return next((found for trial in trials if (found := hot_spots(trial))), ())


def operators_frame(trials: Iterable[TrialRecord]) -> pd.DataFrame:
    """What ``hot_spots.csv`` holds: ``COLUMNS``, a row for each operator, phase and trial."""
    rows = [
        (of.number, of.phase, row.name, str(row.kind), row.calls, row.host_s, row.device_s, row.share)
        for trial in sorted(trials, key=lambda trial: trial.number)
        for of in hot_spots(trial)
        for row in of.operators
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _of(number: int, table: OperatorTable) -> HotSpots:
    on_device = any(row.device_s for row in table.rows)
    times = [_time(row, on_device=on_device) for row in table.rows]
    whole = math.fsum(times) or 1.0
    found = [
        Operator(
            name=row.operator,
            kind=row.kind,
            calls=row.calls / table.steps,
            host_s=row.host_s / table.steps,
            device_s=None if row.device_s is None else row.device_s / table.steps,
            share=time / whole,
        )
        for row, time in zip(table.rows, times, strict=True)
    ]
    found.sort(key=lambda operator: -operator.share)
    kinds = {kind: math.fsum(each.share for each in found if each.kind is kind) for kind in OperatorKind}
    ordered = dict(sorted(((k, s) for k, s in kinds.items() if s > 0), key=lambda item: -item[1]))
    return HotSpots(number, table.phase, table.steps, table.batch_size, tuple(found), ordered, on_device)


def _time(row: OperatorTime, *, on_device: bool) -> float:
    return (row.device_s or 0.0) if on_device else row.host_s
