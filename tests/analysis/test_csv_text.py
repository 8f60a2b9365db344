"""CSV as pandas would read and write it."""

import csv
import io
import math
from typing import Any

import pandas as pd
import pytest

from sweep.analysis.csv_text import CsvLines, csv_text


def test_numbers_come_back_the_same() -> None:
    values = [0.1, 1e-05, 1e-310, 1.0, 123456789.123456789, 1e22, 2 / 3, -0.0]
    rows = csv.DictReader(io.StringIO(csv_text(pd.DataFrame({"a": values}, dtype=object))))
    assert [float(row["a"]) for row in rows] == values


@pytest.mark.parametrize(
    "values",
    [
        ["plain", "with, comma", 'with "quotes"', "two\nlines", "", "<b>ü</b>"],
        [True, False, None],
        [1, 2.5, None],
        [3, None, 4],
        ["1", 1, 1.5, True],
        [None, None],
        [[1, 2], None],
    ],
)
def test_the_text_is_that_of_pandas(values: list[Any]) -> None:
    frame = pd.DataFrame({"x, y": values, "b": list(range(len(values)))}, dtype=object)
    assert csv_text(frame) == frame.to_csv(index=False, lineterminator="\n")


def test_what_is_not_known_is_empty() -> None:
    assert csv_text(pd.DataFrame({"a": [None, 1.5], "b": ["x", None]}, dtype=object)) == "a,b\n,x\n1.5,\n"
    assert csv_text(pd.DataFrame({"a": [math.nan, 2.0]}, dtype=object)) == 'a\n""\n2.0\n'


def test_a_table_without_rows_has_its_header() -> None:
    assert csv_text(pd.DataFrame(columns=["a", "b"], dtype=object)) == "a,b\n"
    assert csv_text(pd.DataFrame()) == "\n"


class TestLines:
    """A table that grows."""

    def test_rows_before_a_new_column_are_empty_in_it(self) -> None:
        stream = io.BytesIO()
        lines = CsvLines(stream, ["a"])
        lines.add([(1,), ("two\nlines",)])
        lines.widen("b, c")
        lines.add([(2, 0.5)])
        lines.flush()
        assert stream.getvalue().decode() == 'a,"b, c"\n1,\n"two\nlines",\n2,0.5\n'

    def test_a_row_that_does_not_fit_is_refused(self) -> None:
        lines = CsvLines(io.BytesIO(), ["a", "b"])
        lines.add([(1, 2), (1,)])
        with pytest.raises(ValueError, match="shorter"):
            lines.flush()

    def test_a_table_without_rows_has_its_header(self) -> None:
        stream = io.BytesIO()
        CsvLines(stream, ["a", "b"]).flush()
        assert stream.getvalue() == b"a,b\n"
