"""CSV as pandas would read and write it."""

import csv
import io
import math
from typing import Any

import pandas as pd
import pytest

from sweep.analysis.csv_text import csv_text


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
