"""The report as one HTML file that opens offline: text, tables, charts and Plotly itself are in it.

Nothing is fetched and nothing is evaluated: a content-security policy allows only the two scripts in the file,
by their SHA-256, and no connection at all. Names and messages of users are escaped by Jinja2 (text), by
``chart.text`` (labels in figures) and by ``_data_block`` (JSON inside the page).

Limits: about 5 MB, almost all of it Plotly; the trial table stops at ``MAX_ROWS`` rows (trials.csv has all).
"""

import base64
import hashlib
import json
import math
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from sweep.analysis import wording
from sweep.analysis.recommend import Kind
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.registry import discover
from sweep.report.chart import Chart
from sweep.report.recommended import recommended_command

MAX_ROWS = 500
REFERENCES = {
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
    figures = {name: json.loads(figure.to_json()) for name, (_, figure) in charts.items() if figure}
    scripts = [_script(get_plotlyjs()), _script(_asset("report.js"))] if figures else []
    return (
        _environment(summary)
        .get_template("report.html.j2")
        .render(
            summary=summary,
            data=summary.data,
            study=summary.data.study,
            names=wording.varying(summary.data),
            charts=charts,
            figures=_data_block(figures),
            scripts=scripts,
            policy=_policy(scripts),
            style=Markup(_asset("report.css")),  # noqa: S704  (our own file)
            references=REFERENCES,
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


def _by_energy(setup: Setup) -> float:
    return setup.final.energy_j if setup.final else math.inf


def _environment(summary: Summary) -> Environment:
    points = wording.in_points(summary.data)
    environment = Environment(
        loader=PackageLoader("sweep.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "energy": wording.energy,
        "duration": wording.duration,
        "share": wording.share,
        "value": wording.value,
        "numbers": wording.numbers,
        "count": wording.count,
        "setup": wording.setup,
        "provenance": wording.provenance,
        "quality": lambda amount, u=None: wording.quality(amount, in_points=points, u=u),
        "gain": lambda amount, u=None: wording.gain(amount, in_points=points, u=u),
    }
    return environment


def _asset(name: str) -> str:
    return (resources.files("sweep.report") / "templates" / name).read_text(encoding="utf-8")


def _script(source: str) -> Markup:
    """Text of an inline script; browsers hash it after normalising line ends, so do that first."""
    return Markup(source.replace("\r\n", "\n").replace("\r", "\n"))  # noqa: S704  (Plotly's and our own)


def _policy(scripts: list[Markup]) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data_block(figures: dict[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  (escaped above)
