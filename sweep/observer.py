"""What may listen to a study, and what it shows in Optuna dashboard: progress lines, notes, files, figures.

``__main__`` hands observers and a reporter to the study; the study knows only these contracts. Observers run on the
training thread between epochs and between trials, never inside an epoch; the meter sets their CPU time apart. An
observer must not raise for what it cannot show. A reporter works between trials: what it costs is the search's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from sweep.records import StudyData, StudyRecord, TestResult, TrajectoryPoint, TrialRecord


class File(NamedTuple):
    """A file that stands beside a trial."""

    name: str
    mimetype: str
    content: bytes


class TrialView(NamedTuple):
    """What Optuna dashboard shows of a trial: its note as markdown, and files."""

    note: str
    files: tuple[File, ...] = ()


class Drawing(NamedTuple):
    """A saved figure: its name, valid as an id in HTML, and Plotly's JSON."""

    name: str
    json: str

    def to_json(self) -> str:
        """What Optuna dashboard asks of a figure."""
        return self.json


class StudyView(NamedTuple):
    """What Optuna dashboard shows of a study: its note as markdown, and figures."""

    note: str
    drawings: tuple[Drawing, ...] = ()


class Reporter(Protocol):
    """What turns records into text; handed to the study, which stands beside the report and does not know it."""

    def write(self, data: StudyData, folder: Path) -> Path:
        """Write the report and its tables; returns the report's path."""

    def study_view(self, data: StudyData) -> StudyView:
        """Note and figures of the study for Optuna dashboard."""

    def trial_view(self, study: StudyRecord, record: TrialRecord, tests: Sequence[TestResult] = ()) -> TrialView:
        """Note and files of one trial for Optuna dashboard."""


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
