"""What measuring layers costs: the same training steps, unmeasured and measured in several ways, in turn.

    unmeasured        our loop with nothing attached; twice, the second is the A/A control
    default           estimated meter with its poller, phase marks on all steps, layer marks on 1 step in 20
    every step        the same with layer marks on every step
    counter file      a counter file is read in each forward and backward hook of each module (GATorch's way)
    EnergyMonitor     around a window of a loop that knows nothing of it, entering and leaving included
    codecarbon        its tracker around the block of steps (extra dependency: pip install codecarbon)
    torch.profiler    all steps recorded

Blocks of steps alternate in one process over the same model; each is compared with the unmeasured block of its round.
One torch thread unless ``--threads`` says otherwise: with two, scheduling adds noise that has nothing to do with
measuring. CPU time is that of the whole process, so pollers count; what a tool sets up once (codecarbon: seconds) does
not. The meter's poller runs throughout (one reading a second, 0.01 % of a core); ``measuring.py`` has its price.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from _networks import image_cnn, images, resnet18
from _paired import Cost, cost, machine
from _tasks import CLASSES, CPU, make_model, make_split
from torch import nn

from sweep.config import LayersConfig, TrainerConfig
from sweep.energy.meters.estimated import EstimatedMeter
from sweep.energy.recorder import Recorder
from sweep.layers.loops.loop import LayerMarks, NoMarks, StepMarks
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import HostMarks
from sweep.monitor import EnergyMonitor
from sweep.objective import Split
from sweep.training.optimizer import make_optimizer
from sweep.training.trainer import Task, train_epoch

DEFAULT_EVERY = LayersConfig().every
UNMEASURED = "unmeasured"
CONTROL = "unmeasured again (A/A)"
MONITOR = "EnergyMonitor, from entering to leaving"


class Scene(NamedTuple):
    """A training to be measured: a block is one pass over ``data``; ``only`` some ways, if any are named."""

    name: str
    model: nn.Module
    data: Split
    batch_size: int
    only: tuple[str, ...] = ()


def scenes(steps: int) -> Iterator[Scene]:
    """Small CNNs, one for images at three batch sizes and the one of our other benchmarks, and a resnet18."""
    for batch_size, n_steps in ((1, 20 * steps), (64, steps), (1024, 2)):
        pictures = Split(*images(batch_size * n_steps, 32, CLASSES))
        yield Scene(f"image CNN (9 modules), batch {batch_size}", image_cnn(CLASSES), pictures, batch_size)
    yield Scene("window CNN (16 modules), batch 64", make_model(), make_split(64 * 4 * steps), 64)
    pictures = Split(*images(64 * 12 * steps, 32, CLASSES))
    yield Scene("image CNN (9 modules), batch 64, a window of 60 steps", image_cnn(CLASSES), pictures, 64, (MONITOR,))
    yield Scene("resnet18, 64 x 64 pixels, batch 32", resnet18(CLASSES), Split(*images(32 * 4, 64, CLASSES)), 32)


class Bench:
    """The ways of training one scene, under one recorder, as in a study."""

    def __init__(self, scene: Scene, recorder: Recorder) -> None:
        self.scene = scene
        self._task = Task(scene.model, scene.data, scene.data, nn.functional.cross_entropy, None)
        config = TrainerConfig(batch_size=scene.batch_size)
        self._optimizer = make_optimizer(scene.model, config, CPU)
        self._generator = torch.Generator().manual_seed(0)
        self._recorder = recorder
        self._marks = {
            every: LayerMarks(scene.model, HostMarks(recorder.clock), StepChoice(every, seed=0), recorder.domains)
            for every in (1, DEFAULT_EVERY)
        }
        self._open: LayerMarks | None = None
        self._start_s = 0.0
        self.joining: list[Cost] = []

    def ways(self) -> dict[str, Callable[[], None]]:
        """One block of steps in each way."""
        ways: dict[str, Callable[[], None]] = {
            UNMEASURED: self._train,
            CONTROL: self._train,
            "default": lambda: self._marked(DEFAULT_EVERY),
            "every step marked": lambda: self._marked(1),
            "counter file in each hook": self._counter_file,
            "torch.profiler": self._profiled,
            MONITOR: self._monitored,
        }
        if tracker := codecarbon_tracker():
            ways["codecarbon"] = lambda: self._tracked(tracker)
        only = self.scene.only or tuple(name for name in ways if name != MONITOR)
        return {name: way for name, way in ways.items() if name in (UNMEASURED, CONTROL, *only)}

    def _train(self, marks: StepMarks | None = None) -> None:
        train_epoch(self._task, self._optimizer, self.scene.batch_size, CPU, self._generator, marks or NoMarks())

    def _marked(self, every: int) -> None:
        self._open = self._marks[every]
        self._start_s = self._recorder.mark()
        self._train(self._open)

    def end_epoch(self) -> None:
        """Join joules and marks, once an epoch: timed by itself, because a block is shorter than an epoch."""
        if self._open is not None:
            marks, self._open = self._open, None
            end_s = self._recorder.mark()
            self.joining.append(cost(lambda: (marks.stop(self._start_s, end_s), marks.fold(self._recorder.timeline))))

    def _counter_file(self) -> None:
        with counter_hooks(self.scene.model):
            self._train()

    def _monitored(self) -> None:
        with EnergyMonitor(self.scene.model):
            self._train()

    def _profiled(self) -> None:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]):
            self._train()

    def _tracked(self, tracker: Any) -> None:
        tracker.start_task()
        self._train()
        tracker.stop_task()


@contextlib.contextmanager
def counter_hooks(model: nn.Module) -> Iterator[None]:
    """Open, read and parse a file like RAPL's energy_uj in every hook of every module."""
    with tempfile.TemporaryDirectory() as folder:
        counter = Path(folder) / "energy_uj"
        counter.write_text("123456789012\n")
        readings: list[int] = []

        def read(*_: object) -> None:
            readings.append(int(counter.read_text()))

        handles: list[Any] = []
        for module in model.modules():
            handles += [module.register_forward_pre_hook(read), module.register_forward_hook(read)]
            handles += [module.register_full_backward_pre_hook(read), module.register_full_backward_hook(read)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def codecarbon_tracker() -> Any:
    """A tracker that writes nothing and asks no network; ``None`` if codecarbon is not installed."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        return None
    return OfflineEmissionsTracker(
        country_iso_code="FRA", save_to_file=False, log_level="critical", allow_multiple_runs=True
    )


def failing(bench: Bench, ways: dict[str, Callable[[], None]]) -> dict[str, str]:
    """Warm up each way; those that the model does not survive, with the first line of what they raise."""
    found = {}
    for name, way in ways.items():
        try:
            way()
            bench.end_epoch()
        except RuntimeError as err:
            found[name] = str(err).splitlines()[0][:90]
    return found


def rounds_of(bench: Bench, ways: dict[str, Callable[[], None]], rounds: int, seconds: float) -> dict[str, list[Cost]]:
    """All ways in turn, the order rotated, until the rounds or the seconds are spent."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    names, until = list(ways), time.monotonic() + seconds
    for index in range(rounds):
        shift = index % len(names)
        for name in names[shift:] + names[:shift]:
            costs[name].append(cost(ways[name]))
            bench.end_epoch()
        if index >= 2 and time.monotonic() > until:
            break
    return costs


def table(scene: Scene, costs: dict[str, list[Cost]], failed: dict[str, str]) -> dict[str, dict[str, list[float]]]:
    """Print one table; overheads in percent of the unmeasured blocks of the same round."""
    found: dict[str, dict[str, list[float]]] = {}
    print(f"\n### {scene.name}, {len(next(iter(costs.values())))} rounds\n")
    print("| way | CPU time, % over unmeasured | wall time, % |")
    print("|---|---|---|")
    for name, runs in costs.items():
        if name == UNMEASURED:
            continue
        over = {kind: overheads(costs, runs, kind) for kind in ("cpu_s", "wall_s")}
        found[name] = over
        print(f"| {name} | {spread(over['cpu_s'])} | {spread(over['wall_s'])} |")
    if "codecarbon" not in costs and not scene.only:
        print("| codecarbon | not installed | |")
    for name, reason in failed.items():
        print(f"| {name} | does not run: {reason} | |")
    return found


def overheads(costs: dict[str, list[Cost]], runs: list[Cost], kind: str) -> list[float]:
    """Round by round, in percent."""
    return [
        100 * (getattr(run, kind) / getattr(plain, kind) - 1)
        for run, plain in zip(runs, costs[UNMEASURED], strict=True)
    ]


def spread(values: list[float]) -> str:
    """Median, its standard error from the quartiles, and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    error = 0.93 * (high - low) / len(values) ** 0.5  # of a median: 1.25 sd / sqrt(n), sd = (high - low) / 1.35
    return f"{middle:+.2f} ± {error:.2f} ({low:+.1f} to {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=150.0, help="at most, for each scene")
    parser.add_argument("--steps", type=int, default=5, help="in a block of the image CNN at batch 64")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="scenes whose name contains this")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"`python benchmarks/overhead.py` on {machine()}, {options.threads} torch thread")
    results = {}
    for scene in scenes(options.steps):
        if options.only not in scene.name:
            continue
        with Recorder(EstimatedMeter()) as recorder:
            bench = Bench(scene, recorder)
            ways = bench.ways()
            failed = failing(bench, ways)
            ways = {name: way for name, way in ways.items() if name not in failed}
            results[scene.name] = table(scene, rounds_of(bench, ways, options.rounds, options.seconds), failed)
            if bench.joining:
                joining = statistics.median(one.cpu_s for one in bench.joining)
                print(f"\nJoining marks and joules: {1e3 * joining:.2f} ms of CPU time an epoch.")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
