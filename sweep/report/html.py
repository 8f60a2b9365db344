"""The report as one HTML file that opens offline: text, tables, charts and Plotly itself are in it.

What makes it safe and self-contained stands in ``sweep.report.page``.

Limits: about 5 MB, almost all of it Plotly; the trial table stops at ``MAX_ROWS`` rows (trials.csv has all).
"""

import math
import shlex
from pathlib import Path

from jinja2 import Environment
from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.drift_words import drift_sentences
from sweep.analysis.inference import paybacks
from sweep.analysis.operators import first_hot_spots
from sweep.analysis.payback import Named
from sweep.analysis.recommend import Kind
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.registry import discover
from sweep.report import page
from sweep.report.chart import Chart
from sweep.report.codec_view import codec_view
from sweep.report.footprint import footprint_view
from sweep.report.hot_spots_view import hot_spots_views
from sweep.report.inference_view import inference_view
from sweep.report.layer_chart import NOT_MEASURED, of_setup
from sweep.report.layer_table import TableView, table_view
from sweep.report.paradigm_tables import factors_view, paradigms_view
from sweep.report.recommended import recommended_command
from sweep.report.sources import sources_view

MAX_ROWS = 500
REFERENCES = {
    Named.CURRENT: "your current setup",
    Kind.MOST_ACCURATE: "the most accurate setup",
    Kind.VERSUS_MEDIAN: "the setup of median energy",
    Kind.VERSUS_WORST: "the setup of most energy",
}


def render(summary: Summary, folder: Path) -> str:
    """The report.

    Args:
        summary: the study and its analyses.
        folder: the study's folder, for the commands that the report names.
    """
    charts = _charts(summary)
    return (
        _environment(summary)
        .get_template("report.html.j2")
        .render(
            summary=summary,
            data=summary.data,
            study=summary.data.study,
            names=wording.varying(summary.data),
            charts=charts,
            **page.parts({name: figure for name, (_, figure) in charts.items() if figure}),
            references=REFERENCES,
            sources=sources_view(summary.basis),
            paradigms=paradigms_view(summary),
            factors=factors_view(summary),
            codec=codec_view(summary.data, summary.codecs),
            inference=inference_view(summary.data, summary.inferences, paybacks(summary.front, summary.inferences)),
            hot_spots=hot_spots_views(first_hot_spots(summary.data.trials)),
            footprint=footprint_view(summary.footprint),
            has_dynamic=any(setup.dynamic_j is not None for setup in summary.setups),
            layers=_layers(summary),
            not_measured=NOT_MEASURED,
            drift=drift_sentences(summary.drift) if summary.drift else (),
            ordered=sorted(summary.setups, key=_by_energy),
            trials=sorted(summary.data.trials, key=lambda trial: trial.number)[:MAX_ROWS],
            tests={test.number: test for test in sorted(summary.data.tests, key=lambda t: t.weights_epoch)},
            commands={
                "search": summary.data.study.command,
                "report": f"sweep report {shlex.quote(str(folder))}",
                "train": recommended_command(folder),
            },
        )
    )


def _charts(summary: Summary) -> dict[str, tuple[Chart, Figure | None]]:
    """Every registered chart in its order, with its figure."""
    found = [(name, cls()) for name, cls in discover("sweep.report.charts", Chart).items()]  # type: ignore[type-abstract]
    found.sort(key=lambda item: item[1].order)
    return {name: (chart, chart.figure(summary)) for name, chart in found}


def _layers(summary: Summary) -> TableView | None:
    found = summary.layers
    if found is None:
        return None
    return table_view(found.breakdown, of_setup(found, wording.varying(summary.data)), found.disturbed)


def _by_energy(setup: Setup) -> float:
    return setup.final.energy_j if setup.final else math.inf


def _environment(summary: Summary) -> Environment:
    points = wording.in_points(summary.data)
    environment = page.environment()
    environment.filters |= {
        "quality": lambda amount, u=None: wording.quality(amount, in_points=points, u=u),
        "gain": lambda amount, u=None: wording.gain(amount, in_points=points, u=u),
    }
    return environment
