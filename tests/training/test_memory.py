"""Peak memory of a stretch of work."""

from pathlib import Path

import pytest
import torch

from sweep.training import memory
from sweep.training.memory import PeakMemory

CPU = torch.device("cpu")


def test_the_peak_is_that_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = iter([500, 700])
    monkeypatch.setattr(memory, "_process_peak", lambda: next(marks))
    peak = PeakMemory(tmp_path)
    assert (tmp_path / "clear_refs").read_text() == "5"
    assert peak.peak_bytes(CPU) == 700


def test_a_mark_that_cannot_be_lowered_and_has_not_risen_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = iter([500, 500, 600])
    monkeypatch.setattr(memory, "_process_peak", lambda: next(marks))
    peak = PeakMemory(tmp_path / "absent")
    assert peak.peak_bytes(CPU) is None
    assert peak.peak_bytes(CPU) == 600


def test_no_mark_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_process_peak", lambda: None)
    assert PeakMemory(tmp_path / "absent").peak_bytes(CPU) is None


def test_memory_that_is_taken_and_given_back_raises_the_real_peak() -> None:
    size = 64 * 2**20
    peak = PeakMemory()
    before = peak.peak_bytes(CPU)
    torch.ones(size, dtype=torch.uint8)
    after = peak.peak_bytes(CPU)
    if before is None or after is None:
        pytest.skip("this system does not tell")
    assert after - before > 0.9 * size
