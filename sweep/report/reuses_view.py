"""Numbers of the slider for N, the number of trainings that share one pretraining.

    joules of a training = E_enc / N + E_class        against E_enc+class of a training from random weights

As data for the page's script:

    paradigms  [{name, pretraining_j, downstream_j, baseline_j, trainings}], means over the setups of each paradigm;
               ``trainings`` is the break-even, null for never
    steps      [{reuses, setup, epoch, quality, pretraining_j, downstream_j, confirmed}] by rising N: what is
               recommended from this N on; ``reuses`` null for infinitely many, ``setup`` null for nothing
    charged    N by which this study chose, null if its trials do not agree or it is infinite

Limits: between two steps the recommendation is that of the lower one, with its joules at the N of the slider; only a
change of setup, not one of the epoch, is looked for between the rows of ``amortisation``.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from sweep.analysis import wording
from sweep.analysis.amortisation import AmortisedRow
from sweep.analysis.break_even import BreakEvenLine
from sweep.analysis.paradigm_words import called
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.summary import Summary


def reuses_view(summary: Summary) -> dict[str, Any] | None:
    """The slider's numbers; ``None`` where nothing is pretrained."""
    found = summary.paradigms
    lines = [line for line in found.break_even if line.all is not None]
    if found.amortisation is None or not lines:
        return None
    names, points = wording.varying(summary.data), wording.in_points(summary.data)
    rows = sorted({row.reuses: row for row in (*found.amortisation.rows, *found.amortisation.changes)}.items())
    return {
        "paradigms": [_paradigm(line) for line in lines],
        "steps": [_step(row, names, in_points=points) for _, row in rows],
        "charged": _finite(found.amortisation.charged_reuses),
    }


def _paradigm(line: BreakEvenLine) -> dict[str, Any]:
    assert line.all is not None, "lines without joules were left out"
    joules = line.all.joules
    return {
        "name": called(line.paradigm, is_cached=line.is_cached),
        "pretraining_j": joules.pretraining_j,
        "downstream_j": joules.downstream_j,
        "baseline_j": joules.baseline_j,
        "trainings": joules.trainings,
    }


def _step(row: AmortisedRow, names: Sequence[str], *, in_points: bool) -> dict[str, Any]:
    step: dict[str, Any] = {"reuses": _finite(row.reuses), "setup": None}
    if row.point is None:
        return step
    pretraining_j = _pretraining_j(row.point)
    return step | {
        "setup": wording.setup(row.point.setup.params, names),
        "epoch": row.point.epoch,
        "quality": wording.quality(row.point.quality, in_points=in_points),
        "pretraining_j": pretraining_j,
        "downstream_j": row.point.energy_j - pretraining_j / row.reuses,
        "confirmed": row.confirmed,
    }


def _pretraining_j(point: FrontPoint) -> float:
    """Mean joules of the pretrainings that a point's trials rest on; 0 for trials without one."""
    return statistics.fmean(
        (trial.pretraining.energy_j or 0.0) if trial.pretraining else 0.0 for trial in point.setup.trials
    )


def _finite(reuses: float | None) -> float | None:
    return None if reuses is None or math.isinf(reuses) else reuses
