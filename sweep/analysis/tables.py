"""Records as tables: what trials.csv, epochs.csv, layers.csv and domains.csv hold.

Column names of the frames are relied on by scripts: the named ones come first and in their order, further
ones only after them. Unknown values are missing (empty in CSV), never 0.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import pandas as pd

from sweep.analysis import wording
from sweep.analysis.current import superseded
from sweep.analysis.domains import domain_rows, training_sensors
from sweep.analysis.layers import MODEL, Covered, layer_joules
from sweep.records import IdlePower, LayerTable, StudyData, TestResult, TrialRecord

TRIAL_COLUMNS = (
    "number",
    "state",
    "stop_reason",
    "quality",
    "quality_test",
    "energy_j",
    "energy_u_scale_j",
    "energy_u_random_j",
    "best_epoch",
    "energy_to_best_j",
    "epochs",
    "duration_s",
    "effective_batch_size",
    "seed",
)
"""Columns of trials.csv, before ``param.<dimension>``, ``energy_j.<domain>`` and ``provenance.<domain>``."""

EXTRA_TRIAL_COLUMNS = (
    "repeat",
    "paradigm",
    "energy_spent_j",
    "prefix_is_run",
    "wait_share",
    "contaminated",
    "message",
    "started_at",
    "imported_from",
)
"""Columns of trials.csv after all those; ``energy_dynamic_j`` and, for each domain, ``DOMAIN_NUMBERS`` follow."""

DOMAIN_NUMBERS = {"energy_dynamic_j": "dynamic_j", "energy_polled_j": "polled_j", "gap_s": "gap_s"}
"""Columns of trials.csv for each domain, ``energy_dynamic_j.<domain>``, and the field that they show."""

SINCE = 3
"""Version of the records that knows them; in older ones no gap is not known to be none."""

STATE_COLUMNS = ("other_cpu_share", "contaminated_domains", "steady", "power_drift")
"""Columns of trials.csv after all those: what disturbed the trial, and whether its power was steady."""

SENSOR_COLUMNS = ("temperature_start_c", "temperature_max_c", "clock_mean_mhz", "utilisation_mean")
"""Columns of trials.csv after all those, of the device that trained; ``superseded_by`` follows."""

PRETRAINING_COLUMNS = ("energy_pretraining_j", "pretraining_shares", "pretrained_in", "epochs_pretraining")
"""Columns of trials.csv after all those, empty without pretraining: all of its joules, the parts into which they are
divided, the trial that spent them, and its epochs. Then ``quality.<head>``, ``quality_test.<head>`` and
``result.<name>``."""

EPOCH_COLUMNS = ("number", "phase", "epoch", "loss", "quality", "energy_j", "val_loss", "duration_s")
"""Columns of epochs.csv; joules and seconds are cumulative in the trial."""

STEP_COLUMNS = ("steps", "train_j", "energy_dynamic_j")
"""Columns of epochs.csv after those: steps of the epoch alone, their joules, and cumulative ones above idle."""

CONDITION_COLUMNS = ("temperature_c", "clock_mhz", "utilisation", "memory_bytes", "others")
"""Columns of epochs.csv after all those: the hardware at the end of the epoch."""

ALL_EPOCH_COLUMNS = (*EPOCH_COLUMNS, *STEP_COLUMNS, *CONDITION_COLUMNS)
_epoch = attrgetter(*EPOCH_COLUMNS[1:], *STEP_COLUMNS)
_conditions = attrgetter(*CONDITION_COLUMNS)

LAYER_COLUMNS = (
    "number",
    "phase",
    "layer",
    "type",
    "pass",
    "energy_j",
    "energy_u_random_j",
    "share",
    "flops",
    "provenance",
)
"""Columns of layers.csv; the ``energy_j`` of a trial sum to its ``energy_spent_j``, ``share`` is of its phase."""

EXTRA_LAYER_COLUMNS = ("duration_s", "dynamic_j", "flops_per_j", "method", "steps", "marked_steps")
"""Columns of layers.csv after all those, before ``energy_j.<domain>``; the two last are of the whole phase."""

ALL_LAYER_COLUMNS = (*LAYER_COLUMNS, *EXTRA_LAYER_COLUMNS)

IDLE_COLUMNS = {"power_w": "w", "power_u_w": "u_w", "polled_w": "polled_w", "quiet": "quiet"}
"""Fields of an idle power, and how the columns of domains.csv end: ``idle_before_w``."""

DOMAIN_COLUMNS = (
    "name",
    "provenance",
    "scope",
    "additive",
    "tick_s",
    "resolution_j",
    "scale_u_rel",
    "random_u_rel",
    "idle_power_w",
    *(f"idle_{when}_{end}" for when in ("before", "after") for end in IDLE_COLUMNS.values()),
    "source",
    "note",
)
"""Columns of domains.csv; idle power before the first session that knows it, and after the last."""

LAYER_NUMBERS = ("energy_j", "energy_u_random_j", "share", "flops", "duration_s", "dynamic_j", "flops_per_j")
"""Numbers of one row, summed over additive domains."""


def trials_frame(data: StudyData) -> pd.DataFrame:
    """One row for each trial, by number.

    ``quality_test`` is the test of the trial's latest weights, where several epochs of it were tested.
    """
    dimensions = [dimension.name for dimension in data.study.dimensions]
    names = dict.fromkeys([*dimensions, *(name for trial in data.trials for name in trial.params)])
    domains = dict.fromkeys([*(d.name for d in data.study.domains), *(d for t in data.trials for d in t.domains)])
    columns = [
        *TRIAL_COLUMNS,
        *(f"param.{name}" for name in names),
        *(f"energy_j.{name}" for name in domains),
        *(f"provenance.{name}" for name in domains),
        *EXTRA_TRIAL_COLUMNS,
        "energy_dynamic_j",
        *(f"{column}.{name}" for column in DOMAIN_NUMBERS for name in domains),
        *STATE_COLUMNS,
        *SENSOR_COLUMNS,
        "superseded_by",
        *PRETRAINING_COLUMNS,
        *(f"{column}.{name}" for column in ("quality", "quality_test") for name in _heads(data)),
        *(f"result.{name}" for name in dict.fromkeys(name for trial in data.trials for name in trial.results)),
    ]
    tests, replaced = _latest_tests(data), superseded(data)
    trials = sorted(data.trials, key=lambda trial: trial.number)
    rows = [
        _trial_row(trial, tests.get(trial.number)) | {"superseded_by": replaced.get(trial.number)} for trial in trials
    ]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _heads(data: StudyData) -> list[str]:
    return list(dict.fromkeys(name for trial in data.trials for name in trial.qualities))


def _pretraining_cells(trial: TrialRecord) -> dict[str, Any]:
    if trial.pretraining is None:
        return {}
    first = trial.pretraining
    values = (first.energy_j, trial.pretraining_shares, first.number, first.epochs)
    return dict(zip(PRETRAINING_COLUMNS, values, strict=True))


def epochs_frame(data: StudyData) -> pd.DataFrame:
    """One row for each epoch of each trial."""
    trials = sorted(data.trials, key=lambda trial: trial.number)
    return _frame([row for trial in trials for row in epoch_rows(trial)], ALL_EPOCH_COLUMNS)


def epoch_rows(trial: TrialRecord) -> Iterator[tuple[Any, ...]]:
    """``ALL_EPOCH_COLUMNS`` of each epoch of a trial."""
    unknown = (None,) * len(CONDITION_COLUMNS)
    for point in trial.trajectory:
        conditions = unknown if point.conditions is None else _conditions(point.conditions)
        yield (trial.number, *_epoch(point), *conditions)


def domains_frame(data: StudyData) -> pd.DataFrame:
    """One row for each domain of the study."""
    rows = [
        {name: getattr(row.domain, name, None) for name in DOMAIN_COLUMNS}
        | {"provenance": str(row.domain.provenance), "scope": row.domain.scope and str(row.domain.scope)}
        | _idle_cells("before", row.before)
        | _idle_cells("after", row.after)
        for row in domain_rows(data)
    ]
    return pd.DataFrame(rows, columns=list(DOMAIN_COLUMNS), dtype=object)


def layers_frame(data: StudyData) -> pd.DataFrame:
    """One row for each row of each layer table of each trial; empty if no layers were measured."""
    domains = dict.fromkeys([*(d.name for d in data.study.domains), *(d for t in data.trials for d in t.domains)])
    trials = sorted(data.trials, key=lambda trial: trial.number)
    rows = [row for trial in trials for row in layer_rows(trial, domains)]
    return _frame(rows, [*ALL_LAYER_COLUMNS, *(f"energy_j.{name}" for name in domains)])


def layer_rows(trial: TrialRecord, domains: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """``ALL_LAYER_COLUMNS`` and joules of each domain, of each row of each layer table of a trial."""
    for cells in _layer_cells(trial.layers, trial.domains, domains):
        yield (trial.number, *cells)


def layer_tables_frame(tables: Sequence[LayerTable], covered: Covered) -> pd.DataFrame:
    """The columns of layers.csv but ``number``, for tables without a trial.

    Args:
        tables: one for each phase.
        covered: the domains of the tables' joules.
    """
    columns = [*ALL_LAYER_COLUMNS[1:], *(f"energy_j.{name}" for name in covered)]
    return _frame(list(_layer_cells(tables, covered, covered)), columns)


def energy_per_epoch_j(trial: TrialRecord) -> float | None:
    """Mean joules of an epoch, validation included: Table 2 of "The Power of Training"."""
    if not trial.trajectory or trial.trajectory[-1].energy_j is None:
        return None
    return trial.trajectory[-1].energy_j / len(trial.trajectory)


def _trial_row(trial: TrialRecord, test: TestResult | None) -> dict[str, Any]:
    own = {name: getattr(trial, name, None) for name in (*TRIAL_COLUMNS, *EXTRA_TRIAL_COLUMNS, "energy_dynamic_j")}
    return (
        own
        | {"state": str(trial.state), "stop_reason": str(trial.stop_reason)}
        | {"quality_test": None if test is None else test.quality}
        | {f"param.{name}": item for name, item in trial.params.items()}
        | _pretraining_cells(trial)
        | {f"quality.{name}": quality for name, quality in trial.qualities.items()}
        | {f"quality_test.{name}": quality for name, quality in (test.qualities if test else {}).items()}
        | {f"result.{name}": value for name, value in trial.results.items()}
        | _domain_cells(trial)
        | _state_cells(trial)
    )


def _domain_cells(trial: TrialRecord) -> dict[str, Any]:
    domains = trial.domains
    joules = {f"energy_j.{name}": domain.energy_j for name, domain in domains.items()}
    provenances = {f"provenance.{name}": str(domain.provenance) for name, domain in domains.items()}
    numbers = {
        f"{column}.{name}": getattr(domain, field)
        for column, field in DOMAIN_NUMBERS.items()
        for name, domain in domains.items()
        if trial.schema_version >= SINCE
    }
    return joules | provenances | numbers


def _state_cells(trial: TrialRecord) -> dict[str, Any]:
    load, steadiness, sensors = trial.load, trial.steadiness, training_sensors(trial)
    return {
        "wait_share": load and load.wait_share,
        "contaminated": load and load.contaminated,
        "other_cpu_share": load and load.other_cpu_share,
        "contaminated_domains": load and " ".join(load.domains),
        "steady": steadiness and steadiness.steady,
        "power_drift": steadiness and steadiness.drift_rel,
    } | {name: getattr(sensors, name) for name in SENSOR_COLUMNS}


def _idle_cells(when: str, idle: IdlePower | None) -> dict[str, Any]:
    return {f"idle_{when}_{end}": getattr(idle, field, None) for field, end in IDLE_COLUMNS.items()}


def _layer_cells(tables: Iterable[LayerTable], covered: Covered, domains: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Cells of ``LAYER_COLUMNS`` without ``number``, of ``EXTRA_LAYER_COLUMNS`` and of the domains."""
    provenance, names = wording.provenance(covered.values()), tuple(domains)
    for table in tables:
        whole = str(table.method), table.steps, table.marked_steps
        for row, (energy_j, dynamic_j, share) in zip(table.rows, layer_joules(table, covered), strict=True):
            yield (
                table.phase,
                row.layer or MODEL,
                row.type or None,
                None if row.pass_ is None else str(row.pass_),
                energy_j,
                row.energy_u_random_j,
                share,
                row.flops,
                provenance,
                row.duration_s,
                dynamic_j,
                row.flops / energy_j if row.flops and energy_j else None,
                *whole,
                *map(row.energy_j.get, names),
            )


def _frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """A table of values as they are; column by column, which is quick for many rows."""
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pd.DataFrame(dict(zip(columns, cells, strict=True)), columns=list(columns), dtype=object)


def _latest_tests(data: StudyData) -> dict[int, TestResult]:
    return {test.number: test for test in sorted(data.tests, key=lambda t: (t.weights_epoch, t.epoch))}
