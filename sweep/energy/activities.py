"""From spans to rows: what each activity of each phase of a trial spent.

    trial   |------------------------------------------------------------|
    spans      |data|  |train  |val|ckpt|train  |val|   |train  |
    other   |--|    |--|                             |--|       |-------|

Time between spans is ``other`` of the phase of the span before it (before the first span: of the first). The rows
of all activities add up to the trial's interval, in seconds and, for each domain that is known throughout, in
joules, because all of them are differences on one timeline.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sweep.energy.timeline import Timeline
from sweep.records import ActivityEnergy, Joules, total_j

OTHER = "other"
NO_PHASE = "setup"


class Span(NamedTuple):
    """One stretch of one activity, in seconds of the recorder's clock."""

    phase: str
    activity: str
    start_s: float
    end_s: float


def activity_energy(spans: Sequence[Span], timeline: Timeline, start_s: float, end_s: float) -> list[ActivityEnergy]:
    """Sum the spans of a trial by phase and activity, in order of first appearance, ``other`` included.

    Args:
        spans: in order of time, none overlapping another.
        timeline: readings that cover the trial.
        start_s: start of the trial.
        end_s: end of the trial.

    Returns:
        Rows that add up to the trial. A domain is ``None`` in a row with a stretch that is not known. A trial
        without spans is one row of phase ``setup``.

    Raises:
        ValueError: if a span ends before it starts, overlaps the one before it, or leaves the trial.
    """
    stretches: dict[tuple[str, str], list[Span]] = {}
    for span in _filled(spans, start_s, end_s):
        stretches.setdefault((span.phase, span.activity), []).append(span)
    return [_row(key, members, timeline) for key, members in stretches.items()]


def _filled(spans: Sequence[Span], start_s: float, end_s: float) -> list[Span]:
    """The spans and what lies between them."""
    phase = spans[0].phase if spans else NO_PHASE
    filled: list[Span] = []
    reached_s = start_s
    for span in spans:
        if not reached_s <= span.start_s <= span.end_s <= end_s:
            raise ValueError(f"{span} does not lie between {reached_s} s and {end_s} s")
        if span.start_s > reached_s:
            filled.append(Span(phase, OTHER, reached_s, span.start_s))
        filled.append(span)
        phase, reached_s = span.phase, span.end_s
    if end_s > reached_s or not filled:
        filled.append(Span(phase, OTHER, reached_s, end_s))
    return filled


def _row(key: tuple[str, str], members: Sequence[Span], timeline: Timeline) -> ActivityEnergy:
    return ActivityEnergy(
        phase=key[0],
        activity=key[1],
        duration_s=math.fsum(span.end_s - span.start_s for span in members),
        energy_j=_summed([timeline.joules(span.start_s, span.end_s) for span in members]),
    )


def _summed(parts: Sequence[Joules]) -> Joules:
    """Sum of each domain, ``None`` where a part is not known."""
    return {name: total_j(part[name] for part in parts) for name in parts[0]}
