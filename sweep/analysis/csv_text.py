"""Tables as CSV, as pandas writes them with ``to_csv(index=False)`` and several times as fast.

Rows become JSON all at once, through msgspec, and that is CSV but for brackets, quotes and ``null``; where a text in
them holds a sign that JSON or CSV would mark, they go column by column. Unknown values are empty. Numbers have as many
digits as they need to be read back the same; the text of one may differ from Python's (``0.00001``, not ``1e-05``).

``CsvLines`` takes rows as they come, many times over, so that a large table need not be in memory as values.

Limits: numbers are finite; what is not is empty, as in a record.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pandas as pd

MISREAD = re.compile(r'[,"\r\n]')
MARKED = ("\\", ",true", ",false", "[true", "[false")
"""Of JSON: escapes in texts, and what Python writes with a capital."""
NUMBERS = frozenset({float, int})
ROWS_AT_ONCE = 10_000
"""Rows that become text together."""


class CsvLines:
    """A table that grows by rows, and by columns at its end.

    Args:
        columns: names of the first ones.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = list(columns)
        self._blocks: list[str | list[str]] = []
        self._rows: list[Sequence[Any]] = []

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows; each has as many values as there are columns by now."""
        self._rows.extend(rows)
        if len(self._rows) >= ROWS_AT_ONCE:
            self._flush()

    def widen(self, column: str) -> None:
        """Add a column, empty in the rows so far."""
        self._flush()
        self._columns.append(column)
        self._blocks = [
            block.replace("\n", ",\n") + "," if isinstance(block, str) else [f"{line}," for line in block]
            for block in self._blocks
        ]

    def text(self) -> str:
        """The table with its header; lines end with a line feed."""
        self._flush()
        texts = (block if isinstance(block, str) else "\n".join(block) for block in self._blocks)
        return "\n".join([_header(self._columns), *texts, ""])

    def _flush(self) -> None:
        if self._rows:
            self._blocks.append(_plain_lines(self._rows) or list(_lines([*zip(*self._rows, strict=True)])))
        self._rows = []


def csv_text(frame: pd.DataFrame) -> str:
    """The table with its header; lines end with a line feed."""
    columns = [frame.iloc[:, index].tolist() for index in range(frame.shape[1])]
    return "\n".join([_header(frame.columns), *_lines(columns), ""])


def _header(names: Iterable[str]) -> str:
    return ",".join(_quoted(str(name)) for name in names)


def _plain_lines(rows: Sequence[Sequence[Any]]) -> str | None:
    """A line for each row; ``None`` where a value is more than its JSON without quotes, or the only column."""
    text, n_rows, n_columns = msgspec.json.encode(rows).decode(), len(rows), len(rows[0])
    needed = {",": n_rows * n_columns - 1, "[": n_rows + 1, "]": n_rows + 1}
    is_in_texts = any(text.count(sign) != n for sign, n in needed.items())
    if n_columns == 1 or is_in_texts or any(sign in text for sign in MARKED):
        return None
    return text[2:-2].replace(",null", ",").replace("[null", "[").replace('"', "").replace("],[", "\n")


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
