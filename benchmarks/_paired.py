"""Paired timing: A and B in turn in one process or as two commands, medians and spread of the ratios.

Machines are noisy; a ratio of neighbours in time cancels what drifts slowly. CPU time is that of the whole process,
all threads; wall time is shown beside it. The A/A line is the noise of the method itself.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch


class Cost(NamedTuple):
    """Seconds of one run."""

    cpu_s: float
    wall_s: float


def cost(work: Callable[[], object]) -> Cost:
    """Seconds that a call takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def interleave(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[Cost]]:
    """Costs of each variant; one warm-up each, then all in turn, the order reversed every other round."""
    for work in variants.values():
        work()
    costs: dict[str, list[Cost]] = {name: [] for name in variants}
    for round_ in range(rounds):
        order = list(variants) if round_ % 2 == 0 else list(reversed(variants))
        for name in order:
            costs[name].append(cost(variants[name]))
    return costs


def ratios(costs: dict[str, list[Cost]], over: str) -> dict[str, dict[str, list[float]]]:
    """Pair by pair, each variant over the reference."""
    return {
        name: {
            "cpu": [a.cpu_s / b.cpu_s for a, b in zip(runs, costs[over], strict=True)],
            "wall": [a.wall_s / b.wall_s for a, b in zip(runs, costs[over], strict=True)],
        }
        for name, runs in costs.items()
        if name != over
    }


def report(title: str, command: str, costs: dict[str, list[Cost]], over: str) -> None:
    """Print a Markdown table: medians, and min to max of the paired ratios."""
    print(f"\n### {title}\n\n`{command}` on {machine()}\n")
    print("| variant | CPU s | wall s | CPU ratio (min to max) | wall ratio (min to max) |")
    print("|---|---|---|---|---|")
    found = ratios(costs, over)
    for name, runs in costs.items():
        cpu, wall = (statistics.median(values) for values in zip(*runs, strict=True))
        cells = [_spread(found[name][kind]) for kind in ("cpu", "wall")] if name in found else ["1", "1"]
        print(f"| {name} | {cpu:.3f} | {wall:.3f} | {' | '.join(cells)} |")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def machine() -> str:
    """What this ran on, in words."""
    from sweep.energy.host.process import usable_cores
    from sweep.training.device import cpu_model

    return f"{cpu_model()}, {usable_cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"


def dump(path: str, costs: dict[str, list[Cost]]) -> None:
    """Keep the raw seconds."""
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump({name: [run._asdict() for run in runs] for name, runs in costs.items()}, file)
