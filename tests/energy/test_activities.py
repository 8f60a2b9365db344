"""Rows of activities add up to the trial, whatever the spans."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.energy.activities import Span, activity_energy
from sweep.energy.timeline import Timeline
from sweep.records import Domain, Provenance, Reading

CPU = Domain(name="cpu:process", provenance=Provenance.MODELLED, scale_u_rel=0.5, random_u_rel=0.05)


def quadratic(end_s: int) -> Timeline:
    """C(t) = t^2 at whole seconds."""
    line = Timeline([CPU])
    for second in range(end_s + 1):
        line.append(Reading(time_s=second, energy_j={"cpu:process": float(second * second)}))
    return line


def test_sums_by_phase_and_activity_with_the_rest_as_other() -> None:
    spans = [
        Span("supervised", "data", 1, 2),
        Span("supervised", "train", 2, 5),
        Span("supervised", "validation", 5, 6),
        Span("supervised", "train", 7, 9),
    ]
    rows = activity_energy(spans, quadratic(10), 0, 10)
    assert [(row.phase, row.activity, row.duration_s, row.energy_j["cpu:process"]) for row in rows] == [
        ("supervised", "other", 3.0, 1.0 + 13.0 + 19.0),
        ("supervised", "data", 1.0, 3.0),
        ("supervised", "train", 5.0, 21.0 + 32.0),
        ("supervised", "validation", 1.0, 11.0),
    ]


def test_time_between_phases_belongs_to_the_phase_before() -> None:
    spans = [Span("pretraining", "train", 0, 1), Span("supervised", "train", 3, 4)]
    rows = activity_energy(spans, quadratic(5), 0, 5)
    assert [(row.phase, row.activity, row.duration_s) for row in rows] == [
        ("pretraining", "train", 1.0),
        ("pretraining", "other", 2.0),
        ("supervised", "train", 1.0),
        ("supervised", "other", 1.0),
    ]


def test_a_trial_without_spans_is_one_row() -> None:
    (row,) = activity_energy([], quadratic(5), 1, 4)
    assert (row.phase, row.activity, row.duration_s, row.energy_j) == ("setup", "other", 3.0, {"cpu:process": 15.0})


@given(st.lists(st.floats(0, 50), min_size=2, max_size=40), st.data())
def test_rows_add_up(times: list[float], data: st.DataObject) -> None:
    times.sort()
    names = st.sampled_from([("a", "data"), ("a", "train"), ("b", "train"), ("b", "validation")])
    spans = [Span(*data.draw(names), start_s, end_s) for start_s, end_s in zip(times[::2], times[1::2], strict=False)]
    line = quadratic(60)
    rows = activity_energy(spans, line, 0, 60)
    assert math.fsum(row.duration_s for row in rows) == pytest.approx(60, rel=1e-12)
    assert math.fsum(row.energy_j["cpu:process"] or 0.0 for row in rows) == pytest.approx(3600, rel=1e-9)


def test_an_unknown_stretch_makes_its_row_unknown_and_no_other() -> None:
    line = Timeline([CPU])
    for time_s, energy_j in ((0, 0.0), (1, 1.0), (2, 0.5), (3, 3.0), (4, 3.5)):
        line.append(Reading(time_s=time_s, energy_j={"cpu:process": energy_j}))
    spans = [Span("a", "data", 0, 1), Span("a", "train", 1, 2.5), Span("a", "validation", 3, 4)]  # it fell in between
    known = {row.activity: row.energy_j["cpu:process"] for row in activity_energy(spans, line, 0, 4)}
    assert known == {"data": 1.0, "train": None, "other": 1.25, "validation": 0.5}


@pytest.mark.parametrize(
    "spans",
    [
        [Span("a", "train", 2, 1)],
        [Span("a", "train", 0, 2), Span("a", "train", 1, 3)],
        [Span("a", "train", -1, 2)],
        [Span("a", "train", 3, 6)],
    ],
)
def test_refuses_spans_that_are_no_partition(spans: list[Span]) -> None:
    with pytest.raises(ValueError, match="does not lie between"):
        activity_energy(spans, quadratic(5), 0, 5)
