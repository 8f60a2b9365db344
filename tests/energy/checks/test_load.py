"""The load check: a share, a threshold, and silence where the platform does not tell."""

import pytest

from sweep.energy.checks.load import THRESHOLD, LoadWatch
from sweep.records import LoadCheck
from tests.clocks import FakeProcess


def test_half_of_the_time_waited_is_contaminated() -> None:
    process = FakeProcess()
    watch = LoadWatch(process, look=lambda: None)
    watch.start()
    process.spend(wall=4.0, cpu=2.0, wait=2.0)
    assert watch.stop() == LoadCheck(
        wait_share=0.5, contaminated=True, reasons=["it waited 50% of its time for a core"]
    )


@pytest.mark.parametrize(("wait_s", "contaminated"), [(0.0, False), (THRESHOLD - 0.01, False), (0.06, True)])
def test_the_threshold_decides(wait_s: float, contaminated: bool) -> None:
    process = FakeProcess()
    watch = LoadWatch(process, look=lambda: None)
    watch.start()
    process.spend(wall=1.0, cpu=1.0 - wait_s, wait=wait_s)
    check = watch.stop()
    assert check is not None
    assert (check.wait_share, check.contaminated) == (pytest.approx(wait_s), contaminated)


def test_each_start_begins_anew() -> None:
    process = FakeProcess()
    watch = LoadWatch(process, look=lambda: None)
    watch.start()
    process.spend(wall=1.0, cpu=0.5, wait=0.5)
    watch.start()
    process.spend(wall=1.0, cpu=1.0)
    assert watch.stop() == LoadCheck(wait_share=0.0, contaminated=False)


def test_unknown_is_none() -> None:
    unknown = FakeProcess(wait=None)
    watch = LoadWatch(unknown, look=lambda: None)
    assert watch.stop() is None  # never started
    watch.start()
    unknown.spend(wall=1.0, cpu=1.0)
    assert watch.stop() is None


@pytest.mark.fault("process suspended for seconds within a trial", "the joules are right; the trial is marked")
def test_a_pause_is_contamination() -> None:
    process = FakeProcess()
    watch = LoadWatch(process, look=lambda: None)
    watch.start()
    process.spend(wall=12.0, cpu=2.0)
    check = watch.stop(paused_s=10.0)
    assert check is not None
    assert check.contaminated
    assert check.reasons == ["it stood still for 10 s: suspended, or a driver hung"]


def test_no_time_is_no_check() -> None:
    watch = LoadWatch(FakeProcess(), look=lambda: None)
    watch.start()
    assert watch.stop() is None


def test_watches_this_process() -> None:
    watch = LoadWatch()
    watch.start()
    sum(range(200_000))
    check = watch.stop()
    assert check is None or 0.0 <= check.wait_share <= 1.0
