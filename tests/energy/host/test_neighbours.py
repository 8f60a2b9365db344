"""CPU time of other programs, from a made /proc and from the real one."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakes.counters import domain

from sweep.energy.checks.load import LoadWatch
from sweep.energy.host.neighbours import Busy, busy, family, other_share
from sweep.records import Provenance, Sensors

pytestmark = pytest.mark.alone

PACKAGE, GPU = domain("package:0"), domain("gpu:0")


def proc(folder: Path, *lines: str) -> Path:
    (folder / "stat").write_text("\n".join(lines) + "\n")
    return folder


def test_busy_time_is_that_of_the_cores(tmp_path: Path) -> None:
    found = busy(
        proc(tmp_path, "cpu  9 9 9 9 9 9 9 0 0 0", "cpu0 100 10 50 900 40 5 5 7 1 0", "cpu1 30 0 0 1 1 0 0 0", "intr 1")
    )
    assert found is not None
    assert found.cores == 2
    assert found.machine_s == pytest.approx(2.0)  # 200 ticks of 10 ms, idle, waiting for disks and steal left out
    assert found.own_s == 0.0


@pytest.mark.parametrize("lines", [[], ["cpu0 1 2"], ["cpu0 a b c d e f g"], ["cpu  1 2 3 4 5 6 7"]])
def test_what_cannot_be_read_is_unknown(tmp_path: Path, lines: list[str]) -> None:
    assert busy(proc(tmp_path, *lines)) is None
    assert busy(tmp_path / "absent") is None


def test_the_share_is_of_all_cores() -> None:
    before, after = Busy(10.0, 1.0, 4, 100.0), Busy(20.0, 3.0, 4, 110.0)
    assert other_share(before, after) == pytest.approx(8.0 / 40.0)
    assert other_share(before, Busy(10.5, 3.0, 4, 110.0)) == 0.0  # clock ticks: never below 0
    assert other_share(None, after) is None
    assert other_share(before, before) is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs procfs")
def test_children_belong_to_us() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        assert child.pid in family()
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs procfs")
def test_own_work_is_not_that_of_others() -> None:
    before = busy()
    until_s = time.process_time() + 0.3
    while time.process_time() < until_s:
        pass
    after = busy()
    assert before is not None
    assert after is not None
    assert after.own_s - before.own_s == pytest.approx(0.3, abs=0.1)


def look(others_s: float) -> LoadWatch:
    moments = iter([Busy(0.0, 0.0, 2, 0.0), Busy(1.0 + others_s, 1.0, 2, 10.0)])
    return LoadWatch(look=lambda: next(moments))


@pytest.mark.fault(
    "other programs compute on the machine", "the trial is marked, with the domains that hold their joules"
)
def test_others_contaminate_what_counts_the_whole_package() -> None:
    watch = look(others_s=4.0)
    watch.start()
    check = watch.stop([PACKAGE, GPU], {})
    assert check is not None
    assert (check.contaminated, check.domains) == (True, ["package:0"])
    assert check.other_cpu_share == pytest.approx(0.2)
    assert "other programs used 20% of the machine's cores" in check.reasons


def test_others_leave_modelled_joules_of_this_process_alone() -> None:
    watch = look(others_s=4.0)
    watch.start()
    check = watch.stop([domain("cpu:process", provenance=Provenance.MODELLED)], {})
    assert check is not None
    assert check.domains == []


@pytest.mark.fault("another process computes on the GPU", "the trial is marked, with the domain")
def test_another_process_contaminates_its_gpu() -> None:
    watch = look(others_s=0.0)
    watch.start()
    check = watch.stop([PACKAGE, GPU], {"gpu:0": Sensors(others_max=2), "package:0": Sensors()})
    assert check is not None
    assert (check.domains, check.contaminated) == (["gpu:0"], True)
    assert "2 other processes on gpu:0" in check.reasons
