"""A device whose power depends on which layer is at work, so that the true joules of each layer and pass are known.

Modules say when they begin and end, forward and backward, and let time pass meanwhile; a counter shows the integral of
power at its ticks only. Run right after itself, a layer draws a little more or less than in its model, as with warm
caches.

In real time modules sleep and the poller runs. In ``VirtualTime`` they move a clock, every reading of the clock costs
some microseconds at idle power, and the ticks are stamped by ``DrivenRecorder``: seconds of training take milliseconds,
and no other program disturbs them.
"""

import threading
import time
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.objective import Data, Objective, Split
from sweep.records import Domain, Joules, Pass, Provenance

IDLE_W = 20.0
RAPL_TICK_S, NVML_TICK_S = 1e-3, 0.1


class RealTime:
    """Seconds pass by themselves."""

    def __call__(self) -> float:
        return time.monotonic()

    now_s = property(__call__)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class VirtualTime:
    """Seconds pass when told; a reading of the clock takes ``cost_s``."""

    def __init__(self, cost_s: float = 1e-5) -> None:
        self.now_s, self._cost_s = 0.0, cost_s
        self._inside = False
        self._calls: Callable[[], object] | None = None
        self._at_s: Iterator[float] = iter(())
        self._next_s = np.inf

    def __call__(self) -> float:
        if not self._inside:
            self.sleep(self._cost_s)
        return self.now_s

    def call_at(self, times_s: Iterator[float], call: Callable[[], object]) -> None:
        """Call at each of these times when it passes."""
        self._at_s, self._calls, self._next_s = times_s, call, next(times_s)

    def sleep(self, seconds: float) -> None:
        end_s = float(self.now_s + seconds)
        while self._next_s <= end_s and self._calls:
            self.now_s, self._inside = float(max(self.now_s, self._next_s)), True
            self._calls()
            self._next_s, self._inside = next(self._at_s, np.inf), False
        self.now_s = end_s


class Device:
    """Integrates power over time, and remembers for whom."""

    def __init__(
        self, clock: RealTime | VirtualTime, seed: int = 0, hot_sd: float = 0.05, jitter: float = 0.08
    ) -> None:
        self.clock = clock
        self.spent_j: defaultdict[tuple[str, Pass], float] = defaultdict(float)
        self._lock = threading.Lock()
        self._random = np.random.default_rng(seed)
        self._hot_sd, self._jitter = hot_sd, jitter
        self._hot: dict[tuple[str, Pass], float] = {}
        self._last: tuple[str, Pass] | None = None
        self._times, self._joules, self._watts = array("d", [clock.now_s]), array("d", [0.0]), array("d", [IDLE_W])

    def __deepcopy__(self, _memo: object) -> "Device":
        """A copy of a model works on the same device."""
        return self

    def work(self, layer: str, pass_: Pass, watts: float, seconds: float) -> None:
        """Draw this power on behalf of a layer."""
        key = layer, pass_
        if key == self._last:
            watts *= self._hot.setdefault(key, self._random.lognormal(0.0, self._hot_sd))
        start_j = self._switch(watts)
        self.clock.sleep(seconds * self._random.lognormal(0.0, self._jitter))
        self.spent_j[key] += self._switch(IDLE_W) - start_j
        self._last = key

    def energy_j(self, time_s: float) -> float:
        """True joules up to a time."""
        with self._lock:
            at = bisect_right(self._times, time_s) - 1
            return self._joules[at] + self._watts[at] * (time_s - self._times[at])

    def _switch(self, watts: float) -> float:
        """Change the power now; returns the joules so far."""
        with self._lock:
            now_s = self.clock.now_s
            joules = self._joules[-1] + self._watts[-1] * (now_s - self._times[-1])
            self._times.append(now_s)
            self._joules.append(joules)
            self._watts.append(watts)
            return joules


REAL = Device(RealTime())
"""What ``Task`` and ``CounterMeter`` use where a config names them."""


class CounterMeter(Meter):
    """A counter on the device that moves once a tick, of what was spent ``lag_s`` before."""

    def __init__(
        self, device: Device = REAL, /, *, tick_s: float = RAPL_TICK_S, lag_s: float = 0.0, poll_interval_s: float = 0.1
    ) -> None:
        self.device, self.tick_s, self.lag_s, self.poll_interval_s = device, tick_s, lag_s, poll_interval_s

    def open(self) -> None:
        self.start_s = self.device.clock.now_s

    def close(self) -> None:
        pass

    @property
    def domains(self) -> tuple[Domain, ...]:
        return (
            Domain(
                name="board:0",
                provenance=Provenance.MEASURED,
                scale_u_rel=0.02,
                random_u_rel=0.0,
                tick_s=self.tick_s,
                idle_power_w=IDLE_W,
            ),
        )

    def read(self) -> Joules:
        ticks = (self.device.clock.now_s - self.start_s) // self.tick_s
        shown_s = max(self.start_s, self.start_s + ticks * self.tick_s - self.lag_s)
        return {"board:0": self.device.energy_j(shown_s) - self.device.energy_j(self.start_s)}


class DrivenRecorder(Recorder):
    """Stamps ticks in virtual time, a little late each, instead of looking for them in a thread."""

    def __init__(self, meter: CounterMeter, clock: VirtualTime) -> None:
        super().__init__(meter, clock)
        self._virtual, self._tick_s = clock, meter.tick_s

    def __enter__(self) -> "DrivenRecorder":
        super().__enter__()
        self._virtual.call_at(self._stamps(), self.settle)
        return self

    @contextmanager
    def tick_stamped(self) -> Iterator[None]:
        yield

    def _stamps(self) -> Iterator[float]:
        """A stamp for each tick, of quick counters for one tick in six."""
        random, every = np.random.default_rng(0), 6 if self._tick_s < 5e-3 else 1
        tick = 0
        while True:
            tick += every
            yield self._meter.start_s + self._tick_s * (tick + random.uniform(0.0, 0.03))  # type: ignore[attr-defined]

    def _poll(self) -> None:
        pass


class Work(nn.Module):
    """A layer of known power: scales its input, and takes its time for that."""

    def __init__(
        self, device: Device, name: str, watts: tuple[float, float], seconds: tuple[float, float], out: int = 4
    ) -> None:
        super().__init__()
        self.device, self.name, self.watts, self.seconds, self.out = device, name, watts, seconds, out
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return _Work.apply(inputs, self.scale, self)[:, : self.out]  # type: ignore[no-any-return, no-untyped-call]

    def extra_repr(self) -> str:
        return f"{self.watts}, {self.seconds}"

    def run(self, pass_: Pass) -> None:
        backward = pass_ is Pass.BACKWARD
        self.device.work(self.name, pass_, self.watts[backward], self.seconds[backward])


class _Work(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, scale: Tensor, work: Work) -> Tensor:
        ctx.save_for_backward(inputs, scale)
        ctx.work = work
        work.run(Pass.FORWARD)
        return inputs * scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        inputs, scale = ctx.saved_tensors
        ctx.work.run(Pass.BACKWARD)
        return gradients[0] * scale, (gradients[0] * inputs).sum(), None


class Block(nn.Module):
    """A block with work of its own, which cannot be replayed."""

    def __init__(self, inner: nn.Module, own: Work) -> None:
        super().__init__()
        self.inner = inner
        self.own_work = [own]  # not a submodule: its time is the block's

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.own_work[0].forward(self.inner(inputs))


def model(device: Device, seed: int, *, n_layers: int = 6, ms: float = 1.0, power_sd: float = 0.3) -> nn.Sequential:
    """Layers of random power and duration; the middle one is in a block with work of its own."""
    random = np.random.default_rng(seed)

    def work(name: str, out: int = 4) -> Work:
        watts = 100 * random.lognormal(0.0, power_sd, 2)
        seconds = 1e-3 * ms * random.lognormal(0.0, 0.4, 2) * (1.0, 1.5)
        return Work(device, name, (watts[0], watts[1]), (seconds[0], seconds[1]), out)

    middle, last = n_layers // 2, n_layers - 1
    layers: list[nn.Module] = [work(str(index), 2 if index == last else 4) for index in range(n_layers)]
    layers[middle] = Block(work(f"{middle}.inner"), work(str(middle)))
    return nn.Sequential(*layers)


class Task(Objective):
    """Trains ``model``, on the real device if none is given."""

    def __init__(self, device: Device = REAL, /, *, seed: int = 0, n: int = 96, ms: float = 1.0) -> None:
        self.device, self.seed, self.n, self.ms = device, seed, n, ms

    def data(self) -> Data:
        inputs = torch.randn(self.n, 4, generator=torch.Generator().manual_seed(self.seed))
        split = Split(inputs, (inputs[:, 0] > 0).long())
        return Data(split, Split(*(part[:8] for part in split)))

    def model(self) -> nn.Module:
        return model(self.device, self.seed, ms=self.ms)
