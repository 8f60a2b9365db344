"""The layer table of one phase of a trial: the marks of its training steps, and its other activities.

    activity    data          train                          validation    checkpoint, other
    rows        preprocess    layers, data, loss, optimizer, rest    validation    rest

so the rows of all phases add up to the trial, domain by domain.
"""

import math
from collections.abc import Sequence

import msgspec

from sweep.energy.activities import Span
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.table import above_idle_j
from sweep.layers.loops.loop import LayerMarks
from sweep.records import (
    ActivityEnergy,
    Domain,
    LayerEnergy,
    LayerMethod,
    LayerShape,
    LayerTable,
    Pass,
    Row,
    total_j,
)

TRAIN = "train"
OF_ACTIVITY = {"data": Row.PREPROCESS, "validation": Row.VALIDATION}
"""Rows of activities other than training; all others are ``rest``."""


def phase_table(
    phase: str,
    marks: LayerMarks,
    activities: Sequence[ActivityEnergy],
    spans: Sequence[Span],
    timeline: Timeline,
) -> LayerTable:
    """The table of a phase.

    Args:
        phase: its name.
        marks: of its training steps, folded.
        activities: of the whole trial, from ``activity_energy``.
        spans: of the phase, for the uncertainty of the readings.
        timeline: that covers them.

    Returns:
        Rows that add up to the phase's activities, in joules of each domain and in seconds.
    """
    calibration, step_s = marks.ledger.calibration, marks.ledger.price.step_s()
    rows = {(row.layer, row.pass_): row for row in marks.ledger.rows()}
    others = [a for a in activities if a.phase == phase and not (a.activity == TRAIN and marks.steps)]
    _add_activities(rows, others, spans, timeline)
    return LayerTable(
        phase=phase,
        method=calibration.method if calibration else LayerMethod.TIME,
        steps=marks.steps,
        marked_steps=marks.marked_steps,
        marking_s=None if step_s is None else step_s * marks.marked_steps,
        rows=list(rows.values()),
        notes=list(calibration.notes) if calibration else [],
    )


def work_table(
    phase: str, activities: Sequence[ActivityEnergy], spans: Sequence[Span], timeline: Timeline
) -> LayerTable:
    """The table of a phase in which nothing was trained, so that the rows of all tables still add up to the trial."""
    rows: dict[tuple[str, Pass | None], LayerEnergy] = {}
    _add_activities(rows, [activity for activity in activities if activity.phase == phase], spans, timeline)
    return LayerTable(phase=phase, method=LayerMethod.TIME, steps=0, marked_steps=0, rows=list(rows.values()))


def _add_activities(
    rows: dict[tuple[str, Pass | None], LayerEnergy],
    activities: Sequence[ActivityEnergy],
    spans: Sequence[Span],
    timeline: Timeline,
) -> None:
    for activity in activities:
        own = [span for span in spans if span.activity == activity.activity]
        row = _activity_row(activity, own, timeline)
        key = (row.layer, row.pass_)
        rows[key] = summed(rows[key], row) if key in rows else row


def with_shapes(
    table: LayerTable, shapes: Sequence[LayerShape], notes: Sequence[str] = (), batches: float | None = None
) -> LayerTable:
    """A table with the FLOPs of its layers, where they are counted.

    Args:
        table: of one phase.
        shapes: of the layers, for one of its steps.
        notes: for the reader, e.g. why there are no shapes.
        batches: how many batches of the counted size were trained on; ``None`` for one a step. The last batch of an
            epoch is mostly smaller.
    """
    times = table.steps if batches is None else batches
    return msgspec.structs.replace(
        table,
        rows=[_with_flops(row, shapes, times) for row in table.rows],
        shapes=list(shapes),
        notes=[*table.notes, *notes],
    )


def _activity_row(activity: ActivityEnergy, spans: Sequence[Span], timeline: Timeline) -> LayerEnergy:
    energy = [timeline.energy(span.start_s, span.end_s) for span in spans]
    additive = [domain for domain in timeline.domains if domain.additive]
    u_j = [part[domain.name].u_random_j for part in energy for domain in additive]
    return LayerEnergy(
        layer=OF_ACTIVITY.get(activity.activity, Row.REST),
        type="",
        duration_s=activity.duration_s,
        energy_j=activity.energy_j,
        energy_u_random_j=_quadrature(u_j) if u_j else _repeatability_j(activity, additive),
        dynamic_j={d.name: above_idle_j(activity.energy_j[d.name], d, activity.duration_s) for d in additive},
    )


def _repeatability_j(activity: ActivityEnergy, domains: Sequence[Domain]) -> float | None:
    """Of what lies between spans and has no boundaries of its own to be uncertain about."""
    known = [activity.energy_j[domain.name] for domain in domains]
    return _quadrature([None if j is None else d.random_u_rel * j for j, d in zip(known, domains, strict=True)])


def summed(one: LayerEnergy, other: LayerEnergy) -> LayerEnergy:
    """Two rows of the same name."""
    return msgspec.structs.replace(
        one,
        duration_s=one.duration_s + other.duration_s,
        energy_j={name: total_j([one.energy_j[name], other.energy_j[name]]) for name in one.energy_j},
        dynamic_j={name: total_j([one.dynamic_j[name], other.dynamic_j[name]]) for name in one.dynamic_j},
        energy_u_random_j=_quadrature([one.energy_u_random_j, other.energy_u_random_j]),
    )


def _quadrature(parts: Sequence[float | None]) -> float | None:
    squares = total_j(None if part is None else part * part for part in parts)
    return None if squares is None else math.sqrt(squares)


def _with_flops(row: LayerEnergy, shapes: Sequence[LayerShape], times: float) -> LayerEnergy:
    """The row with the FLOPs of all steps, where the layer's are counted."""
    shape = next((shape for shape in shapes if row.pass_ is not None and shape.layer == row.layer), None)
    if shape is None:
        return row
    flops = shape.flops if row.pass_ is Pass.FORWARD else shape.flops_backward
    return msgspec.structs.replace(row, flops=None if flops is None else round(flops * times))
