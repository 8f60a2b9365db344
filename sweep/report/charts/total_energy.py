"""Heat map of the energy of whole trials, the worst cell = 100 %: Fig. 3 of "The Power of Training"."""

import numpy as np
from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.heat import heat_table
from sweep.analysis.summary import Summary
from sweep.report.chart import Chart
from sweep.report.heat_chart import HeatInfo, heat_info, plot


def info(summary: Summary) -> HeatInfo | None:
    """Mean energy of a whole trial in each cell, in per cent of the largest cell."""
    table = heat_table(summary.data, lambda trial: trial.energy_j)
    if table is None or not np.nanmax(table.values) > 0:
        return None
    shares = table._replace(values=100.0 * table.values / np.nanmax(table.values))
    unit = f"% of worst ({wording.provenance(summary.data.study.domains)})"
    return heat_info(shares, unit, decimals=0, reverse=True)


class TotalEnergy(Chart):
    """What a whole training costs."""

    title = "Energy of a whole training"
    caption = "Joules from start to early stopping, in per cent of the worst cell. Read it beside the quality."
    order = 30

    def figure(self, summary: Summary) -> Figure | None:
        """The chart; ``None`` if no dimension varies or no joules are known."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)
