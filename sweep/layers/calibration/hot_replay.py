"""Power of single layers: each distinct call of a training step run again and again, until its window is long enough.

    lead in | call call call ... call |        power = joules between the first and the last tick / the time between
            ^ first tick   last tick ^

A window of T seconds tells power to tick / (sqrt(6) T), so 41 ticks give 1 %. Calls are distinct by type, options,
shapes of inputs and parameters; equal ones are run once. Forward and backward are run apart: the backward pass on one
graph that is kept. Rounds over all calls are repeated, so that a device that gets hotter does so for all of them.

Run hot, a layer finds its data in caches, so its power differs a little from that in the model: ``REPLAY_LN_SD`` is
part of every uncertainty.

Limits: only calls that call no further module can be run alone; what a block does itself is not known. Modules that
work in place get a fresh copy of their input in each call, whose power is part of theirs.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sweep.energy.recorder import Recorder
from sweep.layers.marking.autograd import tensors_in
from sweep.layers.marking.owners import Layers

TICKS = 41
REPLAY_LN_SD = 0.1
"""Relative difference between a layer's power alone and in its model."""
ROUNDS = 3
LEAST_TICKS = 8
"""Ticks of one block below which there is one round only."""
LEAD_TICKS = 2
CHUNK_S = 0.01
"""Seconds of calls between two looks at the clock, so that a device is kept busy."""
LEAST_TICK_S = 1e-3

Work = Callable[[], Any]


@dataclass
class Call:
    """One distinct call of a step.

    Attributes:
        modules: that make such a call, by the owner of their forward pass.
    """

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    modules: dict[int, nn.Module]

    def forward(self) -> Work:
        """Its forward pass, with a graph as in training."""
        return forward_work(self.module, self.module, self.args, self.kwargs)

    def backward(self) -> Work | None:
        """Its backward pass on a graph that is kept; ``None`` if it has none."""
        return backward_work(self.module, self.module, self.args, self.kwargs)


class Measured(NamedTuple):
    """Power of one piece of work in one domain.

    Attributes:
        ln_power: mean logarithm of its watts.
        ln_sd: standard uncertainty of that: of the windows, of the rounds, and of running it alone.
    """

    ln_power: float
    ln_sd: float


def distinct_calls(model: nn.Module, layers: Layers, step: Work) -> list[Call]:
    """The distinct innermost calls of one training step, with detached inputs.

    Args:
        model: that the step trains.
        layers: numbers the owners.
        step: runs one step.
    """
    calls: dict[object, Call] = {}
    stack: list[tuple[Call, bool]] = []

    def before(owner: int) -> Callable[..., None]:
        def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
            if stack:
                stack[-1] = (stack[-1][0], True)
            stack.append((Call(module, mapped(args, detached), mapped(kwargs, detached), {owner: module}), False))

        return enter

    def after(_module: nn.Module, _args: Any, _output: Any) -> None:
        call, has_inner = stack.pop()
        if not has_inner:
            calls.setdefault(_key(call), call).modules.update(call.modules)

    handles: list[Any] = []
    try:
        for module, owner in layers.add(model):
            handles.append(module.register_forward_pre_hook(before(owner), with_kwargs=True))
            handles.append(module.register_forward_hook(after, always_call=True))
        step()
    finally:
        for handle in handles:
            handle.remove()
    return list(calls.values())


def replay(
    calls: Sequence[Call], recorder: Recorder, budget_s: float, synchronize: Work
) -> dict[int, dict[str, Measured]]:
    """Power of every owner that can be run alone.

    Args:
        calls: from ``distinct_calls``.
        recorder: whose ticks are stamped.
        budget_s: seconds that all of it may take, about.
        synchronize: waits for the device.

    Returns:
        By owner and domain; without those that failed alone or saw fewer than two ticks.
    """
    works = [(owners, work) for call in calls for owners, work in _works(call)]
    tick_s = max([domain.tick_s or 0.0 for domain in recorder.domains] + [LEAST_TICK_S])
    window_s = min((TICKS + ROUNDS * LEAD_TICKS) * tick_s, budget_s / max(len(works), 1))
    rounds = ROUNDS if window_s / ROUNDS >= (LEAD_TICKS + LEAST_TICKS) * tick_s else 1
    block_s = max(window_s / rounds - LEAD_TICKS * tick_s, 3 * tick_s)
    seen: list[list[dict[str, tuple[float, float]]]] = [[] for _ in works]
    deadline_s = recorder.clock() + budget_s
    for _ in range(rounds):
        for (_, work), powers in zip(works, seen, strict=True):
            if recorder.clock() < deadline_s:
                powers.append(_power_w(work, recorder, block_s, LEAD_TICKS * tick_s, synchronize))
    found: dict[int, list[dict[str, Measured]]] = {}
    for (owners, _), powers in zip(works, seen, strict=True):
        for owner in owners:
            found.setdefault(owner, []).append(_measured(powers))
    return {owner: merged for owner, parts in found.items() if (merged := _mean(parts))}


def forward_work(module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Work:
    """A forward pass of a module, again and again on the same input."""
    if not getattr(module, "inplace", False):
        return lambda: forward(*args, **kwargs)
    return lambda: forward(*mapped(args, torch.clone), **mapped(kwargs, torch.clone))


def backward_work(module: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Work | None:
    """Its backward pass, again and again on one graph; ``None`` if there is none."""
    output = next(
        (tensor for tensor in tensors_in(forward_work(module, forward, args, kwargs)()) if tensor.requires_grad), None
    )
    inputs = [
        tensor for tensor in (*tensors_in(args), *tensors_in(kwargs), *module.parameters()) if tensor.requires_grad
    ]
    if output is None or not inputs:
        return None
    gradient = torch.randn_like(output)
    return lambda: torch.autograd.grad(output, inputs, gradient, retain_graph=True, allow_unused=True)


def _works(call: Call) -> Iterator[tuple[set[int], Work]]:
    """What of a call can be run alone, with the owners that it tells about."""
    forward = call.forward()
    try:
        forward()
        backward = call.backward()
        if backward is not None:
            backward()
    except Exception:  # a module may need what only its model gives it: then nothing is known of it
        return
    yield set(call.modules), forward
    if backward is not None:
        yield {owner + 1 for owner in call.modules}, backward


def _power_w(
    work: Work, recorder: Recorder, seconds: float, lead_s: float, synchronize: Work
) -> dict[str, tuple[float, float]]:
    """Watts of each domain while work is repeated, and their relative uncertainty."""
    _repeat(work, recorder.clock, lead_s, synchronize)
    start_s = recorder.clock()
    _repeat(work, recorder.clock, seconds, synchronize)
    end_s = recorder.clock()
    powers = {}
    for domain in recorder.domains:
        times_s, joules = recorder.timeline.updates(domain.name, start_s, end_s)
        if len(times_s) > 1:
            window_s = float(times_s[-1] - times_s[0])
            rel_u = (domain.tick_s or 0.0) / (math.sqrt(6) * window_s)
            powers[domain.name] = (float(joules[-1] - joules[0]) / window_s, rel_u)
    return powers


def _repeat(work: Work, clock: Callable[[], float], seconds: float, synchronize: Work) -> None:
    """Run work again and again for some seconds."""
    now_s = start_s = clock()
    count = 1
    while now_s < start_s + seconds:
        for _ in range(count):
            work()
        synchronize()
        before_s, now_s = now_s, clock()
        count = max(1, min(2 * count, int(count * CHUNK_S / max(now_s - before_s, 1e-9))))


def _measured(rounds: Sequence[dict[str, tuple[float, float]]]) -> dict[str, Measured]:
    """One power of each domain from all rounds."""
    measured = {}
    for name in sorted({name for powers in rounds for name in powers}):
        parts = [powers[name] for powers in rounds if name in powers]
        ln_power = np.log([power_w for power_w, _ in parts])
        between = float(ln_power.std(ddof=1)) / math.sqrt(len(parts)) if len(parts) > 1 else 0.0
        within = math.hypot(*(rel_u for _, rel_u in parts)) / len(parts)
        measured[name] = Measured(float(ln_power.mean()), math.hypot(max(between, within), REPLAY_LN_SD))
    return measured


def _mean(parts: Sequence[dict[str, Measured]]) -> dict[str, Measured]:
    """Of a layer that is called in several ways."""
    names = sorted({name for part in parts for name in part})
    mean = {}
    for name in names:
        known = [part[name] for part in parts if name in part]
        ln_powers = [item.ln_power for item in known]
        ln_sd = math.hypot(float(np.std(ln_powers)), max(item.ln_sd for item in known))
        mean[name] = Measured(float(np.mean(ln_powers)), ln_sd)
    return mean


def _key(call: Call) -> object:
    """Equal for calls that do the same work."""
    tensors = (*tensors_in(call.args), *tensors_in(call.kwargs))
    described = tuple((tuple(t.shape), t.dtype, t.stride(), t.requires_grad) for t in tensors)
    own = tuple((tuple(p.shape), p.dtype, p.requires_grad) for p in call.module.parameters())
    return type(call.module), repr(call.module), call.module.training, described, own


def detached(tensor: Tensor) -> Tensor:
    """The same values without their history."""
    return tensor.detach().requires_grad_(tensor.requires_grad)


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same structure with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        items = [mapped(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    return value
