"""A made-up study (``_generated``) in a folder, as a search leaves it: Optuna's database and a record for each trial.

A search writes attribute after attribute through Optuna, 30 ms a trial; here the rows go into its tables at once, and
the study itself goes through ``StudyStore``.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from optuna.distributions import CategoricalDistribution, distribution_to_json

from sweep.records import State, StudyData, TrialRecord, dumps
from sweep.study.store import RECORD, StudyStore
from sweep.study.views import attributes

BEGAN = datetime(2025, 1, 2, 3, 0, 0, tzinfo=UTC)
INSERTS = {
    "trials": "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) "
    "VALUES (?, ?, 1, ?, ?, ?)",
    "user": "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)",
    "system": "INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (?, ?, ?)",
    "values": "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, 'FINITE')",
    "params": "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
}


class _Row(NamedTuple):
    table: str
    values: tuple[Any, ...]


def write_store(data: StudyData, folder: Path) -> None:
    """Write a study.

    Args:
        data: the study.
        folder: where to; must not hold a study.
    """
    with StudyStore.create(folder, data.study.name, data.study.quality_name) as store:
        store.save_study(data.study)
        for index, session in enumerate(data.sessions):
            store.save_session(index, session)
        store.save_tests(data.tests)
    choices = {item.name: CategoricalDistribution(item.values or []) for item in data.study.dimensions}
    texts = {name: distribution_to_json(choice) for name, choice in choices.items()}
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in INSERTS}
    for record in data.trials:
        artifact = str(uuid.uuid4())
        (folder / "artifacts" / artifact).write_bytes(dumps(record))
        for row in _rows(record, artifact, choices, texts):
            rows[row.table].append(row.values)
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        for table, statement in INSERTS.items():
            connection.executemany(statement, rows[table])


def _rows(
    record: TrialRecord, artifact: str, choices: dict[str, CategoricalDistribution], texts: dict[str, str]
) -> Iterator[_Row]:
    """What Optuna's tables hold of one trial."""
    key, complete = record.number + 1, record.state is State.COMPLETE
    began = BEGAN + timedelta(seconds=record.number * record.duration_s)
    times = (f"{time:%Y-%m-%d %H:%M:%S.%f}" for time in (began, began + timedelta(seconds=record.duration_s)))
    yield _Row("trials", (key, record.number, "COMPLETE" if complete else "FAIL", *times))
    for name, value in (attributes(record) | {RECORD: artifact}).items():
        yield _Row("user", (key, name, json.dumps(value)))
    known = {"artifact_id": artifact, "filename": f"trial-{record.number}.json", "mimetype": "application/json"}
    yield _Row("system", (key, f"artifacts:{artifact}", json.dumps(known)))
    for objective, value in enumerate((record.quality, record.energy_j) if complete else ()):
        yield _Row("values", (key, objective, value))
    for name, value in record.params.items():
        yield _Row("params", (key, name, choices[name].to_internal_repr(value), texts[name]))
