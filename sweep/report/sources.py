"""The section "Where the joules are from": tables of what the energy of a study rests on, as cells of text.

    domains   what is covered, how well, and its idle power before and after
    polled    equation 1 beside the counter
    gaps, disturbed, unsteady, sensors

A table without rows is left out; beyond ``MAX_ROWS`` rows the tables beside the report have all.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.basis import Basis, Disturbed, GapRow, Range, SensorRow
from sweep.analysis.basis_words import basis_sentences, disturbance
from sweep.analysis.domains import DomainRow, PolledRatio
from sweep.records import IdlePower, Steadiness
from sweep.report.page import energy_data

MAX_ROWS = 50
BYTES_A_GIB = 2.0**30


class Column(NamedTuple):
    """Heading of a column."""

    name: str
    numeric: bool = False


class Table(NamedTuple):
    """One table.

    Attributes:
        title: what it is.
        rows: cells, shape ``(n_rows, n_columns)``; plain text, or joules with their exact number as markup.
        n: rows there are, those not shown included.
    """

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[str, ...]]
    n: int


class SourcesView(NamedTuple):
    """The section: sentences, the first of which says what the energy is a sum of, and tables."""

    sentences: tuple[str, ...]
    tables: list[Table]


def sources_view(found: Basis) -> SourcesView:
    """The section of a study."""
    made = (
        _domains(found.domains),
        make_table(
            "Counter and polled power",
            ("domain", "#trials", "#counter", "#mean power by time", "#ratio", "#lowest", "#highest"),
            [_polled(item) for item in found.polled],
        ),
        make_table(
            "Joules that were bridged",
            ("#trial", "domain", "#bridged", "#of its time", "#± random", "#without it"),
            [_gap(row) for row in found.gaps],
        ),
        make_table(
            "Trials in which other programs ran",
            ("#trial", "domains that hold their joules", "#waited", "#CPU time of others", "what was found"),
            [_disturbed(item) for item in found.disturbed],
        ),
        make_table(
            "Trials of unsteady power",
            ("#trial", "#change, first to last third", "#±"),
            [_unsteady(number, item) for number, item in found.unsteady],
        ),
        make_table(
            "Sensors over the trials",
            (
                "domain",
                "#trials",
                "#°C at start",
                "#°C at most",
                "#mean MHz",
                "#busy",
                "#GiB at most",
                "#others",
            ),
            [_sensors(row) for row in found.sensors],
        ),
    )
    return SourcesView(basis_sentences(found), [table for table in made if table.n])


def make_table(title: str, names: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table; names that begin with ``#`` are of columns of numbers."""
    columns = tuple(Column(name.removeprefix("#"), name.startswith("#")) for name in names)
    return Table(title, columns, list(rows[:MAX_ROWS]), len(rows))


def _domains(rows: Sequence[DomainRow]) -> Table:
    names = (
        "domain",
        "what it counts",
        "in the total",
        "#± scale",
        "#± random",
        "#tick",
        "#last digit",
        "idle before",
        "idle after",
        "source",
    )
    return make_table("Domains", names, [_domain(row) for row in rows])


def _domain(row: DomainRow) -> tuple[str, ...]:
    domain = row.domain
    return (
        domain.name,
        wording.kind(domain.scope, domain.provenance),
        "yes" if domain.additive else "no",
        wording.share(domain.scale_u_rel),
        wording.share(domain.random_u_rel),
        "" if domain.tick_s is None else f"{1e3 * domain.tick_s:.3g} ms",
        "" if domain.resolution_j is None else f"{domain.resolution_j:.2g} J",
        _idle(row.before),
        _idle(row.after),
        ". ".join(item for item in (domain.source, domain.note) if item),
    )


def _idle(idle: IdlePower | None) -> str:
    if idle is None:
        return ""
    polled = "" if idle.polled_w is None else f", polled {wording.power(idle.polled_w)}"
    quiet = "" if idle.quiet else ", not quiet"
    return f"{wording.power(idle.power_w, idle.power_u_w)}{polled}{quiet}"


def _polled(item: PolledRatio) -> tuple[str, ...]:
    spread = "" if item.sd is None else f" (SD {item.sd:.3f})"
    return (
        item.domain,
        str(item.n),
        energy_data(item.energy_j),
        energy_data(item.polled_j),
        f"{item.mean:.3f}{spread}",
        f"{item.low:.3f}",
        f"{item.high:.3f}",
    )


def _gap(row: GapRow) -> tuple[str, ...]:
    return (
        str(row.number),
        row.domain,
        wording.seconds(row.gap_s),
        "" if row.share is None else wording.share(row.share),
        energy_data(row.u_random_j),
        energy_data(row.u_ungapped_j),
    )


def _disturbed(item: Disturbed) -> tuple[str, ...]:
    return (
        str(item.number),
        ", ".join(item.domains),
        "" if item.wait_share is None else wording.share(item.wait_share),
        "" if item.other_cpu_share is None else wording.share(item.other_cpu_share),
        disturbance(item),
    )


def _unsteady(number: int, item: Steadiness) -> tuple[str, ...]:
    return (str(number), f"{100.0 * item.drift_rel:+.1f} %", f"{100.0 * item.u_rel:.1f} %")


def _sensors(row: SensorRow) -> tuple[str, ...]:
    return (
        row.domain,
        str(row.n),
        _range(row.temperature_start_c, 0),
        _range(row.temperature_max_c, 0),
        _range(row.clock_mean_mhz, 0),
        "" if row.utilisation_mean is None else f"{_range(row.utilisation_mean, 0, 100.0)} %",
        _range(row.memory_max_bytes, 2, 1.0 / BYTES_A_GIB),
        _range(row.others_max, 0),
    )


def _range(found: Range | None, decimals: int, factor: float = 1.0) -> str:
    """``45 to 61``; one number where all are equal, empty where no sensor told."""
    if found is None:
        return ""
    low, high = (f"{factor * item:.{decimals}f}" for item in found)
    return low if low == high else f"{low} to {high}"
