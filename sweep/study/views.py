"""What Optuna dashboard shows, as Optuna keeps it: attributes, notes, files and figures. Derived, never read back.

The dashboard keeps notes and figures in pieces, all of them in the attributes of the *study*, those of its trials too.
Its own functions read every attribute of the study for each note and write piece after piece, each to the disk: dearer
with every trial, and a page that looks meanwhile finds half of a figure. So pieces are written here in one transaction.

The dashboard's package is loaded where something is written: reading a study needs none of it, and it takes a second.

Limits: SQLite, whose order of keys and whose SQL for "insert or replace" it is.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.artifacts import FileSystemArtifactStore, get_all_artifact_meta, upload_artifact
from optuna.trial import Trial
from sqlalchemy import Engine, text

from sweep.observer import Drawing, File, TrialView
from sweep.records import TrialRecord

READ = text(
    "SELECT key, value_json FROM study_system_attributes WHERE study_id = :study AND key >= :first AND key < :beyond"
)
"""Keys with a prefix as a range, which the database finds by its index; LIKE would look at all of them."""
WRITE = text(
    "INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (:study, :key, :value) "
    "ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json"
)


def attributes(record: TrialRecord) -> dict[str, Any]:
    """Readable names, with their units, of what the dashboard lists beside a trial and offers for its axes."""
    attrs: dict[str, Any] = {
        "stop reason": record.stop_reason.replace("_", " "),
        "paradigm of the trial": record.paradigm,
        "repeat": record.repeat,
        "seed": record.seed,
        "epochs": record.epochs,
        "best epoch": record.best_epoch,
        "energy to best epoch (J)": record.energy_to_best_j,
        "energy spent (J)": record.energy_spent_j,
        "energy above idle (J)": record.energy_dynamic_j,
        "energy uncertainty, scale (J)": record.energy_u_scale_j,
        "energy uncertainty, from run to run (J)": record.energy_u_random_j,
        "effective batch size": record.effective_batch_size,
        "duration (s)": record.duration_s,
        "disturbed by other programs": record.load.contaminated if record.load else None,
    }
    for name, domain in record.domains.items():
        attrs[f"energy of {name} (J)"] = domain.energy_j
        attrs[f"provenance of {name}"] = str(domain.provenance)
    return attrs


def show_trial(trial: Trial, artifacts: FileSystemArtifactStore, view: TrialView) -> None:
    """Write the note of a trial that Optuna has not been told of yet, and put its files beside it.

    Files that are there already, put by a process that was killed meanwhile, are left.
    """
    show_note(trial.study, view.note, trial._trial_id)  # noqa: SLF001 - the dashboard's own way to name it
    there = {meta.filename for meta in get_all_artifact_meta(trial)}
    for file in view.files:
        if file.name not in there:
            upload(trial, artifacts, file)


def show_note(study: optuna.Study, note: str, trial_id: int | None = None) -> None:
    """Replace the note of a trial, or of the study itself."""
    from optuna_dashboard._note import note_str_key_prefix, note_ver_key, split_body

    _replace(study, {note_str_key_prefix(trial_id): split_body(note, trial_id)}, note_ver_key(trial_id))


def show_study(study: optuna.Study, note: str, drawings: Sequence[Drawing]) -> None:
    """Replace the study's note, and its figures by name."""
    from optuna_dashboard._custom_plot_data import SYSTEM_ATTR_PLOT_DATA, split_plot_data
    from optuna_dashboard._note import note_str_key_prefix, note_ver_key, split_body

    pieces = {note_str_key_prefix(None): split_body(note, None)}
    for drawing in drawings:
        prefix = f"{SYSTEM_ATTR_PLOT_DATA}{drawing.name}:"
        pieces[prefix] = split_plot_data(drawing.json, prefix)
    _replace(study, pieces, note_ver_key(None))


def _replace(study: optuna.Study, pieces: Mapping[str, Mapping[str, str]], version: str) -> None:
    """Write what has changed, all at once.

    Args:
        study: whose attributes they are.
        pieces: texts by their whole keys, under the prefix that these begin with.
        version: key of the number that is counted up, by which the dashboard sees that a note has changed.
    """
    number = study._study_id  # noqa: SLF001 - a study has no public number
    with _engine(study).begin() as connection:

        def read(first: str, beyond: str) -> dict[str, Any]:
            rows = connection.execute(READ, {"study": number, "first": first, "beyond": beyond})
            return {key: json.loads(value) for key, value in rows}

        new: dict[str, Any] = {}
        for prefix, texts in pieces.items():
            there = read(prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
            new |= {key: item for key, item in texts.items() if there.get(key) != item}
            new |= {key: "" for key, item in there.items() if key not in texts and item}
        new[version] = read(version, f"{version} ").get(version, 0) + 1
        rows = [{"study": number, "key": key, "value": json.dumps(item)} for key, item in new.items()]
        connection.execute(WRITE, rows)


def _engine(study: optuna.Study) -> Engine:
    storage = study._storage  # noqa: SLF001 - a study has no public way to it
    engine = getattr(getattr(storage, "_backend", storage), "engine", None)
    if not isinstance(engine, Engine):
        raise TypeError(f"{type(storage).__name__} is no database")
    return engine


def upload(owner: Trial | optuna.Study, artifacts: FileSystemArtifactStore, file: File) -> str:
    """Put a file into the artifact store, in the name of a study or a trial; returns its id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.write_bytes(file.content)
        return upload_artifact(
            artifact_store=artifacts, file_path=str(path), study_or_trial=owner, mimetype=file.mimetype
        )
