"""Heat map of the mean joules of an epoch: Table 2 of "The Power of Training", in joules instead of mWh."""

from sweep.analysis import wording
from sweep.analysis.heat import heat_tables
from sweep.analysis.summary import Summary
from sweep.analysis.tables import energy_per_epoch_j
from sweep.report.chart import Chart, Drawn, drawn
from sweep.report.heat_chart import HeatInfo, alt, heat_info, plot


def info(summary: Summary) -> HeatInfo | None:
    """Mean joules of an epoch, validation included, in each cell."""
    unit = f"{wording.provenance(summary.data.study.domains)} J per epoch"
    return heat_info(
        heat_tables(summary.data, energy_per_epoch_j), unit, told=wording.energy, reverse=True, is_energy=True
    )


class EnergyPerEpoch(Chart):
    """What an epoch costs."""

    title = "Energy of an epoch"
    caption = "Mean joules of one epoch, validation included. Empty cells: no trial there was completed."
    order = 20

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no dimension varies or no joules are known."""
        return drawn(info(summary), plot, alt)
