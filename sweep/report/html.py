"""The report as one HTML file that opens offline: text, tables, charts and Plotly itself are in it.

A report has one view of all joules and, where the idle power is known, one of the joules above idle: a section whose
numbers depend on it stands in the page once for each, and a switch shows one of them (``View``). The ledger, CO2e and
money, and what rests on other measurements than trainings stay with all joules. What makes the page safe and
self-contained stands in ``sweep.report.page``; what its scripts do, at the head of each script.

Limits: about 5 MB, almost all of it Plotly. Without scripts there are no charts and only the first trials.
"""

import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from sweep.analysis import wording
from sweep.analysis.above_idle import is_above_idle, missing_idle
from sweep.analysis.drift_words import drift_sentences
from sweep.analysis.inference import paybacks
from sweep.analysis.noise_words import noise_words
from sweep.analysis.operators import first_hot_spots
from sweep.analysis.payback import Named
from sweep.analysis.recommend import Kind
from sweep.analysis.recommendation import CALLED
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.report import page
from sweep.report.chart import Drawn
from sweep.report.codec_view import codec_view
from sweep.report.footprint import footprint_view
from sweep.report.front_view import front_view
from sweep.report.hot_spots_view import hot_spots_views
from sweep.report.inference_view import inference_view
from sweep.report.layer_chart import NOT_MEASURED, of_setup
from sweep.report.layer_table import TableView, table_view
from sweep.report.paradigm_tables import factors_view, paradigms_view
from sweep.report.recommendation_view import Card, cards, reference
from sweep.report.recommended import recommended_command, recommended_yaml
from sweep.report.reuses_view import reuses_view
from sweep.report.sections import Charts, charts, draw
from sweep.report.sources import SourcesView, sources_view
from sweep.report.trials_view import TrialsView, trials_view
from sweep.report.units import co2e_unit

TOTAL, IDLE = "total", "idle"
MAX_SETUPS = 200
REFERENCES = {
    Named.CURRENT: "your current setup",
    Kind.MOST_ACCURATE: "the most accurate setup",
    Kind.VERSUS_MEDIAN: "the setup of median energy",
    Kind.VERSUS_WORST: "the setup of most energy",
}
SCRIPTS = ("base", "units", "figures", "plots", "tables", "trials", "point", "reuses", "report")


@dataclass(frozen=True)
class View:
    """What depends on whether joules are all joules or those above idle.

    Attributes:
        key: ``total`` or ``idle``; the class of its elements.
        ordered: the first setups by joules.
        names: of the dimensions that differ.
        against: what the primary recommendation is compared with.
        drawn: its charts by name.
    """

    key: str
    summary: Summary
    names: tuple[str, ...]
    cards: list[Card]
    against: str
    paradigms: SourcesView | None
    factors: SourcesView | None
    layers: TableView | None
    drift: tuple[str, ...]
    ordered: list[Setup]
    has_dynamic: bool
    reuses: dict[str, Any] | None
    drawn: dict[str, Drawn | None]


def render(total: View, folder: Path, idle: View | None = None) -> str:
    """The report.

    Args:
        total: the study and its analyses.
        folder: the study's folder, for the commands that the report names.
        idle: the same study above idle (``sweep.analysis.above_idle``), where that is known.
    """
    views = [total] if idle is None else [total, idle]
    summary = total.summary
    drawn, trials = charts({view.key: view.drawn for view in views}), trials_view(summary)
    primary = summary.recommendations.primary
    return (
        _environment(summary)
        .get_template("report.html.j2")
        .render(
            summary=summary,
            data=summary.data,
            study=summary.data.study,
            views=views,
            charts=drawn.groups,
            has_charts=bool(drawn.drawn),
            trials=trials,
            missing_idle=missing_idle(summary.data),
            co2e=co2e_unit(summary.footprint),
            recommended_yaml=recommended_yaml(summary.data, primary) if primary and primary.point else None,
            data_blocks=_blocks(summary, views, drawn, trials),
            **page.parts(drawn.figures[TOTAL], SCRIPTS),
            **_shared(summary, folder),
        )
    )


def _shared(summary: Summary, folder: Path) -> dict[str, Any]:
    """What stands in the page once."""
    return {
        "references": REFERENCES,
        "called": CALLED,
        "noise_words": noise_words(
            summary.recommendations.noise, summary.data.study.quality_name, in_points=wording.in_points(summary.data)
        ),
        "sources": sources_view(summary.basis),
        "codec": codec_view(summary.data, summary.codecs),
        "inference": inference_view(summary.data, summary.inferences, paybacks(summary.front, summary.inferences)),
        "hot_spots": hot_spots_views(first_hot_spots(summary.data.trials)),
        "footprint": footprint_view(summary.footprint),
        "has_dynamic": any(setup.dynamic_j is not None for setup in summary.setups),
        "not_measured": NOT_MEASURED,
        "commands": {
            "search": summary.data.study.command,
            "report": f"sweep report {shlex.quote(str(folder))}",
            "train": recommended_command(folder),
        },
    }


def view_of(summary: Summary) -> View:
    """The view of a study, or of one above idle; asks for its drift last."""
    primary, drawn = summary.recommendations.primary, draw(summary)
    return View(
        key=IDLE if is_above_idle(summary.data) else TOTAL,
        summary=summary,
        names=wording.varying(summary.data),
        cards=cards(summary),
        against=reference(primary) if primary else "",
        paradigms=paradigms_view(summary),
        factors=factors_view(summary),
        layers=_layers(summary),
        drift=tuple(drift_sentences(summary.drift)) if summary.drift else (),
        ordered=sorted(summary.setups, key=_by_energy)[:MAX_SETUPS],
        has_dynamic=any(setup.dynamic_j is not None for setup in summary.setups),
        reuses=reuses_view(summary),
        drawn=drawn,
    )


def _blocks(summary: Summary, views: list[View], drawn: Charts, trials: TrialsView) -> dict[str, Markup]:
    """Data for the page's scripts, by the id of their element."""
    return {
        "figures-idle": page.data_block(
            {name: None if figure is None else page.plain(figure) for name, figure in drawn.changed.items()}
        ),
        "page-data": page.data_block(
            {
                "study": summary.data.study.name,
                "co2e": co2e_unit(summary.footprint)._asdict(),
                "alts": {place.name: place.alts for place in drawn.drawn},
                "points": {view.key: front_view(view.summary, drawn.figures[view.key].get("front")) for view in views},
                "reuses": {view.key: view.reuses for view in views},
                "trials": trials.data,
            }
        ),
    }


def _layers(summary: Summary) -> TableView | None:
    found = summary.layers
    if found is None:
        return None
    return table_view(found.breakdown, of_setup(found, wording.varying(summary.data)), found.disturbed)


def _by_energy(setup: Setup) -> float:
    return setup.final.energy_j if setup.final else math.inf


def _environment(summary: Summary) -> Environment:
    points = wording.in_points(summary.data)

    def quality(amount: float | None, u: float | None = None) -> str:
        return wording.quality(amount, in_points=points, u=u)

    def gain(amount: float, u: float | None = None) -> str:
        return wording.gain(amount, in_points=points, u=u)

    environment = page.environment()
    environment.filters |= {"energy": page.energy_data, "quality": quality, "gain": gain}
    return environment
