"""What Optuna dashboard shows of a study and of its trials: notes, files and small figures.

The dashboard draws learning curves and the history of the hypervolume for studies of one objective only, and it knows
neither break-even nor layers: these charts of the report are saved in the study as figures.

Limits: a figure takes at most ``MAX_BYTES`` (the storage keeps it in pieces of 2 kB), thinned as ``sweep.report.slim``
says, and is left out if that does not do; report.html has all charts whole.
"""

from typing import Any

from plotly.graph_objects import Figure

from sweep.analysis.summary import Summary
from sweep.analysis.tables import epochs_frame, layers_frame
from sweep.observer import Drawing, File, StudyView, TrialView
from sweep.records import StudyData, TrialRecord
from sweep.registry import discover
from sweep.report.chart import Chart
from sweep.report.curve_picture import curve_picture
from sweep.report.notes import study_note, trial_note
from sweep.report.slim import slim

SHOWN = ("learning_curves", "hypervolume", "break_even", "layer_energy")
"""Charts by the names of their modules."""
MAX_BYTES = 40_000
GROUND = "#ffffff"
"""Of saved figures: the dashboard's may be dark, and it does not recolour the text in them."""
TITLE_PX, HEIGHT_PX, MOST_PX = 60, 440, 450
"""Heights of a title with two lines of legend, of a chart, and of the place that the dashboard cuts figures to."""
LEGEND_Y = 1.02
"""Of a legend just above the plot, in heights of the plot."""


def study_view(summary: Summary) -> StudyView:
    """Note and figures of a study; a chart with nothing to draw yet is left out."""
    charts = discover("sweep.report.charts", Chart)  # type: ignore[type-abstract]
    drawings = []
    for name in SHOWN:
        chart = charts[name]()
        drawn = chart.draw(summary)
        text = None if drawn is None else slim(_titled(drawn.figure, chart.title), MAX_BYTES)
        if text is not None:
            drawings.append(Drawing(name, text))
    return StudyView(study_note(summary), tuple(drawings))


def trial_view(data: StudyData, record: TrialRecord) -> TrialView:
    """Note and files of a trial; tables and curves without rows are left out.

    Args:
        data: the study; its trials are not looked at, its tests are.
        record: of the trial.
    """
    alone = StudyData(study=data.study, trials=[record], sessions=[], tests=[])
    files = []
    if record.layers:
        files.append(_csv("layers.csv", layers_frame(alone)))
    if record.trajectory:
        files.append(_csv("learning_curve.csv", epochs_frame(alone)))
    picture = curve_picture(data.study, record)
    if picture is not None:
        files.append(File("learning_curve.svg", "image/svg+xml", picture.encode()))
    return TrialView(trial_note(data, record), tuple(files))


def _csv(name: str, frame: Any) -> File:
    return File(name, "text/csv", frame.to_csv(index=False, lineterminator="\n").encode())


def _titled(figure: Figure, title: str) -> Figure:
    """The figure with its own ground and its title, which the page of the report has around it.

    The title gets a line of its own above the legend, wherever the chart has put that.
    """
    layout = figure.layout
    height = layout.height or HEIGHT_PX
    legend_px = max(0.0, (layout.legend.y or LEGEND_Y) - LEGEND_Y) * height
    more_px = round(TITLE_PX + legend_px)
    figure.update_layout(
        title={"text": title, "x": 0.02, "y": 1.0, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        paper_bgcolor=GROUND,
        plot_bgcolor=GROUND,
        height=min(height + more_px, MOST_PX),
        margin={"t": (layout.margin.t or 0) + more_px},
    )
    _save_lines(figure)
    return figure


def _save_lines(figure: Figure) -> None:
    """Panels one below another share the title of the last x axis, and break those of their y axes."""
    *others, _ = list(figure.select_xaxes()) or [None]
    for axis in others:
        axis.title.text = None
    for axis in figure.select_yaxes() if others else ():
        axis.title.text = (axis.title.text or "").replace(" (", "<br>(")
