"""A study on disk: Optuna's storage, the records as its artifacts, and one lock.

    study.dir/
      study.db          Optuna RDB storage (SQLite): trials, attributes, notes, figures; what optuna-dashboard opens
      artifacts/        record of the study and of every trial (the truth), and trials' files, by artifact id
      checkpoints/      weights of improvements that can still be recommended, <trial>/<epoch>.pt
      under_way.json    record so far of the trial under way; what a killed process leaves behind
      .lock             held while a process works on the study, released by the system if it is killed

A trial's record is uploaded, then what the dashboard shows of it is written, then Optuna is told: a trial that is
RUNNING under a free lock is dead, and either its record is whole (it is rolled forward) or it failed. Limits: one
process writes. Reading needs neither torch nor the lock.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import optuna
import yaml
from filelock import FileLock
from optuna.artifacts import FileSystemArtifactStore
from optuna.trial import FrozenTrial, Trial, TrialState

from sweep.errors import RecordError, StudyError
from sweep.observer import File, StudyView, TrialView
from sweep.records import (
    Record,
    SessionRecord,
    State,
    StudyData,
    StudyRecord,
    TestResult,
    TrialRecord,
    dumps,
    load,
    loads,
)
from sweep.records.base import uncollected
from sweep.study import views
from sweep.study.database import database_url, ended, experimental, locked, open_storage, refuse_foreign
from sweep.study.record_file import RecordFile

optuna.logging.set_verbosity(optuna.logging.WARNING)

RECORD = "record"
SESSION = "session."
TESTS = "tests"


class StudyStore:
    """One study folder, open.

    Use ``create`` or ``open_to_read``.
    """

    def __init__(self, folder: Path, study: optuna.Study, lock: FileLock | None) -> None:
        self.folder = folder
        self.study = study
        self._lock = lock
        self._artifacts = FileSystemArtifactStore(str(folder / "artifacts"))
        self._records: dict[int, TrialRecord] = {}

    # -- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, name: str, quality_name: str) -> "StudyStore":
        """Open the study of a folder for writing, or begin one.

        Raises:
            StudyError: if the folder cannot be written, another process works on it, or what is in it is no
                study of this tool.
        """
        lock = locked(folder)
        try:
            url = database_url(folder, must_exist=False)
            storage = open_storage(url, folder)
            refuse_foreign(storage, folder, name, mark=RECORD)
            (folder / "artifacts").mkdir(exist_ok=True)
            study = optuna.create_study(
                storage=storage, study_name=name, directions=["maximize", "minimize"], load_if_exists=True
            )
            with experimental():
                study.set_metric_names([quality_name, "energy_j"])
        except BaseException:
            lock.release()
            raise
        return cls(folder, study, lock)

    @classmethod
    def open_to_read(cls, folder: Path) -> "StudyStore":
        """Open a study without the lock, for reports.

        Raises:
            StudyError: if there is none.
        """
        storage = open_storage(database_url(folder, must_exist=True), folder)
        names = optuna.get_all_study_names(storage)
        if len(names) != 1:
            raise StudyError(f"{folder}/study.db holds {len(names)} studies", "give a folder made by sweep")
        return cls(folder, optuna.load_study(study_name=names[0], storage=storage), None)

    @property
    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's storage, for the dashboard."""
        return self.study._storage  # noqa: SLF001 - a study has no public way to it

    def close(self) -> None:
        """Let go of the database and the lock."""
        backend = getattr(self.storage, "_backend", self.storage)
        if isinstance(backend, optuna.storages.RDBStorage):
            backend.remove_session()
            backend.engine.dispose()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "StudyStore":
        """The store itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        self.close()

    # -- reading ------------------------------------------------------------------------------------------------

    def trials(self) -> list[FrozenTrial]:
        """Optuna's trials, by number."""
        return self.study.get_trials(deepcopy=False)

    def records(self) -> list[TrialRecord]:
        """Records of all ended trials, by number.

        Raises:
            RecordError: if one is damaged.
        """
        found = []
        with uncollected():
            for file in self.record_files():
                if file.number not in self._records:
                    self._records[file.number] = file.read()
                found.append(self._records[file.number])
        return found

    def record_files(self) -> list[RecordFile]:
        """Where the records of all ended trials are, by number."""
        return [RecordFile(number, self._path(artifact)) for number, artifact in ended(self.storage, RECORD)]

    def waiting(self) -> bool:
        """Whether a setup stands in Optuna's queue, left by a process that was killed before it took it."""
        return any(trial.state == TrialState.WAITING for trial in self.trials())

    def study_record(self) -> StudyRecord | None:
        """What the study is; ``None`` for one that has just begun.

        Raises:
            RecordError: if it is damaged.
        """
        artifact = self.study.user_attrs.get(RECORD)
        return None if artifact is None else load(self._path(artifact), StudyRecord, "record of the study")

    def data(self) -> StudyData:
        """Everything that a report needs.

        Raises:
            StudyError: if the study was not made by this tool, or holds nothing yet.
        """
        return msgspec.structs.replace(self.data_without_trials(), trials=self.records())

    def data_without_layers(self, *, milestones: bool = False) -> StudyData:
        """Everything, of its trials in parts (``sweep.records.parts``); errors as those of ``data``."""
        with uncollected():
            trials = [file.read_without_layers(milestones=milestones) for file in self.record_files()]
        return msgspec.structs.replace(self.data_without_trials(), trials=trials)

    def data_without_trials(self) -> StudyData:
        """All but the records of trials; errors as those of ``data``."""
        study = self.study_record()
        if study is None:
            raise StudyError(f"{self.folder} holds no study of sweep", "give a folder made by sweep")
        attrs = self.study.user_attrs
        sessions = [msgspec.convert(attrs[key], SessionRecord) for key in sorted(attrs) if key.startswith(SESSION)]
        tests = [msgspec.convert(item, TestResult) for item in attrs.get(TESTS, [])]
        return StudyData(study=study, trials=[], sessions=sessions, tests=tests)

    def _path(self, artifact: str) -> Path:
        return self.folder / "artifacts" / artifact

    # -- writing ------------------------------------------------------------------------------------------------

    def save_study(self, record: StudyRecord) -> None:
        """Keep what the study is; a later session's replaces it."""
        artifact = self._upload(self.study, record, "study.json")
        self.study.set_user_attr(RECORD, artifact)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(record.config, sort_keys=False), encoding="utf-8")

    def save_session(self, index: int, session: SessionRecord) -> None:
        """Keep or replace the record of a session."""
        self.study.set_user_attr(f"{SESSION}{index:04d}", msgspec.to_builtins(session))

    def sessions(self) -> int:
        """Number of sessions so far."""
        return sum(key.startswith(SESSION) for key in self.study.user_attrs)

    def save_tests(self, tests: Sequence[TestResult]) -> None:
        """Keep all test results, old and new."""
        self.study.set_user_attr(TESTS, [msgspec.to_builtins(test) for test in tests])

    def save_trial(self, trial: Trial, record: TrialRecord, view: TrialView) -> None:
        """Keep the record, derive what is shown of it, then tell Optuna; in this order."""
        artifact = self._upload(trial, record, f"trial-{record.number}.json")
        trial.set_user_attr(RECORD, artifact)
        self._finish(trial, record, view)

    def _finish(self, trial: Trial, record: TrialRecord, view: TrialView) -> None:
        """Everything that follows once the record is stored; a killed process may have done part of it."""
        for key, value in views.attributes(record).items():
            trial.set_user_attr(key, value)
        views.show_trial(trial, self._artifacts, view)
        self._tell(record)
        self._records[record.number] = record
        self.under_way.unlink(missing_ok=True)

    def show(self, view: StudyView) -> None:
        """Replace the note and the figures of the study in Optuna dashboard."""
        views.show_study(self.study, view.note, view.drawings)

    def retell(self, number: int, note: str) -> None:
        """Replace the note of a trial, which may have ended."""
        views.show_note(self.study, note, self.trials()[number]._trial_id)  # noqa: SLF001

    def _trial(self, frozen: FrozenTrial) -> Trial:
        return Trial(self.study, frozen._trial_id)  # noqa: SLF001 - how Optuna itself reopens a trial

    def _tell(self, record: TrialRecord) -> None:
        if record.state == State.COMPLETE and record.quality is not None and record.energy_j is not None:
            self.study.tell(record.number, [record.quality, record.energy_j])
        else:
            self.study.tell(record.number, state=TrialState.FAIL)

    def _upload(self, owner: Trial | optuna.Study, record: Record, name: str) -> str:
        return views.upload(owner, self._artifacts, File(name, "application/json", dumps(record)))

    # -- what a killed process leaves ---------------------------------------------------------------------------

    @property
    def under_way(self) -> Path:
        """The record so far of the trial under way."""
        return self.folder / "under_way.json"

    def save_under_way(self, record: TrialRecord) -> None:
        """Keep the record so far; replaces the one before in one step."""
        partial = self.under_way.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(record))
        partial.replace(self.under_way)

    def recover(self, view: Callable[[TrialRecord], TrialView]) -> dict[int, TrialRecord | None]:
        """End the trials that a killed process left RUNNING; call under the lock.

        Returns:
            The trials that were found killed, by number; ``None`` for one that left no record.
        """
        killed: dict[int, TrialRecord | None] = {}
        left = self._left_under_way()
        for frozen in self.trials():
            if frozen.state != TrialState.RUNNING:
                continue
            artifact = frozen.user_attrs.get(RECORD)
            if artifact is not None:
                record = RecordFile(frozen.number, self._path(artifact)).read()
                self._finish(self._trial(frozen), record, view(record))
            elif left is not None and left.number == frozen.number:
                self.save_trial(self._trial(frozen), left, view(left))
                killed[frozen.number] = left
            else:
                self.study.tell(frozen.number, state=TrialState.FAIL)
                killed[frozen.number] = None
        self.under_way.unlink(missing_ok=True)
        return killed

    def _left_under_way(self) -> TrialRecord | None:
        if not self.under_way.is_file():
            return None
        try:
            return loads(self.under_way.read_bytes(), TrialRecord, self.under_way)
        except RecordError:
            return None
