"""Scenes for meters: boards and processors whose true power is known, and windows to measure in them.

    counters        GPUs with an energy counter, one for each pair of sensor and power
    no counter      the same without one: power can only be polled
    processors      powercap trees: two sockets, a wrap in each window, a restart, mirrored dies, a laptop

A scene follows from its name and a seed, so that every process that builds it sees the same boards. Times are seconds
since the zero of the scene. Ticks, averaging windows and faults: ``tests/fakes``. Each GPU draws a ripple of 2 W more
or less on top, since no board tells the same milliwatts twice.
"""

import math
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import pynvml
from fakes.gpu import A100, AMPERE, HOPPER, VOLTA, FakeGpu, Sensor
from fakes.power import Power, constant, ramp, square, steps

LEAD_S = 14.0
"""For the tools to start."""
REST_S = 0.8
WARM_UP_S = 0.5
"""The first window: tools load files and start watchers when they are first used."""
WARM_REST_S = 2.5
COUNTERS, NO_COUNTER, PROCESSORS = "counters", "no counter", "processors"
LENGTHS: Mapping[str, Mapping[float, int]] = {
    COUNTERS: {0.33: 8, 1.04: 8, 5.06: 4, 10.07: 2},
    NO_COUNTER: {0.33: 6, 1.04: 6, 5.06: 2, 10.07: 1},
    PROCESSORS: {0.33: 8, 1.04: 8, 5.06: 4, 10.07: 2},
}
"""Seconds of the windows, and how many of each. Not whole ticks: the errors at both ends would cancel."""
QUICK_LENGTHS: Mapping[float, int] = {0.33: 2, 1.04: 1}
LOW_W, HIGH_W = 80.0, 400.0
IDLE_W = 60.0
LATE_S = 0.2
RESTART_AT_J = 30e3
ARM_S = 0.4
"""So long before a window a counter is set up for what befalls it."""
P100 = Sensor(0.020, 0.010, counter=False)


class Window(NamedTuple):
    """A stretch to measure."""

    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        """Where a counter wraps or restarts."""
        return (self.start_s + self.end_s) / 2


class Board(NamedTuple):
    """A kind of GPU."""

    label: str
    model: str
    architecture: int
    sensor: Sensor
    counts_samples: bool = False


V100_BOARD = Board("V100", "Tesla V100-SXM2-16GB", pynvml.NVML_DEVICE_ARCH_VOLTA, VOLTA)
RTX_BOARD = Board("RTX 3090", "NVIDIA GeForce RTX 3090", pynvml.NVML_DEVICE_ARCH_AMPERE, AMPERE)
A100_BOARD = Board(
    "A100 that counts samples", "NVIDIA A100-SXM4-80GB", pynvml.NVML_DEVICE_ARCH_AMPERE, A100, counts_samples=True
)
H100_BOARD = Board("H100", "NVIDIA H100 80GB HBM3", pynvml.NVML_DEVICE_ARCH_HOPPER, HOPPER)
P100_BOARD = Board("P100", "Tesla P100-PCIE-16GB", pynvml.NVML_DEVICE_ARCH_PASCAL, P100)


def schedule(lengths: Mapping[float, int], seed: int, lead_s: float = LEAD_S) -> list[Window]:
    """Windows of all lengths in random order, with random rests between, so that they meet ticks at any phase.

    The first one is for warming up, and not one of those asked for.
    """
    rng = random.Random(seed)
    order = [length_s for length_s, count in lengths.items() for _ in range(count)]
    rng.shuffle(order)
    order.insert(0, WARM_UP_S)
    windows, now_s = [], lead_s
    for length_s in order:
        windows.append(Window(now_s, now_s + length_s))
        now_s += length_s + REST_S * rng.uniform(1.0, 1.5) + (WARM_REST_S if len(windows) == 1 else 0.0)
    return windows


def repeated(power: Power, period_s: float) -> Power:
    """The first period of a power, again and again."""
    once_j = power.energy_j(0.0, period_s)

    def integral_j(time_s: float) -> float:
        periods = math.floor(time_s / period_s)
        return periods * once_j + power.energy_j(0.0, time_s - periods * period_s)

    return Power(integral_j)


def total(*powers: Power) -> Power:
    """All of them at once."""
    return Power(lambda time_s: sum(power.energy_j(0.0, time_s) for power in powers))


def idle_after_load(windows: Sequence[Window]) -> Power:
    """Load between the windows, nothing in them, nor shortly after, for tools that begin late."""
    levels = [level for window in windows for level in ((window.start_s, IDLE_W), (window.end_s + LATE_S, HIGH_W))]
    return steps((0.0, HIGH_W), *levels)


def powers(windows: Sequence[Window]) -> dict[str, Power]:
    """What boards draw, by name."""
    return {
        "constant": constant(250.0),
        "square wave, 1 s": square(LOW_W, HIGH_W, 1.0),
        "square wave, 105 ms": square(LOW_W, HIGH_W, 0.105),
        "ramps of 4 s": repeated(ramp(LOW_W, HIGH_W, 4.0), 4.0),
        "bursts of 5 ms, every 47 ms": square(LOW_W, HIGH_W, 0.047, duty=5 / 47),
        "idle after load": idle_after_load(windows),
    }


PAIRS: Mapping[str, Sequence[tuple[Board, Sequence[str]]]] = {
    COUNTERS: (
        (V100_BOARD, ("constant", "square wave, 1 s", "bursts of 5 ms, every 47 ms")),
        (RTX_BOARD, ("square wave, 105 ms", "idle after load")),
        (
            H100_BOARD,
            (
                "constant",
                "square wave, 1 s",
                "square wave, 105 ms",
                "ramps of 4 s",
                "bursts of 5 ms, every 47 ms",
                "idle after load",
            ),
        ),
        (A100_BOARD, ("square wave, 105 ms", "bursts of 5 ms, every 47 ms")),
    ),
    NO_COUNTER: ((P100_BOARD, ("constant", "square wave, 1 s", "bursts of 5 ms, every 47 ms", "idle after load")),),
}


def make_gpus(scene: str, windows: Sequence[Window], seed: int) -> dict[str, FakeGpu]:
    """The boards of a scene, by the name of the row."""
    rng = random.Random(seed)
    drawn, ripple = powers(windows), square(-2.0, 2.0, 0.073)
    boards: dict[str, FakeGpu] = {}
    for board, names in PAIRS[scene]:
        for name in names:
            boards[f"{board.label}: {name}"] = FakeGpu(
                power=total(drawn[name], ripple),
                name=board.model,
                uuid=f"GPU-{len(boards):08d}-1111-2222-3333-444444444444",
                architecture=board.architecture,
                sensor=board.sensor,
                phase_s=rng.uniform(0.0, board.sensor.tick_s),
                counter_sums_samples=board.counts_samples,
            )
    return boards


class Tree(NamedTuple):
    """A powercap tree.

    Attributes:
        layout: what makes it.
        powers: of each zone, by address.
        truth: whole packages, once each.
        event: what befalls the counter in the middle of each window, ``wrap`` or ``restart``; empty for nothing.
    """

    layout: str
    powers: Mapping[str, Power]
    truth: Power
    event: str = ""


def make_trees() -> dict[str, Tree]:
    """The trees of the processors, by the name of the row."""
    first, second = square(30.0, 120.0, 0.010), constant(45.0)
    part, memory = constant(20.0), constant(5.0)
    server = {"0": first, "0:0": part, "0:1": memory, "1": second, "1:0": part, "1:1": memory}
    epyc, mobile = square(60.0, 150.0, 1.0), square(8.0, 28.0, 1.0)
    laptop = {"0": mobile, "0:0": constant(5.0), "0:1": constant(1.0), "1": total(mobile, constant(8.0))}
    return {
        "two sockets, 10 ms square wave": Tree("intel", server, total(first, second)),
        "counter wraps": Tree("epyc", {"0": epyc, "0:0": part}, epyc, "wrap"),
        "counter restarts": Tree("epyc", {"0": epyc, "0:0": part}, epyc, "restart"),
        "two dies, one counter": Tree("dies", {"0": epyc, "1": epyc}, epyc),
        "laptop: psys, core, uncore, MMIO": Tree("laptop", laptop | {"intel-rapl-mmio:0": mobile}, mobile),
    }


def truths(scene: str, windows: Sequence[Window], seed: int) -> dict[str, Power]:
    """True power of each row of a scene."""
    if scene == PROCESSORS:
        return {name: tree.truth for name, tree in make_trees().items()}
    return {name: gpu.power for name, gpu in make_gpus(scene, windows, seed).items()}
