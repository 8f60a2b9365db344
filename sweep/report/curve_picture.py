"""The learning curve of one trial as a small SVG: validation quality against the joules spent so far.

Where joules are not known, against the epoch. A picture and not a figure, since Optuna dashboard shows a trial's
files, and of these pictures. Every text in it is escaped: opened by itself, an SVG is a document that may run scripts.
"""

import html
import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.thin import thin
from sweep.records import StudyRecord, TrialRecord
from sweep.report.chart import ACCENT, HIGHLIGHT, MAX_LENGTH

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 44, 52
N_TICKS = 5
MAX_POINTS = 200
GRID, INK = "#dddddd", "#333333"
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even escaped."""


class _Axis(NamedTuple):
    """From a number to pixels: ``low`` stands at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    title: str
    said: Callable[[float], str]

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


class _Point(NamedTuple):
    x: float
    quality: float
    epoch: int


def curve_picture(study: StudyRecord, record: TrialRecord) -> str | None:
    """The picture as text.

    Returns:
        ``None`` if no epoch was validated.
    """
    rated = [point for point in record.trajectory if point.quality is not None]
    if not rated:
        return None
    has_joules = all(point.energy_j is not None for point in rated)
    points = [
        _Point(point.energy_j if has_joules and point.energy_j is not None else point.epoch, point.quality, point.epoch)
        for point in rated
        if point.quality is not None
    ]
    x = _axis([p.x for p in points], LEFT, WIDTH - RIGHT, *_x_words(study, record, has_joules=has_joules))
    name = f"Validation {study.quality_name}"
    y = _axis([p.quality for p in points], HEIGHT - BOTTOM, TOP, name, lambda value: f"{value:.4g}")
    title = f"Trial {record.number}: {wording.setup(record.params, list(record.params))}"
    body = [*_frame(x, y), _line(thin(points, MAX_POINTS), x, y), *_best(points, record.best_epoch, x, y)]
    return _svg(title, body)


def _x_words(study: StudyRecord, record: TrialRecord, *, has_joules: bool) -> tuple[str, Callable[[float], str]]:
    if not has_joules:
        return "Epoch", lambda value: f"{value:.4g}"
    domains = record.domains.values() or study.domains
    return f"Energy of the trial so far ({wording.provenance(domains)} J)", wording.energy


def _axis(values: Sequence[float], start: float, end: float, title: str, said: Callable[[float], str]) -> _Axis:
    """An axis that holds the values, and some room where they are all the same."""
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - max(abs(low), 1.0) / 10, high + max(abs(high), 1.0) / 10
    margin = 0.04 * (high - low)
    return _Axis(low - margin, high + margin, start, end, title, said)


def _ticks(axis: _Axis) -> list[float]:
    """Round numbers on an axis, 1, 2 or 5 times a power of ten apart."""
    rough = (axis.high - axis.low) / N_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough)
    first, last = math.ceil(axis.low / step), math.floor(axis.high / step)
    return [index * step for index in range(first, last + 1)]


def _frame(x: _Axis, y: _Axis) -> list[str]:
    """Grid, ticks and titles of both axes."""
    drawn = []
    for value in _ticks(x):
        at = x.at(value)
        drawn.append(f'<path d="M{at:.1f} {y.start}V{y.end}" stroke="{GRID}"/>')
        drawn.append(_text(at, y.start + 18, x.said(value), "middle"))
    for value in _ticks(y):
        at = y.at(value)
        drawn.append(f'<path d="M{x.start} {at:.1f}H{x.end}" stroke="{GRID}"/>')
        drawn.append(_text(x.start - 8, at + 4, y.said(value), "end"))
    drawn.append(f'<path d="M{x.start} {y.end}V{y.start}H{x.end}" fill="none" stroke="{INK}"/>')
    drawn.append(_text((x.start + x.end) / 2, HEIGHT - 12, x.title, "middle"))
    middle = (y.start + y.end) / 2
    turn = f' transform="rotate(-90 16 {middle:.1f})"'
    return [*drawn, _text(16, middle, y.title, "middle", turn)]


def _line(points: Sequence[_Point], x: _Axis, y: _Axis) -> str:
    places = [(x.at(point.x), y.at(point.quality)) for point in points]
    path = " ".join(f"{at:.1f},{height:.1f}" for at, height in places)
    dots = "".join(f'<circle cx="{at:.1f}" cy="{height:.1f}" r="2.5"/>' for at, height in places)
    return f'<polyline points="{path}" fill="none" stroke="{ACCENT}" stroke-width="2"/><g fill="{ACCENT}">{dots}</g>'


def _best(points: Sequence[_Point], epoch: int | None, x: _Axis, y: _Axis) -> list[str]:
    """A ring around the best epoch, with its number on the side that has room."""
    for point in points:
        if point.epoch == epoch:
            at, height = x.at(point.x), y.at(point.quality)
            anchor, side = ("start", 10) if at < (x.start + x.end) / 2 else ("end", -10)
            ring = f'<circle cx="{at:.1f}" cy="{height:.1f}" r="6" fill="none" stroke="{HIGHLIGHT}" stroke-width="2"/>'
            return [ring, _text(at + side, height + 18, f"best: epoch {epoch}", anchor)]
    return []


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{_escaped(_cut(words))}</text>'


def _escaped(words: str) -> str:
    return html.escape(NOT_XML.sub("\ufffd", words))


def _cut(words: str) -> str:
    return words if len(words) <= MAX_LENGTH else f"{words[: MAX_LENGTH - 1]}…"


def _svg(title: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">'
        f'<title>{_escaped(title)}</title><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{LEFT}" y="26" font-size="14">{_escaped(_cut(title))}</text>{"".join(body)}</svg>\n'
    )
