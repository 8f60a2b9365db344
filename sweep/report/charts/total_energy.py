"""Heat map of the energy of whole trials, the worst cell = 100 %: Fig. 3 of "The Power of Training".

Below each share stands the quality, and a cell whose quality is far below the best one gets no colour, so that a
setup that failed cheaply does not shine. Far is more than ``FAR`` of the best quality, and more than the noise. Where
heads are trained one by one their qualities are of different tasks, and none of them is far from another.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.analysis import wording
from sweep.analysis.heat import HeatTable, heat_tables
from sweep.analysis.noise import gap_u
from sweep.analysis.paired import SINGLETASK
from sweep.analysis.summary import Summary
from sweep.report.chart import Chart, Drawn, drawn
from sweep.report.heat_chart import HeatInfo, alt, heat_info, plot

FAR = 0.1


def info(summary: Summary) -> HeatInfo | None:
    """Mean energy of a whole trial in each cell, in per cent of the largest cell of all paradigms."""
    tables = heat_tables(summary.data, lambda trial: trial.energy_j)
    worst = max((float(np.nanmax(table.values)) for table in tables), default=0.0)
    if not worst > 0:
        return None
    shares = [table._replace(values=100.0 * table.values / worst) for table in tables]
    beside = _alike(tables, heat_tables(summary.data, lambda trial: trial.quality))
    unit = f"% of worst ({wording.provenance(summary.data.study.domains)}), {summary.data.study.quality_name}"
    return heat_info(shares, unit, told="{:.0f}".format, reverse=True, beside=beside, dull=_far(beside, summary))


class TotalEnergy(Chart):
    """What a whole training costs."""

    title = "Energy of a whole training"
    caption = (
        "Joules from start to early stopping, in per cent of the worst cell, above the quality that they bought. "
        "No colour: cheap perhaps, but more than a tenth of the best quality is lost, and more than the noise."
    )
    order = 30

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no dimension varies or no joules are known."""
        return drawn(info(summary), plot, alt)


def _alike(tables: Sequence[HeatTable], others: Sequence[HeatTable]) -> list[HeatTable]:
    """For each table the one of the same paradigm; an empty one where no quality is known."""
    found = {table.paradigm: table for table in others}
    empty = [table._replace(values=np.full(table.values.shape, np.nan)) for table in tables]
    return [found.get(table.paradigm, none) for table, none in zip(tables, empty, strict=True)]


def _far(tables: Sequence[HeatTable], summary: Summary) -> list[NDArray[np.bool_]]:
    """Cells whose quality is far below the best one."""
    if any(run.paradigm.startswith(SINGLETASK) for run in summary.data.trials):
        return []
    best = max((float(item) for table in tables for item in table.values.flat if not math.isnan(item)), default=0.0)
    n = summary.data.study.repeats
    limit = max(gap_u(summary.recommendations.noise, n, n) or 0.0, FAR * abs(best))
    return [np.nan_to_num(best - table.values, nan=0.0) > limit for table in tables]
