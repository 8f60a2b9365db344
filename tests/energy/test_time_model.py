"""The benchmark of power x time: on made layers whose power is known, and on joules that are none."""

import json
import math
import random
from pathlib import Path

import pytest

from benchmarks import time_model
from benchmarks.time_model import Group, Sample, across, error_of, fit_power_w, held_out, spread, usable


def made(power_w: float, spread_ln: float = 0.0, count: int = 400) -> list[Sample]:
    """Layers of all durations whose power scatters around one value."""
    rng = random.Random(1)
    times = [10 ** rng.uniform(-4, 0) for _ in range(count)]
    return [Sample(power_w * time_s * math.exp(rng.gauss(0, spread_ln)), time_s) for time_s in times]


def group(samples: list[Sample]) -> Group:
    return Group("made", "conv", "forward", samples, 0)


def test_layers_of_one_power_are_predicted_exactly() -> None:
    assert fit_power_w(made(40.0)) == pytest.approx(40)
    assert held_out(group(made(40.0))) == pytest.approx((0, 0, 0), abs=1e-12)
    assert spread(made(40.0)) == pytest.approx(0, abs=1e-9)


def test_the_error_is_the_spread_of_power() -> None:
    samples = made(40.0, spread_ln=0.1)
    assert spread(samples) == pytest.approx(0.1, rel=0.1)
    assert held_out(group(samples)).rmspe == pytest.approx(0.1, rel=0.15)


def test_errors_by_hand() -> None:
    error = error_of(10.0, [Sample(10.0, 1.0), Sample(5.0, 1.0), Sample(20.0, 1.0)])
    assert error.rmspe == pytest.approx(math.sqrt((0 + 1 + 0.25) / 3))
    assert error.mape == pytest.approx(0.5)
    assert error.median == pytest.approx(0.5)


def test_another_kind_of_half_the_power_is_predicted_twice_too_high() -> None:
    assert across(group(made(40.0)), group(made(20.0))).rmspe == pytest.approx(1.0)


def test_no_layer_is_judged_by_itself() -> None:
    fitted, rest = time_model.halves(made(40.0, count=101), seed=3)
    assert not set(fitted) & set(rest)
    assert len(fitted) + len(rest) == 101


def test_joules_that_are_none_are_refused_and_counted() -> None:
    good = Sample(1.0, 1.0)
    bad = [Sample(-1.0, 1.0), Sample(0.0, 1.0), Sample(1.0, 0.0), Sample(math.nan, 1.0)]
    assert usable([good, *bad]) == ([good], 4)


@pytest.mark.fault("negative joules in a recording", "refused and named, not averaged")
def test_a_network_with_negative_joules_has_no_prediction(tmp_path: Path) -> None:
    data = {
        "net": "resnet18",
        "forward_energy": [-1.3e9],
        "forward_time": [5.4e5],
        "backward_energy": [8.2e7, 8.4e7],
        "backward_time": [1.7e6, 1.7e6],
    }
    path = tmp_path / "net_big-box_resnet18.json"
    path.write_text(json.dumps(data))
    forward, backward = time_model.read_net(path)
    assert (forward.samples, forward.refused) == ([], 1)
    assert backward.samples[0] == pytest.approx((82, 1.7))
    layers = Group("big-box", "conv", "forward", made(40.0), 0)
    rows = time_model.net_table([layers, layers._replace(direction="backward")], [forward, backward]).splitlines()
    assert "refused" in rows[2]
    assert "%" not in rows[2]
    assert "%" in rows[3]


def test_files_are_read_in_microjoules_and_microseconds(tmp_path: Path) -> None:
    path = tmp_path / "big-box_pool.csv"
    path.write_text("stride,for_energy,for_time,back_energy,back_time\n1,4e6,1e5,0.0,0.0\n2,8e6,2e5,0.0,0.0\n")
    forward, backward = time_model.read_layers(path)
    assert (forward.machine, forward.kind, forward.direction) == ("big-box", "pool", "forward")
    assert forward.samples == [pytest.approx((4, 0.1)), pytest.approx((8, 0.2))]
    assert (backward.samples, backward.refused) == ([], 2)
