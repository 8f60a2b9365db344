"""Layer marks on a GPU: events instead of clock readings. Written without one at hand; run it before you trust them."""

import time

import numpy as np
import pytest
import torch
from torch import nn

from sweep.layers.loops.loop import LayerMarks
from sweep.layers.marking import owners
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import EventMarks, marks_for
from sweep.records import Domain, Pass, Provenance, Reading

pytestmark = [
    pytest.mark.hardware,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
WATT = Domain(name="watt", provenance=Provenance.MODELLED, scale_u_rel=0.0, random_u_rel=0.0)


def step(model: nn.Module, inputs: torch.Tensor, marks: LayerMarks) -> None:
    marks.begin_step()
    marks.mark(owners.OPTIMIZER)
    model.zero_grad(set_to_none=True)
    marks.mark(owners.FORWARD)
    output = model(inputs)
    marks.mark(owners.LOSS)
    loss = output.square().mean()
    marks.backward()
    loss.backward()
    marks.mark(owners.OPTIMIZER)
    marks.end_step()


def test_events_lie_in_order_between_two_synchronised_readings_of_the_clock() -> None:
    marks = marks_for(torch.device("cuda"), time.monotonic)
    assert isinstance(marks, EventMarks)
    x = torch.randn(2048, 2048, device="cuda")
    torch.cuda.synchronize()
    before_s = time.monotonic()
    marks.start()
    for owner in range(20):
        marks.mark(owner)
        x = x @ x / 2048
    taken = marks.take()
    torch.cuda.synchronize()
    after_s = time.monotonic()
    assert np.all(np.diff(taken.starts_s) >= 0)
    assert before_s <= taken.starts_s[0] <= taken.starts_s[-1] <= after_s


def test_layers_of_known_work_share_the_time_and_gradients_are_untouched() -> None:
    from sweep.energy.timeline import Timeline

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 64)).cuda()
    inputs = torch.randn(4096, 4096, device="cuda")
    model(inputs).square().mean().backward()
    wanted = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    log = LayerMarks(model, marks_for(torch.device("cuda"), time.monotonic), StepChoice(1, 0), (WATT,))
    torch.cuda.synchronize()
    start_s = time.monotonic()
    log.start(owners.DATA)
    for _ in range(20):
        step(model, inputs, log)
    torch.cuda.synchronize()
    end_s = time.monotonic()
    log.stop(start_s, end_s)
    timeline = Timeline([WATT])
    for time_s in (start_s, end_s):
        timeline.append(Reading(time_s=time_s, energy_j={"watt": time_s - start_s}))
    log.fold(timeline)
    rows = {(row.layer, row.pass_): row for row in log.ledger.rows()}
    assert sum(row.duration_s for row in rows.values()) == pytest.approx(end_s - start_s, rel=1e-9)
    assert rows["0", Pass.FORWARD].duration_s > 5 * rows["2", Pass.FORWARD].duration_s  # 64 times the work
    assert rows["0", Pass.BACKWARD].duration_s > 0
    for gradient, parameter in zip(wanted, model.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.equal(gradient, parameter.grad)
