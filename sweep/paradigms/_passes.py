"""Work that is too short for a meter, done again and again until it is long enough.

Long enough: a counter that ticks every w seconds places each end of a stretch within w, so that a stretch of T seconds
is known to sqrt(2 / 12) w / T of its joules. Two seconds, the default of the paradigms, leave 2 % with the 0.1 s of
NVML, the slowest counter here, and less with all others.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from sweep.errors import ConfigError
from sweep.training.trainer import synchronize

MIN_S = 2.0


class Passes(NamedTuple):
    """How often, and seconds in all."""

    n: int
    duration_s: float


def repeat(
    work: Callable[[], object], min_s: float, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> Passes:
    """Do work at least once and until ``min_s`` have passed; each pass ends when the device has finished it."""
    start_s, n = clock(), 0
    while True:
        work()
        synchronize(device)
        n += 1
        elapsed_s = clock() - start_s
        if elapsed_s >= min_s:
            return Passes(n, elapsed_s)


def check_min_s(min_s: float, where: str) -> None:
    """Refuse a negative or endless duration.

    Raises:
        ConfigError: naming the option.
    """
    if not 0 <= min_s < float("inf"):
        raise ConfigError(f"{where}.min_s={min_s} is not in [0, inf)", f"set {where}.min_s={MIN_S}")
