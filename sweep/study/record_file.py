"""Where the record of a trial is; importing and reading it needs no Optuna."""

from pathlib import Path
from typing import NamedTuple

from sweep.records import TrialRecord, load


class RecordFile(NamedTuple):
    """The record of an ended trial, on disk.

    Attributes:
        number: of the trial.
        path: of the file.
    """

    number: int
    path: Path

    def read(self) -> TrialRecord:
        """The record.

        Raises:
            RecordError: if it is missing or damaged.
        """
        return load(self.path, TrialRecord, f"record of trial {self.number}")
