"""From what tools found in windows to tables: relative errors, coverage of the stated uncertainty.

error    (found - true) / true, of each window; the table has the median of its magnitude and the worst one
covers   in how many windows |found - true| <= 2 u, u the standard uncertainty that the tool states
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

NOT_INSTALLED = "ModuleNotFoundError"
COVERAGE = 2.0


class Result(NamedTuple):
    """What a tool found of one row in one window.

    Attributes:
        error: name of the exception that it raised; empty for none.
    """

    row: str
    length_s: float
    start_s: float
    end_s: float
    energy_j: float | None
    u_j: float | None
    polled_j: float | None
    error: str
    truth_j: float


def relative_errors(results: Iterable[Result]) -> list[float]:
    """Of the windows in which joules were told."""
    return [result.energy_j / result.truth_j - 1.0 for result in results if result.energy_j is not None]


def percent(value: float, *, sign: bool = False) -> str:
    """A ratio in percent, with as many digits as mean something."""
    scaled = 100.0 * value
    digits = 0 if abs(scaled) >= 99.5 else 1
    return f"{scaled:{'+' if sign else ''}.{digits}f}"


def cell(results: Sequence[Result]) -> str:
    """Median magnitude and worst error in percent, or what happened instead."""
    if not results:
        return ""
    raised = sorted({result.error for result in results if result.error})
    if NOT_INSTALLED in raised:
        return "not installed"
    errors = relative_errors(results)
    if not errors:
        return f"raises {', '.join(raised)}" if raised else "not told"
    if all(error == -1.0 for error in errors):
        return "0 J"
    worst = max(errors, key=abs)
    text = f"{percent(statistics.median(map(abs, errors)))} ({percent(worst, sign=True)})"
    untold = len(results) - len(errors)
    return f"{text}, {untold} of {len(results)} not told" if untold else text


def polled(results: Iterable[Result]) -> list[Result]:
    """The same windows by equation 1, for those that tell it."""
    return [result._replace(energy_j=result.polled_j, u_j=None) for result in results if result.polled_j is not None]


def covered(results: Iterable[Result]) -> tuple[int, int]:
    """In how many windows the truth lies within the stated uncertainty, and of how many."""
    stated = [result for result in results if result.energy_j is not None and result.u_j is not None]
    inside = [r for r in stated if abs((r.energy_j or 0.0) - r.truth_j) <= COVERAGE * (r.u_j or 0.0)]
    return len(inside), len(stated)


def group_of(length_s: float, groups: Sequence[float]) -> float:
    """The longest group that is not longer than a window."""
    return max((group for group in groups if group <= length_s), default=math.nan)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def error_table(found: Mapping[str, Sequence[Result]], ours: str, groups: Sequence[float], label: str) -> str:
    """One row for each row of the scene and length of window, a column for each tool.

    Args:
        found: by tool.
        ours: the tool whose uncertainty and polled power are shown.
        groups: shortest length of each group of windows, in seconds.
        label: heading of the first column.
    """
    lines = []
    names = list(dict.fromkeys(result.row for results in found.values() for result in results))
    for name in names:
        for group in groups:
            of = {
                tool: [r for r in results if r.row == name and group_of(r.length_s, groups) == group]
                for tool, results in found.items()
            }
            if any(of.values()):
                inside, stated = covered(of[ours])
                cells = [cell(results) for results in of.values()]
                lines.append([name, f"{group:g}", cells[0], f"{inside}/{stated}", cell(polled(of[ours])), *cells[1:]])
    tools = list(found)
    return markdown([label, "s", tools[0], "covers", "equation 1", *tools[1:]], lines)


def coverage_line(results: Sequence[Result]) -> str:
    """Coverage over all rows and windows of a tool."""
    inside, stated = covered(results)
    return f"{inside} of {stated} ({100 * inside / stated:.0f} %)" if stated else "none stated"
