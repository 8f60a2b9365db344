"""Tables as CSV, as pandas writes them with ``to_csv(index=False)`` and several times as fast.

Rows become JSON all at once, through msgspec, and that is CSV but for brackets, quotes and ``null``; where a text in
them holds a sign that JSON or CSV would mark, they go column by column. Unknown values are empty. Numbers have as many
digits as they need to be read back the same; the text of one may differ from Python's (``0.00001``, not ``1e-05``).

``CsvLines`` writes rows as they come, so that a large table is never whole in memory.

Limits: numbers are finite; what is not is empty, as in a record.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pandas as pd

MISREAD = re.compile(r'[,"\r\n]')
MARKED = (b"\\", b"true", b"false")
"""Of JSON: escapes in texts, and what Python writes with a capital."""
NUMBERS = frozenset({float, int})
ROWS_AT_ONCE = 2_000
"""Rows that become text together: few enough for the processor's cache."""


class CsvLines:
    """A table that is written as it grows, by rows, and by columns at its end.

    Args:
        stream: takes the text; can be read and changed where a column is added after rows.
        columns: names of the first ones.
    """

    def __init__(self, stream: BinaryIO, columns: Iterable[str]) -> None:
        self._stream = stream
        self._columns = list(columns)
        self._rows: list[Sequence[Any]] = []
        self._is_begun = False

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows; each has as many values as there are columns by now.

        Raises:
            ValueError: if one has not; perhaps later, when rows are written.
        """
        self._rows.extend(rows)
        if len(self._rows) >= ROWS_AT_ONCE:
            self.flush()

    def widen(self, column: str) -> None:
        """Add a column, empty in the rows so far, which are written again."""
        if self._rows:
            self.flush()
        if self._is_begun:
            self._stream.seek(0)
            written = [*csv.reader(io.StringIO(self._stream.read().decode(), newline=""))]
            self._stream.seek(0)
            self._stream.truncate()
            for line, end in zip(written, [column, *("" for _ in written[1:])], strict=True):
                self._stream.write(f"{_header([*line, end])}\n".encode())
        self._columns.append(column)

    def flush(self) -> None:
        """Write what is not yet written, and the header in any case; raises as ``add``."""
        if not self._is_begun:
            self._stream.write(f"{_header(self._columns)}\n".encode())
        self._is_begun = True
        for start in range(0, len(self._rows), ROWS_AT_ONCE):
            rows = self._rows[start : start + ROWS_AT_ONCE]
            self._stream.write(_plain_lines(rows) or "\n".join(_lines([*zip(*rows, strict=True)])).encode())
            self._stream.write(b"\n")
        self._rows = []


def csv_text(frame: pd.DataFrame) -> str:
    """The table with its header; lines end with a line feed."""
    columns = [frame.iloc[:, index].tolist() for index in range(frame.shape[1])]
    return "\n".join([_header(frame.columns), *_lines(columns), ""])


def _header(names: Iterable[str]) -> str:
    return ",".join(_quoted(str(name)) for name in names)


def _plain_lines(rows: Sequence[Sequence[Any]]) -> bytes | None:
    """A line for each row; ``None`` where a value is more than its JSON without quotes, or the only column."""
    text, n_rows, n_columns = msgspec.json.encode(rows), len(rows), len(rows[0])
    signs = np.frombuffer(text, dtype=np.uint8)
    needed = {b",": n_rows * n_columns - 1, b"[": n_rows + 1, b"]": n_rows + 1}
    is_in_texts = any(np.count_nonzero(signs == ord(sign)) != n for sign, n in needed.items())
    if n_columns == 1 or is_in_texts or any(sign in text for sign in MARKED):
        return None
    return text[2:-2].replace(b",null", b",").replace(b"[null", b"[").replace(b'"', b"").replace(b"],[", b"\n")


def _lines(columns: Sequence[Sequence[Any]]) -> Iterable[str]:
    """Rows as text, from their columns."""
    texts = [_texts(column) for column in columns]
    if len(texts) == 1:
        texts = [[text or '""' for text in texts[0]]]  # an empty line is no row
    return map(",".join, zip(*texts, strict=True))


def _texts(values: Sequence[Any]) -> list[str]:
    kinds = set(map(type, values)) - {type(None)}
    if kinds and kinds <= NUMBERS:
        return msgspec.json.encode(values)[1:-1].replace(b"null", b"").decode().split(",")
    if kinds == {str}:
        known = {item: _quoted(item or "") for item in set(values)}
        return [known[item] for item in values]
    return ["" if item is None else _quoted(str(item)) for item in values]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if MISREAD.search(text) else text
