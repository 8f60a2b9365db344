"""Heat map of the quality of whole trials, to be read beside their energy."""

from sweep.analysis.heat import heat_tables
from sweep.analysis.summary import Summary
from sweep.report.chart import Chart, Drawn, drawn
from sweep.report.heat_chart import HeatInfo, alt, heat_info, plot


def info(summary: Summary) -> HeatInfo | None:
    """Mean best validation quality of whole trials in each cell."""
    tables = heat_tables(summary.data, lambda trial: trial.quality)
    return heat_info(tables, summary.data.study.quality_name, told="{:.3f}".format, reverse=False)


class Quality(Chart):
    """What a whole training reaches."""

    title = "Quality of a whole training"
    caption = "Mean best validation quality of the repeats."
    order = 40

    def draw(self, summary: Summary) -> Drawn | None:
        """The chart; ``None`` if no dimension varies or no quality is known."""
        return drawn(info(summary), plot, alt)
