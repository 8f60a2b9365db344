"""Taking over the records of another study that still apply.

A record applies if the new study could have made it: same options once its params are applied, same data, same meter
and domains, same hardware (``TrialRecord.config_digest``), and values that lie in the new search space. Its joules
were spent in the other study and stay in that ledger.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sweep.config import SweepConfig
from sweep.errors import StudyError
from sweep.observer import TrialView
from sweep.records import SETTLED, Dimension, StudyData, StudyRecord, TrialRecord
from sweep.study.identity import config_digest
from sweep.study.plan import free_repeat
from sweep.study.sampling import distributions
from sweep.study.search_space import PARADIGM, Params, apply, paradigm_of
from sweep.study.store import StudyStore
from sweep.study.weights import FOLDER


def read_source(folder: str) -> StudyData:
    """The study of ``study.import_from``.

    Raises:
        SweepError: if there is none, or it cannot be read.
    """
    with StudyStore.open_to_read(Path(folder).expanduser()) as other:
        return other.data()


def take_over(
    folder: str,
    store: StudyStore,
    study: StudyRecord,
    config: SweepConfig,
    dims: Sequence[Dimension],
    view: Callable[[StudyRecord, TrialRecord], TrialView],
) -> int:
    """Copy the records that still apply, with their weights where they are still there.

    Args:
        folder: of the other study.
        store: of this one.
        study: this one.
        config: of this one.
        dims: of this one.
        view: makes what Optuna dashboard shows of a record.

    Returns:
        How many were taken over now; records taken over before are left alone.

    Raises:
        StudyError: if the source is this study, or holds none.
    """
    source = Path(folder).expanduser()
    if source.resolve() == store.folder.resolve():
        raise StudyError(f"study.import_from={folder} is the study itself", "name the folder of another study")
    data = read_source(folder)
    taken = {record.imported_from for record in store.records()}
    count = 0
    for record in data.trials:
        origin = record.imported_from or f"{source}#{record.number}"
        params = _params_here(record, data.study, study, config, dims)
        if params is None or record.stop_reason not in SETTLED or origin in taken:
            continue
        _add(store, study, record, params, origin, source, dims, view)
        count += 1
    return count


def _params_here(
    record: TrialRecord, old: StudyRecord, new: StudyRecord, config: SweepConfig, dims: Sequence[Dimension]
) -> Params | None:
    """The record's setup in the words of the new space, or ``None`` if it does not apply."""
    params: Params = {}
    for dimension in dims:
        found, value = _value(dimension.key, record, old)
        if not found or not _holds(dimension, value):
            return None
        params[dimension.name] = value
    applied = apply(config, params, dims)
    digest = config_digest(applied, paradigm_of(applied, params), new.data, tuple(new.domains), record.machine)
    same_machine = new.fingerprint.get("hardware") == old.fingerprint.get("hardware")
    return params if digest == record.config_digest and same_machine else None


def _value(key: str, record: TrialRecord, old: StudyRecord) -> tuple[bool, Any]:
    """A key's value in the config that a record was made with."""
    if key == PARADIGM:
        return True, record.paradigm
    for dimension in old.dimensions:
        if dimension.key == key:
            return True, record.params[dimension.name]
    value: Any = old.config
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def _holds(dimension: Dimension, value: Any) -> bool:
    if dimension.values is not None:
        return any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in dimension.values)
    return isinstance(value, int | float) and dimension.low <= value <= dimension.high  # type: ignore[operator]


def _add(
    store: StudyStore,
    study: StudyRecord,
    record: TrialRecord,
    params: Params,
    origin: str,
    source: Path,
    dims: Sequence[Dimension],
    view: Callable[[StudyRecord, TrialRecord], TrialView],
) -> None:
    repeat = free_repeat(params, store.records())
    store.study.enqueue_trial(params, user_attrs={"repeat": repeat})
    trial = store.study.ask(distributions(dims))
    copied = msgspec.structs.replace(record, number=trial.number, params=params, repeat=repeat, imported_from=origin)
    weights = source / FOLDER / str(record.number)
    if weights.is_dir():
        shutil.copytree(weights, store.folder / FOLDER / str(trial.number), dirs_exist_ok=True)
    store.save_trial(trial, copied, view(study, copied))
