"""Heat map of the mean joules of an epoch: Table 2 of "The Power of Training", in joules instead of mWh."""

from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.heat import heat_tables
from sweep.analysis.summary import Summary
from sweep.analysis.tables import energy_per_epoch_j
from sweep.report.chart import Chart
from sweep.report.heat_chart import HeatInfo, heat_info, plot


def info(summary: Summary) -> HeatInfo | None:
    """Mean joules of an epoch, validation included, in each cell."""
    unit = f"{wording.provenance(summary.data.study.domains)} J per epoch"
    return heat_info(heat_tables(summary.data, energy_per_epoch_j), unit, decimals=2, reverse=True)


class EnergyPerEpoch(Chart):
    """What an epoch costs."""

    title = "Energy of an epoch"
    caption = "Mean joules of one epoch, validation included. Empty cells: no trial there was completed."
    order = 20

    def figure(self, summary: Summary) -> Figure | None:
        """The chart; ``None`` if no dimension varies or no joules are known."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)
