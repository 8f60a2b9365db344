"""Weights on disk: one file for each improvement, kept as long as the point can still be recommended.

    checkpoints/<trial>/<epoch>.pt

A recommendation stands on the front of the setups' mean trajectories, and a dominated point stays dominated, so a setup
whose repeats are all done and which has no point on the front can lose its weights. Limits: weights of unfinished
setups are all kept; the rule knows no noise, but neither does the front.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from sweep.analysis.pareto import envelope
from sweep.analysis.setups import Setup, setups
from sweep.records import StudyData, TrialRecord

FOLDER = "checkpoints"


class Checkpoints:
    """Weights of the improvements of one trial: ``<folder>/<epoch>.pt``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, epoch: int, model: nn.Module) -> None:
        """Write the weights; a file is whole or absent."""
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"{epoch}.partial"
        torch.save(model.state_dict(), partial)
        partial.replace(self._folder / f"{epoch}.pt")

    def has(self, epoch: int) -> bool:
        """Whether the weights of this epoch are there."""
        return (self._folder / f"{epoch}.pt").is_file()

    def restore(self, epoch: int, model: nn.Module) -> None:
        """Load the weights of a saved epoch."""
        device = next(model.parameters()).device
        state = torch.load(self._folder / f"{epoch}.pt", map_location=device, weights_only=True)
        model.load_state_dict(state)


def prune(data: StudyData, folder: Path) -> None:
    """Delete the weights of setups that can no longer be recommended, and of failed trials."""
    groups = setups(data)
    on_front = {number for point in envelope(groups) for number in point.trials}
    for setup in groups:
        drop(folder, setup.superseded)
        if not _is_whole(setup, data.study.repeats):
            drop(folder, setup.failed)
        elif not on_front.intersection(setup.numbers):
            drop(folder, [*setup.numbers, *setup.failed])


def _is_whole(setup: Setup, repeats: int) -> bool:
    return len({trial.repeat for trial in setup.trials}) >= repeats


def drop(folder: Path, numbers: Sequence[int]) -> None:
    """Delete the weights of some trials."""
    for number in numbers:
        shutil.rmtree(folder / FOLDER / str(number), ignore_errors=True)


def epoch_of(record: TrialRecord, epoch: int) -> int | None:
    """Epoch within the last phase of the weights that "stopped at ``epoch``" means: the best up to there.

    Args:
        record: of the trial.
        epoch: counted from 1 over the whole trial.
    """
    best: tuple[float, int] | None = None
    for point in record.trajectory[:epoch]:
        if point.quality is not None and (best is None or point.quality > best[0]):
            best = (point.quality, point.epoch)
    return best[1] if best else None
