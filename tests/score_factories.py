"""Studies whose trials keep a score of each validation sample."""

from collections.abc import Hashable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from sweep.records import SampleGroups, SampleScores, StudyData, TrialRecord
from tests.factories import study, trial

SPLIT = "val0"


def scored(record: TrialRecord, scores: ArrayLike, split: str = SPLIT) -> TrialRecord:
    """The record with these scores, whatever its quality."""
    return msgspec.structs.replace(record, scores=SampleScores.pack(np.asarray(scores, float), split))


def scored_study(
    trials: Sequence[TrialRecord], *, groups: Sequence[Hashable] | None = None, n_val: int = 400
) -> StudyData:
    """A study on the split ``SPLIT``, with one label for each sample where there are groups."""
    data = study(trials, n_val=n_val)
    info = msgspec.structs.replace(
        data.study.data,
        val_digest=SPLIT,
        val_groups=None if groups is None else SampleGroups.pack(groups, "subject"),
    )
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, data=info))


def planted(params: Sequence[Mapping[str, float]], right: Sequence[ArrayLike]) -> list[TrialRecord]:
    """One trial of one epoch for each row of scores; its quality is their mean."""
    return [
        scored(trial(number, own, qualities=(float(np.mean(row)),)), row)
        for number, (own, row) in enumerate(zip(params, right, strict=True))
    ]
