"""Recordings: what is written is read back, and every breach of the format is one clear error."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.energy.meters.replay import ReplayMeter
from sweep.energy.recording import Recording, read_recording, write_recording
from sweep.errors import MeterError
from sweep.records import Domain, Provenance, Reading
from tests.clocks import FakeTime

GPU = Domain(name="gpu:0", provenance=Provenance.MEASURED, scale_u_rel=0.05, random_u_rel=0.01, tick_s=0.1)
DRAM = Domain(name="dram:0", provenance=Provenance.MEASURED, scale_u_rel=0.1, random_u_rel=0.02, source="rapl")
COMMITTED = Path(__file__).parents[1] / "recordings" / "estimated.jsonl"


def recording() -> Recording:
    """4 s: the GPU at 10 W, then 30 W; the memory is not known at 2 s."""
    rows = ((10.0, 5.0, 1.0), (12.0, 25.0, None), (14.0, 85.0, 3.0))
    readings = [Reading(time_s=t, energy_j={"gpu:0": gpu, "dram:0": dram}) for t, gpu, dram in rows]
    return Recording(device="a board", domains=[GPU, DRAM], readings=readings, note="by hand")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_recording(tmp_path / "r.jsonl", recording())
    return tmp_path / "r.jsonl"


def test_reads_back_what_was_written(path: Path) -> None:
    assert read_recording(path) == recording()


def test_leaves_no_second_file(path: Path) -> None:
    assert [file.name for file in path.parent.iterdir()] == ["r.jsonl"]


def drop_last_line(text: str) -> str:
    return text.rsplit("\n", 2)[0] + "\n"


BREACHES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "not a recording"),
    "foreign": (lambda text: "time,joules\n0,1\n", "not a recording"),
    "binary": (lambda text: "\x00\x01", "not a recording"),
    "cut after a line": (drop_last_line, "truncated"),
    "cut within a line": (lambda text: text[:-8], "truncated"),
    "a line is missing": (lambda text: text.replace("[12.0,25.0,null]\n", ""), "2 readings, its last line says 3"),
    "unknown version": (lambda text: text.replace('"version":1', '"version":9'), "version 9"),
    "unknown field": (lambda text: text.replace('"device"', '"devise"'), "header"),
    "time falls": (lambda text: text.replace("[14.0", "[11.0"), "the time 11.0 s follows 12.0 s"),
    "time stands": (lambda text: text.replace("[14.0", "[12.0"), "the time 12.0 s follows 12.0 s"),
    "joules fall": (lambda text: text.replace("85.0", "24.0"), "joules of gpu:0 fall from 25.0 to 24.0"),
    "joules fall after a hole": (lambda text: text.replace("85.0,3.0", "85.0,0.5"), "joules of dram:0 fall"),
    "too few values": (lambda text: text.replace("[12.0,25.0,null]", "[12.0,25.0]"), "line 3"),
    "words for numbers": (lambda text: text.replace("25.0", '"many"'), "line 3"),
    "domain twice": (lambda text: text.replace("dram:0", "gpu:0"), "name each domain once"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_refuses_breaches(path: Path, breach: str) -> None:
    spoil, message = BREACHES[breach]
    spoiled = spoil(path.read_text())
    assert spoiled != path.read_text()
    path.write_text(spoiled)
    with pytest.raises(MeterError, match=message):
        read_recording(path)


def test_refuses_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match=r"meter\.path"):
        read_recording(tmp_path / "none.jsonl")


def test_does_not_write_what_it_would_not_read(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="no readings"):
        write_recording(tmp_path / "r.jsonl", Recording(device="x", domains=[GPU], readings=[]))
    with pytest.raises(MeterError, match="writable"):
        write_recording(tmp_path / "none" / "r.jsonl", recording())
    assert not list(tmp_path.iterdir())


def test_replays_on_the_clock_of_now(path: Path) -> None:
    clock = FakeTime(1000.0)
    with ReplayMeter(clock, path=str(path)) as meter:
        assert meter.read() == {"gpu:0": 0.0, "dram:0": 0.0}
        clock.now_s += 3.0
        assert meter.read() == {"gpu:0": 20.0 + 30.0, "dram:0": None}  # within the hole of the memory
        clock.now_s += 1.0
        assert meter.read() == {"gpu:0": 80.0, "dram:0": 2.0}


def test_is_unknown_past_the_end(path: Path) -> None:
    clock = FakeTime()
    with ReplayMeter(clock, path=str(path)) as meter:
        clock.now_s = 4.5
        assert meter.read() == {"gpu:0": None, "dram:0": None}


def test_repeats_if_asked(path: Path) -> None:
    clock = FakeTime()
    with ReplayMeter(clock, path=str(path), repeat=True) as meter:
        clock.now_s = 2 * 4.0 + 1.0
        assert meter.read()["gpu:0"] == pytest.approx(2 * 80.0 + 10.0)


def test_one_reading_cannot_be_repeated(tmp_path: Path) -> None:
    single = Recording(device="x", domains=[GPU], readings=[Reading(time_s=0, energy_j={"gpu:0": 0.0})])
    write_recording(tmp_path / "r.jsonl", single)
    with pytest.raises(MeterError, match="repeat=false"):
        ReplayMeter(path=str(tmp_path / "r.jsonl"), repeat=True).open()


def test_says_replayed_and_what_it_was(path: Path) -> None:
    with ReplayMeter(path=str(path)) as meter:
        gpu, dram = meter.domains
    assert {gpu.provenance, dram.provenance} == {Provenance.REPLAYED}
    assert dram.source == "recording of measured joules of a board; rapl"
    assert (gpu.scale_u_rel, gpu.random_u_rel, gpu.tick_s) == (0.05, 0.01, 0.1)


def test_the_committed_recording_is_a_model_and_says_so() -> None:
    committed = read_recording(COMMITTED)
    assert [domain.provenance for domain in committed.domains] == [Provenance.MODELLED]
    assert "benchmarks/repeatability.py" in committed.note
