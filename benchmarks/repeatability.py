"""How repeatable are modelled joules, alone and beside busy neighbours, and what does the metering cost?

Trains the same small network with the same seed several times. With ``--neighbours N`` every second run shares the
machine with N processes that spin, and the ratios of neighbouring runs say what they change.

    python benchmarks/repeatability.py --runs 20
    python benchmarks/repeatability.py --runs 20 --neighbours 2 --threads 1
    python benchmarks/repeatability.py --runs 1 --record tests/recordings/estimated.jsonl
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # read when torch is loaded

import torch
from torch import nn

from sweep.energy.host.process import ProcessClock, lost_s
from sweep.energy.meters.estimated import NAME, EstimatedMeter
from sweep.energy.recorder import Recorder
from sweep.energy.recording import Recording, write_recording
from sweep.records import Reading


class Run(NamedTuple):
    """What one training took."""

    wall_s: float
    cpu_s: float
    wait_share: float
    energy_j: float


def train(steps: int, batch_size: int) -> None:
    """Train a two-block CNN on random windows of 27 channels and 128 samples, always the same ones."""
    torch.manual_seed(0)
    inputs, targets = torch.randn(batch_size, 27, 128), torch.randint(0, 12, (batch_size,))
    model = nn.Sequential(
        nn.Conv1d(27, 64, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(64, 64, 5), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 12),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def measure(recorder: Recorder, clock: ProcessClock, steps: int, batch_size: int) -> Run:
    """Train once."""
    wall_s, cpu_s, wait_s = clock.wall_s(), clock.cpu_s(), clock.wait_s() or 0.0
    start_s = recorder.mark()
    train(steps, batch_size)
    spent_j = recorder.timeline.joules(start_s, recorder.mark())[NAME] or 0.0
    wall_s, cpu_s, wait_s = clock.wall_s() - wall_s, clock.cpu_s() - cpu_s, (clock.wait_s() or 0.0) - wait_s
    return Run(wall_s, cpu_s, lost_s(wall_s, cpu_s, wait_s) / wall_s, spent_j)


@contextmanager
def neighbours(count: int) -> Iterator[list[int]]:
    """Processes that would spin, all of them stopped."""
    command = [sys.executable, "-S", "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        pids = [process.pid for process in processes]
        send(pids, signal.SIGSTOP)
        yield pids
    finally:
        for process in processes:
            process.kill()
            process.wait()


def send(pids: list[int], what: signal.Signals) -> None:
    """Stop them or let them go on."""
    for pid in pids:
        os.kill(pid, what)


def measure_all(recorder: Recorder, options: argparse.Namespace) -> tuple[list[Run], list[Run]]:
    """Runs alone and, interleaved with them, runs beside the neighbours."""
    clock = ProcessClock()
    alone, beside = [], []
    with neighbours(options.neighbours) as pids:
        for _ in range(options.runs):
            alone.append(measure(recorder, clock, options.steps, options.batch_size))
            if pids:
                send(pids, signal.SIGCONT)
                beside.append(measure(recorder, clock, options.steps, options.batch_size))
                send(pids, signal.SIGSTOP)
    return alone, beside


def reading_cost_s(readings: int = 500) -> float:
    """CPU seconds of one reading."""
    with EstimatedMeter() as meter:
        start_s = time.thread_time()
        for _ in range(readings):
            meter.read()
        return (time.thread_time() - start_s) / readings


def poller_share(poll_interval_s: float, duration_s: float = 3.0) -> float:
    """CPU time of a process that only polls, over wall time."""
    with Recorder(EstimatedMeter(poll_interval_s=poll_interval_s)):
        start_s = time.process_time()
        time.sleep(duration_s)
        return (time.process_time() - start_s) / duration_s


def record(recorder: Recorder, path: str) -> None:
    """Write the timeline as a recording that starts at 0 s."""
    readings = list(recorder.timeline.readings())
    start_s = readings[0].time_s
    write_recording(
        path,
        Recording(
            device=f"{platform.machine()} with {os.cpu_count()} cores, no sensor",
            domains=list(recorder.domains),
            readings=[Reading(time_s=round(r.time_s - start_s, 6), energy_j=r.energy_j) for r in readings],
            note="modelled, not measured: made by benchmarks/repeatability.py --record",
        ),
    )


def show(name: str, runs: list[Run]) -> None:
    """Medians and spread of the runs."""
    wall_s, cpu_s, wait_share, energy_j = (statistics.median(column) for column in zip(*runs, strict=True))
    joules = [run.energy_j for run in runs]
    print(f"{name:7} median {wall_s:.3f} s wall, {cpu_s:.3f} s CPU, wait share {wait_share:.3f}, {energy_j:.3f} J")
    if len(runs) > 1:
        spread = statistics.stdev(joules) / statistics.fmean(joules)
        print(f"{name:7} relative standard deviation of the joules {spread:.3f}")


def ratios(alone: list[Run], beside: list[Run]) -> dict[str, float]:
    """Median over pairs of (beside / alone)."""
    pairs = list(zip(alone, beside, strict=True))
    return {
        "wall": statistics.median(two.wall_s / one.wall_s for one, two in pairs),
        "cpu": statistics.median(two.cpu_s / one.cpu_s for one, two in pairs),
        "energy": statistics.median(two.energy_j / one.energy_j for one, two in pairs),
        "wait_share": statistics.median(two.wait_share for two in beside),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Repeatability of modelled joules, and the cost of metering.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20, help="training steps of one run")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--neighbours", type=int, default=0, help="processes that spin in every second run")
    parser.add_argument("--json", action="store_true", help="print the ratios as JSON, and nothing else")
    parser.add_argument("--record", metavar="FILE", help="write the timeline as a recording")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    train(5, options.batch_size)  # load kernels and start the thread pool
    with Recorder(EstimatedMeter(poll_interval_s=0.1 if options.record else 1.0)) as recorder:
        alone, beside = measure_all(recorder, options)
    if options.record:
        record(recorder, options.record)
    if options.json:
        print(json.dumps(ratios(alone, beside)))
        return
    print(f"{options.runs} runs of {options.steps} steps, batch {options.batch_size}, {options.threads} threads")
    show("alone", alone)
    if beside:
        show("beside", beside)
        print("beside / alone:", ", ".join(f"{name} {value:.3f}" for name, value in ratios(alone, beside).items()))
    print(f"one reading {reading_cost_s() * 1e6:.0f} us CPU")
    for interval_s in (0.1, 1.0):
        print(f"poller, every {interval_s} s: {poller_share(interval_s):.1e} of one core")


if __name__ == "__main__":
    main()
