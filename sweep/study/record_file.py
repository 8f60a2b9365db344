"""Where the record of a trial is; importing and reading it needs no Optuna."""

from pathlib import Path
from typing import NamedTuple

from sweep.records import TrialRecord, load
from sweep.records.parts import load_without_layers, load_without_shapes


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

    def read_without_shapes(self) -> TrialRecord:
        """The record but for the shapes of its layers (``sweep.records.parts``); errors as those of ``read``."""
        return load_without_shapes(self.path, f"record of trial {self.number}")

    def read_without_layers(self, *, milestones: bool = False) -> TrialRecord:
        """The record in parts (``sweep.records.parts``); errors as those of ``read``."""
        return load_without_layers(self.path, f"record of trial {self.number}", milestones=milestones)
