"""What may listen to a study: progress lines, dashboard notes, TensorBoard, a journal.

``__main__`` hands observers to the study; the study knows only this contract. Observers run on the training
thread between epochs and between trials, never inside an epoch; the meter sets their CPU time apart. An observer
must not raise for what it cannot show.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sweep.records import StudyData, StudyRecord, TrajectoryPoint, TrialRecord


class Reporter(Protocol):
    """What turns records into text; handed to the study, which stands beside the report and does not know it."""

    def write(self, data: StudyData, folder: Path) -> Path:
        """Write the report and its tables; returns the report's path."""

    def study_note(self, data: StudyData) -> str:
        """Markdown for the study in Optuna dashboard."""

    def trial_note(self, study: StudyRecord, record: TrialRecord) -> str:
        """Markdown for one trial in Optuna dashboard."""


class Observer:
    """Listener with nothing to say; override what is of interest."""

    def study_started(self, study: StudyRecord, finished: Sequence[TrialRecord], planned: int | None) -> None:
        """A session begins; ``finished`` are the records that were there before it."""

    def trial_started(self, number: int, params: dict[str, object], repeat: int) -> None:
        """A trial begins."""

    def epoch_ended(self, number: int, point: TrajectoryPoint) -> None:
        """An epoch of the trial under way has ended."""

    def trial_ended(self, record: TrialRecord) -> None:
        """A trial has ended; its record is stored."""

    def notice(self, message: str) -> None:
        """Something the user should read, once."""

    def study_ended(self) -> None:
        """The session is over."""
