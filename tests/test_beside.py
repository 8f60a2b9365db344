"""A task in a second process: it is done, it fails, it is killed, or nobody waits for it any more.

Tasks are functions of the standard library and of sweep, because a spawned process must find them by their names.
"""

import multiprocessing
import os
import runpy
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sweep.beside import Held, beside
from sweep.errors import RecordError
from sweep.records import Reading, loads


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []


def test_it_is_done_when_the_block_ends(tmp_path: Path) -> None:
    with beside() as second:
        second.run(Path.write_text, tmp_path / "made", "by the task")
    assert (tmp_path / "made").read_text() == "by the task"


def test_what_it_returns_is_given_whenever_it_is_asked_for() -> None:
    with beside("sweep.records") as second:
        answer = second.run(loads, b'{"energy_j": {}, "time_s": 1.0}', Reading)
        assert answer() == answer()
    assert answer().time_s == 1.0


def test_an_answer_is_given_without_what_it_rests_on() -> None:
    with beside() as second:
        assert second.run(Held, "answer", "rest")() == "answer"


def test_what_a_user_can_act_on_comes_back_as_it_is() -> None:
    with pytest.raises(RecordError, match="this record is not a readable Reading") as caught, beside() as second:
        second.run(loads, b"no JSON", Reading, "this record")
    assert caught.value.mend == "restore it from a copy of the study"


def test_another_error_comes_back_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="FileNotFoundError") as caught, beside() as second:
        second.run(Path.unlink, tmp_path / "missing")
    assert "Traceback" in str(caught.value.__cause__)


def test_a_task_that_is_killed_is_told() -> None:
    with pytest.raises(RuntimeError, match="killed"), beside() as second:
        second.run(os._exit, 9)


def test_an_error_of_the_block_does_not_wait_for_the_task() -> None:
    start = time.perf_counter()
    with suppress(KeyboardInterrupt), beside() as second:
        second.run(time.sleep, 60.0)
        raise KeyboardInterrupt
    assert time.perf_counter() - start < 30.0


def test_a_process_without_a_task_is_ended() -> None:
    with beside():
        pass


def test_a_task_of_any_size_is_told_without_waiting_for_the_process(tmp_path: Path) -> None:
    with beside() as second:
        second.run(Path.write_bytes, tmp_path / "large", bytes(3_000_000))
        assert not (tmp_path / "large").exists()
    assert (tmp_path / "large").stat().st_size == 3_000_000


def test_a_process_that_dies_before_it_is_told_its_task_is_told() -> None:
    with pytest.raises(RuntimeError, match="no_such_module"), beside("no_such_module") as second:
        second.run(len, bytes(3_000_000))


def test_an_error_of_the_block_leaves_no_file_half_written(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(
        "import time\nfrom pathlib import Path\nfrom sweep.report.files import replacing\n"
        f"with replacing(Path({str(tmp_path / 'table.csv')!r})):\n    time.sleep(60.0)\n"
    )
    with suppress(KeyboardInterrupt), beside() as second:
        second.run(runpy.run_path, str(script))
        end = time.perf_counter() + 50.0
        while not list(tmp_path.glob(".table.csv.*")):
            assert time.perf_counter() < end
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [script]
