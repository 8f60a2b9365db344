"""The NVML meter on a real GPU. Written without one at hand; run it before you trust it: ``pytest -s -m hardware``.

It prints what it identifies of the sensor: the tick, and how fast instant and mean power follow a step of load.
"""

import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pynvml
import pytest
import torch

from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.recorder import Recorder


def _has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    pynvml.nvmlShutdown()
    return True


pytestmark = [
    pytest.mark.hardware,
    pytest.mark.skipif(not _has_driver(), reason="needs NVIDIA's driver"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a torch that computes on the GPU"),
]
WINDOW_S = 10.0
WITHIN = 0.02


@contextmanager
def load() -> Iterator[None]:
    """Keep ``cuda:0`` busy with matrix products."""
    stop = threading.Event()

    def work() -> None:
        a = torch.randn(4096, 4096, device="cuda:0")
        while not stop.is_set():
            for _ in range(20):
                torch.mm(a, a)
            torch.cuda.synchronize()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        time.sleep(3.0)  # clocks and mean power settle
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def meter() -> Iterator[NvmlMeter]:
    made = NvmlMeter(devices=[0], poll_interval_s=0.02)
    with made:
        yield made


def watts(meter: NvmlMeter) -> float:
    power_w = meter.power_w()["gpu:0"]
    assert power_w is not None
    return power_w


def joules(meter: NvmlMeter) -> float:
    shown_j = meter.read()["gpu:0"]
    assert shown_j is not None
    return shown_j


def moves(tell: Callable[[], float], duration_s: float) -> list[float]:
    """Times at which a value changed, asked as fast as it goes."""
    times, last, end_s = [], tell(), time.monotonic() + duration_s
    while (now_s := time.monotonic()) < end_s:
        value = tell()
        if value != last:
            times.append(now_s)
            last = value
    return times


def rise_s(tell: Callable[[], float], idle_w: float, busy_w: float, start: Callable[[], None]) -> float:
    """Seconds from 10 to 90 % of a step of power; a running mean over w takes 0.8 w."""
    start()
    times, give_up_s = [], time.monotonic() + 10.0
    for share in (0.1, 0.9):
        while tell() < idle_w + share * (busy_w - idle_w):
            assert time.monotonic() < give_up_s, "the power does not follow the load"
        times.append(time.monotonic())
    return times[1] - times[0]


@pytest.mark.parametrize("busy", [False, True])
def test_the_counter_agrees_with_integrated_power(*, busy: bool) -> None:
    with load() if busy else _rest(), Recorder(NvmlMeter(devices=[0], poll_interval_s=0.02)) as recorder:
        time.sleep(0.5)
        start_s = recorder.mark()
        time.sleep(WINDOW_S)
        end_s = recorder.mark()
        time.sleep(0.5)
        recorder.settle()
        energy = recorder.energy(start_s, end_s)["gpu:0"]
    print(f"\n{'busy' if busy else 'idle'}: counter {energy.energy_j:.2f} J, integrated power {energy.polled_j:.2f} J")
    assert energy.energy_j == pytest.approx(energy.polled_j, rel=WITHIN)


def test_the_counter_agrees_with_zeus() -> None:
    monitor_of = pytest.importorskip("zeus.monitor", reason="needs the extra zeus").ZeusMonitor
    monitor = monitor_of(gpu_indices=[0])
    with load(), Recorder(NvmlMeter(devices=[0], poll_interval_s=0.02)) as recorder:
        time.sleep(0.5)
        monitor.begin_window("same", sync_execution=False)
        start_s = recorder.mark()
        time.sleep(WINDOW_S)
        theirs_j = monitor.end_window("same", sync_execution=False).gpu_energy[0]
        end_s = recorder.mark()
        time.sleep(0.5)
        recorder.settle()
        ours_j = recorder.energy(start_s, end_s)["gpu:0"].energy_j
    print(f"\nours {ours_j:.2f} J, zeus {theirs_j:.2f} J")
    assert ours_j == pytest.approx(theirs_j, rel=WITHIN)


def test_the_tick_is_the_one_that_the_domain_states(meter: NvmlMeter) -> None:
    with load():
        times = moves(lambda: joules(meter), 5.0)
    tick_s = statistics.median(after - before for before, after in itertools.pairwise(times))
    stated_s = meter.domains[0].tick_s
    print(f"\ntick of the counter {tick_s * 1e3:.1f} ms, stated {stated_s}")
    assert stated_s is not None
    assert tick_s <= 1.2 * stated_s


def test_how_fast_power_follows_the_load(meter: NvmlMeter) -> None:
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)

    def mean_w() -> float:
        return float(pynvml.nvmlDeviceGetPowerUsage(handle)) * 1e-3

    time.sleep(5.0)
    idle_w = watts(meter)
    with load():
        busy_w = watts(meter)
    for name, tell in (("instant", lambda: watts(meter)), ("nvmlDeviceGetPowerUsage", mean_w)):
        time.sleep(5.0)
        stop = threading.Event()
        thread = threading.Thread(target=_load_until, args=(stop,))
        try:
            seconds = rise_s(tell, idle_w, busy_w, thread.start)
        finally:
            stop.set()
            thread.join()
        print(f"\n{name}: 10 to 90 % in {seconds * 1e3:.0f} ms, a window of about {seconds / 0.8 * 1e3:.0f} ms")
        assert seconds < 2.0


def test_the_idle_power_is_steady(meter: NvmlMeter) -> None:
    time.sleep(10.0)  # clocks fall back
    powers_w = []
    for _ in range(10):
        start_s, start_j = time.monotonic(), joules(meter)
        time.sleep(1.0)
        powers_w.append((joules(meter) - start_j) / (time.monotonic() - start_s))
    spread = statistics.stdev(powers_w) / statistics.fmean(powers_w)
    print(f"\nidle {statistics.fmean(powers_w):.2f} W, relative standard deviation of 1 s {spread:.4f}")
    assert spread < 0.1


@contextmanager
def _rest() -> Iterator[None]:
    time.sleep(5.0)
    yield


def _load_until(stop: threading.Event) -> None:
    with load():
        stop.wait()
