"""Figures made small: Plotly's JSON of at most so many bytes, for places that keep it in a database.

What is left out, in this order: the template and digits after the fifth; points of lines at equal distances; hover
texts of single points. Of a treemap the smallest boxes go, which Plotly allows where a box's value is the total of what
is in it: a box is never smaller than those inside, so none that stays loses the one around it. Its values keep their
digits: a box a rounding error smaller than what is in it, and Plotly draws nothing. Bars and heat maps keep all their
cells, since each is named on an axis.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from plotly.graph_objects import Figure

from sweep.analysis.thin import thin

DIGITS = 5
STEPS = ((60, True), (30, True), (15, True), (30, False), (15, False), (8, False))
"""Points of a line that stay, and whether their texts do; tried in turn until the figure is small enough."""
BOXES_PER_POINT = 8
"""Boxes of a treemap that stay for each point of a line."""
TEXTS = ("text", "hovertext", "customdata", "hovertemplate")

Trace = dict[str, Any]


def slim(figure: Figure, most_bytes: int) -> str | None:
    """JSON of a figure, without a template.

    Args:
        figure: drawn from lists, not arrays.
        most_bytes: that it may take.

    Returns:
        ``None`` if it does not fit even without what can be left out.
    """
    drawn = json.loads(figure.to_json())
    drawn["layout"].pop("template", None)
    full = [_rounded(trace) | ({"values": trace["values"]} if "parents" in trace else {}) for trace in drawn["data"]]
    for points, has_texts in STEPS:
        drawn["data"] = [_smaller(trace, points, has_texts=has_texts) for trace in full]
        text = json.dumps(drawn, separators=(",", ":"), allow_nan=False)
        if len(text) <= most_bytes:
            return text
    return None


def _rounded(item: Any) -> Any:
    if isinstance(item, float):
        return float(f"{item:.{DIGITS}g}") if math.isfinite(item) else None
    if isinstance(item, dict):
        return {key: _rounded(value) for key, value in item.items()}
    return [_rounded(value) for value in item] if isinstance(item, list) else item


def _smaller(trace: Trace, points: int, *, has_texts: bool) -> Trace:
    if "parents" in trace:
        return _pruned(trace, BOXES_PER_POINT * points, has_texts=has_texts)
    if trace.get("type", "scatter") != "scatter":
        return trace
    n = len(trace.get("x") or ())
    kept = {name: item for name, item in trace.items() if has_texts or n == 1 or name not in TEXTS}
    return _picked(kept, n, thin(range(n), points)) if n > points else kept


def _pruned(trace: Trace, boxes: int, *, has_texts: bool) -> Trace:
    """The largest boxes; without texts, hovering tells what stands in the box."""
    values: Sequence[float] = trace["values"]
    largest = sorted(range(len(values)), key=lambda index: (-values[index], index))[:boxes]
    kept = trace if has_texts else {name: item for name, item in trace.items() if name != "customdata"}
    if not has_texts:
        kept |= {"hovertemplate": "%{label}<br>%{text}<extra></extra>"}
    return _picked(kept, len(values), sorted(largest))


def _picked(trace: Trace, n: int, kept: Sequence[int]) -> Trace:
    """A trace with some of its ``n`` points, in every list that has one item for each."""
    return {name: _pick(item, n, kept) for name, item in trace.items()}


def _pick(item: Any, n: int, kept: Sequence[int]) -> Any:
    if isinstance(item, dict):
        return _picked(item, n, kept)
    return [item[index] for index in kept] if isinstance(item, list) and len(item) == n else item
