"""Events of a measured window, read back with TensorBoard's own reader."""

import builtins
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorboard", reason="tensorboard is not installed (pip install sweep-energy[tensorboard])")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sweep.errors import MonitorError
from sweep.report.tensorboard import write_events
from tests.report.windows import measured


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
    found.Reload()
    return found


def test_everything_comes_back(tmp_path: Path) -> None:
    window = measured()
    events = read(write_events(window, tmp_path / "run"))

    def scalar(tag: str) -> float:
        (only,) = events.Scalars(tag)
        return float(only.value)

    assert scalar("energy/total_j") == pytest.approx(window.energy_j)
    assert scalar("energy/package_j") == pytest.approx(100.0)
    assert scalar("pass/forward_j") == pytest.approx(30.0)
    assert scalar("pass/backward_j") == pytest.approx(60.0)
    assert scalar("pass/data_j") == pytest.approx(10.0)
    assert scalar("layer/block/conv/backward_j") == pytest.approx(40.0)
    assert scalar("window/tokenise_j") == pytest.approx(7.0)
    assert [(e.step, e.value) for e in events.Scalars("epoch/loss")] == [(1, 3.0), (2, 1.0), (3, 1.5)]
    per_unit = [(e.step, pytest.approx(e.value)) for e in events.Scalars("epoch/energy_per_loss_decrease_j")]
    assert per_unit == [(2, 20.0)], "only where the loss fell"
    histogram = events.Histograms("steps/block/conv/forward_j")[0].histogram_value
    assert (histogram.num, histogram.min, histogram.max) == (6, 1.0, 6.0)
    table = events.Tensors("table")[0].tensor_proto.string_val[0].decode()
    assert "| block.conv | Conv2d | backward | 40.0 J" in table
    assert "a note" in events.Tensors("notes")[0].tensor_proto.string_val[0].decode()


def test_unknown_joules_are_left_out(tmp_path: Path) -> None:
    events = read(write_events(measured(known=False), tmp_path))
    assert not [tag for tag in events.Tags()["scalars"] if tag.startswith(("energy/", "layer/", "pass/"))]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MonitorError, match="cannot be written"):
        write_events(measured(), tmp_path / "file" / "run")


def test_a_missing_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("tensorboard"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MonitorError, match=r"sweep-energy\[tensorboard\]"):
        write_events(measured(), tmp_path)
