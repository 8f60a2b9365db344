"""Heat map of the quality of whole trials, to be read beside their energy."""

from plotly.graph_objects import Figure

from sweep.analysis.heat import heat_tables
from sweep.analysis.summary import Summary
from sweep.report.chart import Chart
from sweep.report.heat_chart import HeatInfo, heat_info, plot


def info(summary: Summary) -> HeatInfo | None:
    """Mean best validation quality of whole trials in each cell."""
    tables = heat_tables(summary.data, lambda trial: trial.quality)
    return heat_info(tables, summary.data.study.quality_name, decimals=3, reverse=False)


class Quality(Chart):
    """What a whole training reaches."""

    title = "Quality of a whole training"
    caption = "Mean best validation quality of the repeats."
    order = 40

    def figure(self, summary: Summary) -> Figure | None:
        """The chart; ``None`` if no dimension varies or no quality is known."""
        numbers = info(summary)
        return None if numbers is None else plot(numbers)
