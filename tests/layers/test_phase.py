"""The table of a phase: the rows of its training and of its other activities add up to the phase."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sweep.energy.activities import Span, activity_energy
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.power import Calibration, Powers
from sweep.layers.loops.loop import LayerMarks
from sweep.layers.loops.phase import phase_table, with_shapes
from sweep.layers.marking import owners
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import HostMarks
from sweep.layers.marking.owners import Layers
from sweep.records import (
    Domain,
    LayerEnergy,
    LayerMethod,
    LayerShape,
    LayerTable,
    Pass,
    Provenance,
    Reading,
    total_j,
)
from tests.clocks import FakeTime

GPU = Domain(name="gpu:0", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.01, idle_power_w=3.0)
CPU = Domain(name="package:0", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.01)
BOARD = Domain(name="board", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0, additive=False)


class Takes(nn.Module):
    """A layer that takes its time, backward twice as long, on a clock moved by hand."""

    def __init__(self, clock: FakeTime, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return _Takes.apply(inputs, self.scale, self)  # type: ignore[no-any-return, no-untyped-call]


class _Takes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, scale: Tensor, layer: Takes) -> Tensor:
        ctx.layer = layer
        layer.clock.now_s += layer.seconds
        return inputs * scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        ctx.layer.clock.now_s += 2 * ctx.layer.seconds
        return gradients[0], gradients[0].sum(), None


class Phase:
    """A phase under way: every activity takes its seconds, a step 12 of them."""

    def __init__(self, calibration: Calibration | None = None, name: str = "supervised") -> None:
        self.clock, self.name, self.spans = FakeTime(), name, list[Span]()
        self.model = nn.Sequential(Takes(self.clock, 1.0), Takes(self.clock, 2.0))
        self.marks = LayerMarks(self.model, HostMarks(self.clock), StepChoice(2, 0), (GPU, CPU, BOARD), calibration)
        self.last_s = 0.0

    def activity(self, activity: str, seconds: float) -> None:
        self.clock.now_s += seconds
        self.span(activity)

    def span(self, activity: str) -> Span:
        span = Span(self.name, activity, self.last_s, self.clock.now_s)
        self.spans.append(span)
        self.last_s = self.clock.now_s
        return span

    def step(self) -> None:
        self.marks.begin_step()
        self.marks.mark(owners.OPTIMIZER)
        self.clock.now_s += 1.0
        self.marks.mark(owners.FORWARD)
        output = self.model(torch.ones(1))
        self.marks.mark(owners.LOSS)
        self.clock.now_s += 1.0
        self.marks.backward()
        output.sum().backward()
        self.marks.mark(owners.OPTIMIZER)
        self.clock.now_s += 1.0
        self.marks.end_step()
        self.marks.mark(owners.DATA)

    def epoch(self, steps: int) -> None:
        self.marks.start(owners.DATA)
        for _ in range(steps):
            self.step()
        span = self.span("train")
        self.marks.stop(span.start_s, span.end_s)

    def table(self, timeline: Timeline | None = None) -> LayerTable:
        timeline = timeline or timeline_to(self.clock.now_s)
        self.marks.fold(timeline)
        activities = activity_energy(self.spans, timeline, 0.0, self.clock.now_s)
        table = phase_table(self.name, self.marks, activities, self.spans, timeline)
        for domain in (GPU, CPU, BOARD):
            whole = total_j(a.energy_j[domain.name] for a in activities if a.phase == self.name)
            assert total_j(row.energy_j[domain.name] for row in table.rows) == pytest.approx(whole, rel=1e-9)
        seconds = math.fsum(a.duration_s for a in activities if a.phase == self.name)
        assert math.fsum(row.duration_s for row in table.rows) == pytest.approx(seconds)
        return table


def timeline_to(end_s: float, falls_s: Sequence[int] = (), every_s: int = 1) -> Timeline:
    """Readings every second or so: 5 W and rising, 2 W, and a board that counts both."""
    timeline = Timeline((GPU, CPU, BOARD))
    for now_s in range(0, math.ceil(end_s) + every_s, every_s):
        gpu, cpu = 5.0 * now_s + 0.01 * now_s**2, 2.0 * now_s
        joules: dict[str, float | None] = {"gpu:0": gpu, "package:0": cpu, "board": gpu + cpu}
        joules["package:0"] = cpu - 10.0 * sum(fall_s <= now_s for fall_s in falls_s)
        timeline.append(Reading(time_s=float(now_s), energy_j=joules))
    return timeline


def rows_of(table: LayerTable) -> dict[tuple[str, Pass | None], LayerEnergy]:
    return {(row.layer, row.pass_): row for row in table.rows}


def whole_phase(calibration: Calibration | None = None) -> Phase:
    phase = Phase(calibration)
    phase.activity("data", 3.0)
    for _ in range(2):
        phase.epoch(4)
        phase.activity("validation", 2.0)
        phase.activity("checkpoint", 1.0)
    phase.clock.now_s += 0.5
    phase.last_s = phase.clock.now_s
    return phase


def test_rows_add_up_to_the_activities_of_the_phase() -> None:
    table = whole_phase().table()
    rows = rows_of(table)
    assert (table.method, table.steps, table.notes) == (LayerMethod.TIME, 8, [])
    assert 0 < table.marked_steps < 8
    assert rows["0", Pass.FORWARD].duration_s == pytest.approx(8)
    assert rows["1", Pass.FORWARD].duration_s == pytest.approx(16)
    assert rows["preprocess", None].duration_s == 3
    assert rows["validation", None].duration_s == 4
    assert rows["rest", None].duration_s == pytest.approx(2 + 0.5)
    assert all(row.energy_u_random_j is not None for row in table.rows)


def test_joules_above_idle_are_told_for_every_row_where_the_domain_idles_at_a_known_power() -> None:
    table = whole_phase().table()
    for row in table.rows:
        gpu_j = row.energy_j["gpu:0"]
        assert gpu_j is not None
        assert row.dynamic_j == {"gpu:0": pytest.approx(gpu_j - 3 * row.duration_s), "package:0": None}


def test_a_domain_that_does_not_count_is_divided_but_not_uncertain_about() -> None:
    table = whole_phase().table()
    for row in table.rows:
        assert row.energy_j["board"] == pytest.approx((row.energy_j["gpu:0"] or 0) + (row.energy_j["package:0"] or 0))
        assert "board" not in row.dynamic_j


def test_a_crash_before_the_first_step_leaves_the_activities() -> None:
    phase = Phase()
    phase.activity("data", 3.0)
    phase.clock.now_s += 1.0
    table = phase.table()
    assert [row.layer for row in table.rows] == ["preprocess", "rest"]
    assert (table.steps, table.marked_steps) == (0, 0)


def test_a_crash_in_an_epoch_makes_that_epoch_rest() -> None:
    phase = Phase()
    phase.epoch(2)
    known = rows_of(phase.table())["0", Pass.FORWARD].duration_s
    phase.marks.start(owners.DATA)
    phase.step()
    phase.marks.abandon()
    table = phase.table()
    assert rows_of(table)["0", Pass.FORWARD].duration_s == known
    assert rows_of(table)["rest", None].duration_s == pytest.approx(12.0)
    assert not any(module._forward_hooks for module in phase.model.modules())


def test_a_diverged_epoch_has_layers_as_far_as_it_came() -> None:
    phase = Phase()
    phase.marks.start(owners.DATA)
    phase.marks.begin_step()
    phase.marks.mark(owners.FORWARD)
    phase.model(torch.ones(1))
    phase.marks.mark(owners.LOSS)
    phase.marks.end_step()
    span = phase.span("train")
    phase.marks.stop(span.start_s, span.end_s)
    table = phase.table()
    assert {(row.layer, row.pass_) for row in table.rows} == {("0", Pass.FORWARD), ("1", Pass.FORWARD)}


def test_other_phases_are_not_in_the_table() -> None:
    phase = Phase(name="finetuning")
    phase.activity("data", 1.0)
    phase.spans[0] = phase.spans[0]._replace(phase="pretraining")
    phase.epoch(1)
    table = phase.table()
    assert math.fsum(row.duration_s for row in table.rows) == pytest.approx(12.0)
    assert ("preprocess", None) not in rows_of(table)


def test_what_a_fall_makes_unknown_is_unknown_in_its_rows_only() -> None:
    phase = whole_phase()
    timeline = timeline_to(phase.clock.now_s, falls_s=(2, 4))  # within data and within the first epoch
    phase.marks.fold(timeline)
    activities = activity_energy(phase.spans, timeline, 0.0, phase.clock.now_s)
    table = phase_table(phase.name, phase.marks, activities, phase.spans, timeline)
    rows = rows_of(table)
    assert rows["preprocess", None].energy_j["package:0"] is None
    assert rows["preprocess", None].energy_u_random_j is None
    assert rows["0", Pass.FORWARD].energy_j["package:0"] is None
    assert rows["0", Pass.FORWARD].energy_j["gpu:0"] is not None
    assert rows["validation", None].energy_j["package:0"] == pytest.approx(8.0)


def test_a_calibrated_table_says_how() -> None:
    layers, model = Layers(), Phase().model
    layers.add(model)
    power = np.ones(len(layers))
    power[layers.owner(model[0])] = 4.0
    powers = {domain.name: Powers(power, np.eye(len(power)) * 0.01) for domain in (GPU, CPU, BOARD)}
    calibration = Calibration(tuple(layers.met), powers, LayerMethod.DOPED, ("as measured",))
    table, plain = (whole_phase(c).table(timeline_to(106, every_s=53)) for c in (calibration, None))
    assert (table.method, table.notes) == (LayerMethod.DOPED, ["as measured"])
    (heavy, light), (heavy_plain, light_plain) = (
        [rows_of(of)[name, Pass.FORWARD] for name in ("0", "1")] for of in (table, plain)
    )
    assert (heavy.energy_j["gpu:0"] or 0) > 2 * (heavy_plain.energy_j["gpu:0"] or math.inf)
    assert (light.energy_j["gpu:0"] or 0) < (light_plain.energy_j["gpu:0"] or 0)
    assert heavy.duration_s == heavy_plain.duration_s


def test_flops_are_those_of_all_steps() -> None:
    shape = LayerShape(
        layer="1",
        type="Takes",
        parameters=1,
        calls=1,
        macs=None,
        flops=7,
        flops_backward=None,
        bytes_in=4,
        bytes_out=4,
        bytes_weights=4,
        inputs=[[1]],
        outputs=[[1]],
    )
    table = with_shapes(whole_phase().table(), [shape], ["counted"])
    rows = rows_of(table)
    assert rows["1", Pass.FORWARD].flops == 7 * 8
    assert rows["0", Pass.FORWARD].flops is None
    assert rows["loss", None].flops is None
    assert (table.shapes, table.notes) == ([shape], ["counted"])
