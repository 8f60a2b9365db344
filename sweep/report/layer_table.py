"""The table of layers in words: costliest rows first, with what a reader must know to use them.

Plain text without markup; the template escapes it. Beyond ``MAX_ROWS`` rows layers.csv has all.
"""

from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.layers import Breakdown, LayerRow
from sweep.records import Provenance
from sweep.report.layer_chart import METHODS, energy_u, j_per_gflop, share_of

MAX_ROWS = 200
HEAD = ("layer", "type", "pass", "energy", "share", "J per GFLOP")
"""Of the table where it has one phase and no room, in a notebook or in TensorBoard."""


class Cells(NamedTuple):
    """One row; an unknown number is ``unknown``, one that does not apply is empty."""

    phase: str
    layer: str
    type: str
    pass_: str
    energy: str
    share: str
    j_per_gflop: str
    dynamic: str

    @property
    def plain(self) -> tuple[str, ...]:
        """The cells under ``HEAD``."""
        return (self.layer, self.type, self.pass_, self.energy, self.share, self.j_per_gflop)


class TableView(NamedTuple):
    """The table.

    Attributes:
        title: of what it is, and the joules that it divides.
        several_phases: whether the phase tells rows apart.
        has_dynamic: whether joules above idle are known of a row.
        rows: costliest first.
        total: joules of all rows, those not shown included.
        notes: sentences.
    """

    title: str
    several_phases: bool
    has_dynamic: bool
    rows: list[Cells]
    total: str
    notes: list[str]


def table_view(found: Breakdown, of: str, disturbed: tuple[int, ...] = ()) -> TableView:
    """The table of a breakdown.

    Args:
        found: the rows.
        of: what they are of, plain text.
        disturbed: numbers of its trials that other programs disturbed.
    """
    rows = [_cells(row) for row in found.by_energy[:MAX_ROWS]]
    return TableView(
        title=f"{of[:1].upper()}{of[1:]}: {wording.energy(found.energy_j)} ({found.provenance})",
        several_phases=len(found.phases) > 1,
        has_dynamic=any(row.dynamic_j is not None for row in found.rows),
        rows=rows,
        total=wording.energy(found.energy_j),
        notes=_notes(found, len(rows), disturbed),
    )


def _cells(row: LayerRow) -> Cells:
    return Cells(
        phase=row.phase,
        layer=row.layer,
        type=row.type,
        pass_=row.pass_ or "",
        energy=energy_u(row),
        share=wording.UNKNOWN if row.share is None else share_of(row.share),
        j_per_gflop=j_per_gflop(row),
        dynamic=wording.energy(row.dynamic_j),
    )


def _notes(found: Breakdown, n_shown: int, disturbed: tuple[int, ...]) -> list[str]:
    notes = [_method(found)]
    if n_shown < len(found.rows):
        notes.append(f"The {n_shown} costliest of {len(found.rows)} rows; layers.csv has all.")
    if Provenance.MODELLED in found.provenance:
        notes.append("These joules are modelled, not measured.")
    if found.marking_share is not None:
        notes.append(
            f"Marking layers took {100 * found.marking_share:.2f} % of the time, as marked and other steps tell."
        )
    if disturbed:
        notes.append(f"Other programs disturbed trial {wording.numbers(disturbed)}.")
    return notes + [f"{note.rstrip('.')}." for note in found.notes]


def _method(found: Breakdown) -> str:
    methods = "; ".join(METHODS[method] for method in found.methods)
    return (
        f"Joules were divided {methods}. Layers were marked on {found.marked_steps:,} of {found.steps:,} training "
        "steps; the others take their mean composition. ± is the standard uncertainty of the division; that of the "
        "scale comes on top and is the same factor for all rows."
    )
