"""Counters of the process: parsing, missing counters, and a wait that really happened."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sweep.energy.host.process import ProcessClock, lost_s

pytestmark = pytest.mark.alone


def fake_proc(root: Path, **waits_s: float) -> Path:
    """A /proc with one thread for each keyword, ``t7=0.5`` for thread 7."""
    for name, wait_s in {**waits_s, "own": 0.0}.items():
        folder = root / "thread-self" if name == "own" else root / "self" / "task" / name.removeprefix("t")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"1000000 {round(wait_s * 1e9)} 12\n")
    return root


def test_sums_the_waits_of_all_threads(tmp_path: Path) -> None:
    clock = ProcessClock(fake_proc(tmp_path, t7=0.5, t8=0.25))
    assert clock.wait_s() == pytest.approx(0.75)
    fake_proc(tmp_path, t7=1.5, t8=0.5)
    assert clock.wait_s() == pytest.approx(2.0)


def test_remembers_the_wait_of_a_thread_that_ended(tmp_path: Path) -> None:
    clock = ProcessClock(fake_proc(tmp_path, t7=0.5, t8=0.25))
    clock.wait_s()
    (tmp_path / "self/task/8/schedstat").unlink()
    assert clock.wait_s() == pytest.approx(0.75)
    fake_proc(tmp_path, t8=0.1)  # the number is used again by a new thread
    assert clock.wait_s() == pytest.approx(0.85)


def test_a_reused_thread_number_does_not_lower_the_sum(tmp_path: Path) -> None:
    clock = ProcessClock(fake_proc(tmp_path, t8=0.5))
    clock.wait_s()
    fake_proc(tmp_path, t8=0.1)
    assert clock.wait_s() == pytest.approx(0.6)


def test_without_schedstat_the_wait_is_unknown(tmp_path: Path) -> None:
    clock = ProcessClock(tmp_path / "nowhere")
    assert clock.wait_s() is None
    assert clock.thread().wait_s is None


@pytest.mark.parametrize("text", ["0 0 0\n", "", "12 34\n", "no numbers here\n"])
def test_a_kernel_that_does_not_count_is_unknown_not_zero(tmp_path: Path, text: str) -> None:
    fake_proc(tmp_path, t7=0.5)
    (tmp_path / "thread-self/schedstat").write_text(text)
    assert ProcessClock(tmp_path).wait_s() is None


@pytest.mark.parametrize(
    ("wall_s", "cpu_s", "wait_s", "expected"),
    [
        (10.0, 10.0, 0.0, 0.0),  # alone
        (10.0, 4.0, 6.0, 6.0),  # one thread, the rest of the time was waited
        (10.0, 4.0, 2.0, 2.0),  # one thread that also slept for 4 s
        (10.0, 10.0, 10.0, 5.0),  # two threads, each with half a core
        (10.0, 0.0, 0.0, 0.0),  # asleep
        (1.0, 0.0, 50.0, 1.0),  # never more than the wall time
    ],
)
def test_lost_time(wall_s: float, cpu_s: float, wait_s: float, expected: float) -> None:
    assert lost_s(wall_s, cpu_s, wait_s) == pytest.approx(expected)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux's sched_setaffinity")
def test_two_threads_on_one_core_wait_for_each_other() -> None:
    """Two spinning processes pinned to one core: each waits about as long as it runs, longer beside others."""
    clock = ProcessClock()
    if clock.wait_s() is None:
        pytest.skip("this kernel does not count run-queue waits")
    cores = os.sched_getaffinity(0)
    core = {min(cores)}
    spin = "print(flush=True)\nwhile True: pass"
    child = subprocess.Popen([sys.executable, "-S", "-c", spin], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        child.stdout.readline()
        os.sched_setaffinity(child.pid, core)
        os.sched_setaffinity(0, core)
        before_s, start_s, start_cpu_s = clock.wait_s(), time.monotonic(), time.thread_time()
        while time.thread_time() - start_cpu_s < 0.3:
            pass
        waited_s, passed_s = (clock.wait_s() or 0.0) - (before_s or 0.0), time.monotonic() - start_s
    finally:
        os.sched_setaffinity(0, cores)
        child.kill()
        child.communicate()
    assert 0.1 < waited_s < passed_s * threading.active_count()
