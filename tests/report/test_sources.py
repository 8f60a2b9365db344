"""The cells of "Where the joules are from"."""

import pytest
from markupsafe import Markup

from sweep.analysis.basis import Basis, basis
from sweep.report import sources
from sweep.report.sources import Table, sources_view
from tests.energy_factories import sensed, worn
from tests.factories import sixteen, study


def _table(found: Basis, title: str) -> Table:
    (table,) = [item for item in sources_view(found).tables if item.title == title]
    return table


def test_a_domain_tells_what_it_counts_and_its_idle_power() -> None:
    rows = {row[0]: row for row in _table(basis(worn()), "Domains").rows}
    assert rows["package:0"] == (
        "package:0",
        "whole device, measured",
        "yes",
        "5.0 %",
        "1.0 %",
        "100 ms",
        "0.001 J",
        "12.0 W ± 0.1, polled 13.0 W",
        "15.0 W ± 0.1, polled 16.0 W",
        "a counter. work of others on the package is in it",
    )
    assert rows["dram:0"][7] == "unknown, not quiet"
    assert rows["psys:0"][2] == "no"


def test_each_row_has_a_cell_a_column() -> None:
    for table in sources_view(basis(worn())).tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize(
    ("title", "row"),
    [
        ("Joules that were bridged", ("0", "gpu:0", "0.50 s", "3.1 %", "9.00 J", "1.93 J")),
        ("Trials in which other programs ran", ("1", "gpu:0", "", "25 %", "a game ran on gpu:0")),
        ("Trials of unsteady power", ("3", "+12.0 %", "1.0 %")),
        ("Sensors over the trials", ("gpu:0", "16", "40 to 55", "60 to 75", "1500", "80 %", "2.00", "0")),
    ],
)
def test_rows_say_what_was_planted(title: str, row: tuple[str, ...]) -> None:
    found = _table(basis(worn()), title).rows
    assert row in [tuple(Markup(cell).striptags() for cell in cells) for cells in found]


def test_tables_without_rows_are_left_out() -> None:
    assert [table.title for table in sources_view(basis(sixteen(1))).tables] == ["Domains"]
    assert [table.title for table in sources_view(basis(sensed(sixteen(1)))).tables] == [
        "Domains",
        "Counter and polled power",
        "Sensors over the trials",
    ]


def test_a_study_without_domains_has_no_table() -> None:
    data = sensed(study([]), ())
    view = sources_view(basis(data))
    assert view.tables == []
    assert view.sentences == ("Energy is of unknown origin.",)


def test_a_long_table_stops_and_knows_how_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_ROWS", 2)
    table = _table(basis(worn()), "Domains")
    assert (len(table.rows), table.n) == (2, 4)
