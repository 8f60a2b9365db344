"""A world whose time passes only where a test says so: modules, loaders and optimizers that take a known time."""

from collections.abc import Iterator
from typing import Any

import torch
from clocks import FakeTime
from torch import Tensor, nn

from sweep.energy.timeline import Timeline
from sweep.layers.loops.log import LoopLog
from sweep.layers.loops.watch import LoopWatch
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.owners import Layers
from sweep.records import Domain, Provenance, Reading

POWER_W = 2.0
DOMAIN = Domain(name="d", provenance=Provenance.MEASURED, scale_u_rel=0.0, random_u_rel=0.0)
clock = FakeTime()
"""Of this world; only differences of it mean anything."""


def spend(seconds: float) -> None:
    """Let time pass."""
    clock.now_s += seconds


class _Lasting(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, forward_s: float, backward_s: float) -> Tensor:
        ctx.backward_s = backward_s
        spend(forward_s)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        spend(ctx.backward_s)
        return gradients[0], None, None


def lasting(x: Tensor, forward_s: float, backward_s: float) -> Tensor:
    """The identity, in a time."""
    return _Lasting.apply(x, forward_s, backward_s)  # type: ignore[no-untyped-call]


class Tick(nn.Module):
    """A layer with one weight that takes a known time in each pass."""

    def __init__(self, forward_s: float, backward_s: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.forward_s, self.backward_s = forward_s, backward_s

    def forward(self, x: Tensor) -> Tensor:
        return lasting(x * self.weight, self.forward_s, self.backward_s)


class TickingSet(torch.utils.data.Dataset[Tensor]):
    """Samples that take a second to fetch."""

    def __init__(self, n: int, seconds: float = 1.0) -> None:
        self.n, self.seconds = n, seconds

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Tensor:
        spend(self.seconds)
        return torch.ones(1)


class TickingSGD(torch.optim.SGD):
    """Steps in a known time."""

    def step(self, closure: Any = None) -> Any:
        spend(0.5)
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none)


def two_ticks() -> nn.Sequential:
    """Forward 1 s and 2 s, backward 3 s and 4 s."""
    return nn.Sequential(Tick(1.0, 3.0), Tick(2.0, 4.0))


class Watched:
    """A watch on the clock of this world, and the seconds that it gives to each row."""

    def __init__(self, model: nn.Module, *, every: int = 1, layers: bool = True) -> None:
        met = Layers()
        met.add(model)
        self.log = LoopLog(met, torch.device("cpu"), clock, (DOMAIN,))
        self.watch = LoopWatch(model, met, self.log, every=every, seed=0, per_layer=layers, when_full=lambda: None)
        self.timeline = Timeline([DOMAIN])

    def __enter__(self) -> "Watched":
        self.start_s = clock()
        self._read()
        self.log.open(self.start_s)
        self.watch.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.close()
        self.cut()

    def cut(self) -> None:
        """Sum up."""
        self.watch.interrupt()
        now_s = clock()
        self._read()
        self.log.cut(now_s)
        self.log.fold(self.timeline)

    def _read(self) -> None:
        self.timeline.append(Reading(time_s=clock(), energy_j={"d": POWER_W * clock()}))

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of each row, by ``layer pass`` or the row's name; those without any are left out."""
        rows = self.log.rows(trained=self.watch.trained)
        found = {f"{row.layer} {row.pass_}" if row.pass_ else row.layer: row.duration_s for row in rows}
        total_s = sum(found.values())
        assert abs(total_s - (self.timeline.end_s or 0.0) + self.start_s) < 1e-9
        joules = {f"{row.layer} {row.pass_}" if row.pass_ else row.layer: row.energy_j["d"] for row in rows}
        assert all(abs((joules[name] or 0.0) - POWER_W * found[name]) < 1e-9 for name in found)
        return {name: round(value, 9) for name, value in found.items() if value > 1e-12}


def draws(every: int, steps: int) -> list[bool]:
    """Which steps a watch with this ``every`` marks."""
    choice = StepChoice(every, 0)
    return [choice.next() for _ in range(steps)]


def batches(n: int) -> Iterator[Tensor]:
    """A loader of torch's, one second a batch."""
    return iter(torch.utils.data.DataLoader(TickingSet(n)))
