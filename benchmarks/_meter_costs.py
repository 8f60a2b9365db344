"""What a reading costs, and what the poller takes of a core, with an H100 behind a fake driver and one socket in files.

CPU time of the thread. The fake driver is Python, so its part is measured by itself, call by call without the binding,
and taken off ("net"); what a real driver takes instead is not known here. Files are in memory, as sysfs is, but the
kernel's read a register as well. Ways are read in turn, in batches; the table has medians and quartiles over the
batches, and of single readings after a tenth of a second of sleep, when caches have gone cold, as a poller's have.
"""

import contextlib
import ctypes
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pynvml
from _meter_scenes import H100_BOARD
from _meter_tables import markdown
from fakes.driver import FIRST_HANDLE, FakeNvml
from fakes.gpu import FakeGpu
from fakes.nvml import fake_nvml
from fakes.power import square
from fakes.powercap import FakePowercap, intel

from sweep.energy.meters.auto import AutoMeter
from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.meters.pyjoules import PyJoulesMeter
from sweep.energy.meters.rapl import RaplMeter
from sweep.energy.recorder import Recorder

BATCH = 200
COUNTER, FIELDS = "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues"
POLLER = "sweep-poller"
REST_S = 0.1


class Machine(NamedTuple):
    """What there is to read."""

    driver: FakeNvml
    tree: FakePowercap
    root: Path


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """One H100 and one socket with core and dram."""
    gpu = FakeGpu(
        power=square(80.0, 400.0, 1.0),
        name=H100_BOARD.model,
        architecture=H100_BOARD.architecture,
        sensor=H100_BOARD.sensor,
    )
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        root = Path(folder) / "sys"
        root.mkdir()
        with fake_nvml([gpu]) as driver:
            yield Machine(driver, intel(root), root)


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU time of one call."""
    start_ns = time.thread_time_ns()
    for _ in range(times):
        work()
    return (time.thread_time_ns() - start_ns) / times / 1e3


def rested_us(work: Callable[[], object], times: int) -> list[float]:
    """Microseconds of CPU time of single calls after a rest."""
    found = []
    for _ in range(times):
        time.sleep(REST_S)
        found.append(cpu_us(work, 1))
    return found


def fake_call(driver: FakeNvml, name: str) -> Callable[[], int]:
    """A call of the fake driver without the binding."""
    function, handle = driver.function(name), ctypes.c_void_p(FIRST_HANDLE)
    if name == FIELDS:
        values = (pynvml.c_nvmlFieldValue_t * 1)()
        values[0].fieldId = pynvml.NVML_FI_DEV_POWER_INSTANT
        return lambda: function(handle, ctypes.c_int(1), ctypes.byref(values))
    value = ctypes.c_ulonglong()
    return lambda: function(handle, ctypes.byref(value))


def fakes_us(driver: FakeNvml, rounds: int) -> tuple[dict[str, float], dict[str, float]]:
    """Microseconds of the calls that are made at each poll: in batches, and one after the other after a rest."""
    calls = {name: fake_call(driver, name) for name in (COUNTER, FIELDS)}
    for call in calls.values():
        cpu_us(call, 10 * BATCH)  # Python speeds up what is called often
    quick = {name: statistics.median(cpu_us(call, BATCH) for _ in range(rounds)) for name, call in calls.items()}
    first_us = statistics.median(rested_us(calls[COUNTER], rounds))
    both_us = statistics.median(rested_us(lambda: (calls[COUNTER](), calls[FIELDS]()), rounds))
    return quick, {COUNTER: first_us, FIELDS: both_us - first_us}


def readers(here: Machine, stack: contextlib.ExitStack) -> dict[str, Callable[[], object]]:
    """Ways of reading once; those whose library is installed."""
    meters = {
        "nvml, 1 GPU": NvmlMeter(),
        "rapl, 3 counters": RaplMeter(sysfs_root=str(here.root)),
        "pyjoules, 1 GPU and 3 counters": PyJoulesMeter(sysfs_root=str(here.root)),
        "auto: nvml and rapl": AutoMeter(sysfs_root=str(here.root)),
        "estimated": EstimatedMeter(),
    }
    ways: dict[str, Callable[[], object]] = {name: stack.enter_context(meter).read for name, meter in meters.items()}
    ways["power of nvml, 1 GPU"] = meters["nvml, 1 GPU"].power_w
    with contextlib.suppress(ImportError):
        ways["zeus, begin_window or end_window, 1 GPU"] = _zeus()
    with contextlib.suppress(ImportError):
        ways["pyJoules, EnergyMeter.record, 1 GPU and 3 counters"] = _py_joules(here.root)
    return ways


def _zeus() -> Callable[[], object]:
    from zeus.monitor import ZeusMonitor

    monitor = ZeusMonitor(cpu_indices=[])
    is_open = False

    def turn() -> None:
        nonlocal is_open
        if is_open:
            monitor.end_window("cost", sync_execution=False)
        else:
            monitor.begin_window("cost", sync_execution=False)
        is_open = not is_open

    return turn


def _py_joules(root: Path) -> Callable[[], object]:
    from pyJoules.device import DeviceFactory, rapl_device
    from pyJoules.energy_meter import EnergyMeter

    with mock.patch.object(rapl_device, "RAPL_API_DIR", str(root / "class" / "powercap" / "intel-rapl")):
        meter = EnergyMeter(DeviceFactory.create_devices())
    meter.start()
    return meter.record


def reading_table(rounds: int) -> tuple[str, dict[str, float]]:
    """CPU time of one reading, by way; and microseconds of each call of the fake after a rest."""
    with machine() as here, contextlib.ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zeus warns of windows shorter than a tick
        ways = readers(here, stack)
        costs: dict[str, list[float]] = {name: [] for name in ways}
        calls: dict[str, dict[str, float]] = {}
        for number in range(rounds):
            for name in list(ways)[:: 1 if number % 2 else -1]:
                before = dict(here.driver.calls)
                costs[name].append(cpu_us(ways[name], BATCH))
                calls[name] = {kind: count / BATCH for kind, count in calls_since(here.driver, before).items()}
        rested = {name: rested_us(work, rounds) for name, work in ways.items()}
        quick_us, rested_fake_us = fakes_us(here.driver, rounds)
    rows = [
        [
            name,
            _spread(costs[name]),
            f"{statistics.median(costs[name]) - faked_us(calls[name], quick_us):.1f}",
            _spread(rested[name]),
        ]
        for name in ways
    ]
    told = ", ".join(f"{name} {quick_us[name]:.1f} us and {rested_fake_us[name]:.0f} us" for name in quick_us)
    header = ["reading", "CPU us", "net of the fake", "CPU us after a rest"]
    return f"{markdown(header, rows)}\n\nThe fake itself: {told} after a rest, one after the other.", rested_fake_us


def calls_since(driver: FakeNvml, before: Mapping[str, int]) -> dict[str, int]:
    """Calls of the fake driver, by name."""
    return {name: count - before.get(name, 0) for name, count in driver.calls.items()}


def faked_us(calls: Mapping[str, float], each_us: Mapping[str, float]) -> float:
    """What the fake driver takes for these calls; those of other kinds count as the dearest."""
    return sum(count * each_us.get(name, max(each_us.values())) for name, count in calls.items())


def _spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    digits = 0 if middle >= 100 else 1
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


class Share(NamedTuple):
    """CPU time of the poller's thread as a share of one core, with the fake and without, and how often it polled."""

    whole: float
    net: float
    polls_a_s: float


def poller_share(wall_s: float, fake_us: Mapping[str, float]) -> Share:
    """Of the ``auto`` meter at its default interval; ``fake_us`` is what each call of the fake takes after a rest."""
    with machine() as here, Recorder(AutoMeter(sysfs_root=str(here.root))) as recorder:
        thread = next(thread for thread in threading.enumerate() if thread.name == POLLER)
        clock = _thread_clock(thread)
        before, readings = dict(here.driver.calls), len(recorder.timeline)
        start_s, start_cpu_s = time.monotonic(), clock()
        while time.monotonic() < start_s + wall_s:
            here.tree.advance(1.0)
            time.sleep(0.02)
        cpu_s, passed_s = clock() - start_cpu_s, time.monotonic() - start_s
        polls = len(recorder.timeline) - readings
        faked_s = faked_us(calls_since(here.driver, before), fake_us) / 1e6
    return Share(cpu_s / passed_s, (cpu_s - faked_s) / passed_s, polls / passed_s)


def waiting_share(wall_s: float) -> float:
    """The same of a thread that waits as often and does nothing."""
    stop = threading.Event()

    def wait() -> None:
        while not stop.wait(REST_S):
            pass

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    clock = _thread_clock(thread)
    time.sleep(wall_s)
    share = clock() / wall_s
    stop.set()
    thread.join()
    return share


def _thread_clock(thread: threading.Thread) -> Callable[[], float]:
    """CPU time of a thread, in seconds."""
    assert thread.ident is not None
    identity: Any = time.pthread_getcpuclockid(thread.ident)
    return lambda: time.clock_gettime(identity)


def print_costs(rounds: int, wall_s: float) -> None:
    """Both tables."""
    print("\n### Cost of a reading\n")
    table, fake_us = reading_table(rounds)
    print(table)
    shares = [poller_share(wall_s / 3, fake_us) for _ in range(3)]
    whole, net = ([100 * getattr(share, kind) for share in shares] for kind in ("whole", "net"))
    print(
        f"\nPoller of `auto`, {statistics.median(share.polls_a_s for share in shares):.1f} readings a second: "
        f"{statistics.median(whole):.3f} % of a core ({min(whole):.3f} to {max(whole):.3f}), "
        f"net of the fake {statistics.median(net):.3f} % ({min(net):.3f} to {max(net):.3f}). "
        f"A thread that waits ten times a second and does nothing: {100 * waiting_share(wall_s / 3):.3f} %."
    )
