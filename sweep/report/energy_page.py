"""The page of one measured window: what it took, where it went, and what was logged, in one file that opens offline."""

from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup, escape
from plotly.graph_objects import Figure

from sweep.analysis import wording
from sweep.analysis.measured import Measured, overall_decrease_j
from sweep.errors import MonitorError
from sweep.report import page
from sweep.report.energy_charts import energy_figures
from sweep.report.files import replace
from sweep.report.layer_table import HEAD, TableView, table_view


class Caption(NamedTuple):
    """Heading of a chart and how to read it."""

    title: str
    text: str


CAPTIONS = {
    "passes": Caption("Energy of each pass", "All layers together, beside everything that is no layer."),
    "layers": Caption("Forward and backward of each layer", "The costliest layers; submodules are rows of their own."),
    "layer_energy": Caption("Energy by module path", "The area of a box is its joules. Click a box to enter it."),
    "layer_steps": Caption("Energy of a layer in single steps", "Forward above the line, backward below it."),
    "loss": Caption("Loss", "Mean of what was logged in each epoch."),
    "loss_energy": Caption(
        "Energy for a better loss", "Joules of an epoch for each unit by which the loss fell in it."
    ),
    "epochs": Caption("Energy of each epoch", "From the last log of the epoch before to its own last log."),
    "windows": Caption("Named windows", "Sums by name; a window within another is part of it."),
}


def figures(measured: Measured) -> dict[str, Figure]:
    """The page's charts by name; those without numbers are left out."""
    return energy_figures(measured)


def render(measured: Measured) -> str:
    """The page's text."""
    drawn = figures(measured)
    return (
        page.environment()
        .get_template("energy.html.j2")
        .render(
            measured=measured,
            provenance=wording.provenance(measured.domains.values()),
            label=measured.label,
            has_dynamic=any(energy.dynamic_j is not None for energy in measured.domains.values()),
            layers=_table(measured),
            lasted=wording.seconds(measured.duration_s),
            overall_j=overall_decrease_j(measured.epochs),
            captions={name: CAPTIONS[name] for name in drawn},
            **page.parts(drawn),
        )
    )


def write_page(measured: Measured, path: Path) -> Path:
    """Write the page.

    Raises:
        MonitorError: if it cannot be written there.
    """
    try:
        replace(path, render(measured))
    except OSError as err:
        raise MonitorError(
            f"{path} cannot be written ({err.strerror})", "choose a path that can be written to"
        ) from err
    return path


def notebook_table(measured: Measured) -> str:
    """The table as HTML, for a notebook."""
    view = _table(measured)
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row.plain))
        for row in view.rows
    )
    notes = Markup("<br>").join(escape(note) for note in view.notes)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<p><b>{escape(view.title)}</b></p>{table}<p>{notes}</p>"


def _table(measured: Measured) -> TableView:
    return table_view(measured.breakdown, f"{measured.title} in {wording.seconds(measured.duration_s)}")
