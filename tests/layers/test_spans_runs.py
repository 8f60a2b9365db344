"""Hooks under every way to run a model: repeated, transformed, distributed, failing; nothing but times is touched."""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from known_time import Calls, Watched, Work, batch, clock, hooks_of, one_step, spent, work
from layer_models import EXAMPLES
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from sweep.layers.marking.owners import BACKWARD, PASSES, REST
from sweep.layers.marking.spans import PassHooks

# Ways to run a model --------------------------------------------------------------------------------------------------


def test_gradient_accumulation() -> None:
    model = nn.Sequential(Work(1, 2), Work(4, 8))

    def step() -> None:
        for _ in range(3):
            model(batch()).sum().backward()

    seconds = spent(model, step)
    assert (seconds[("0", "backward")], seconds[("1", "forward")]) == (6, 12)


def test_model_called_twice_before_one_backward_pass() -> None:
    model = nn.Sequential(Work(1, 2), Work(4, 8))
    seconds = spent(model, lambda: (model(batch()) + model(batch())).sum().backward())
    assert seconds == {("0", "forward"): 2, ("0", "backward"): 4, ("1", "forward"): 8, ("1", "backward"): 16}


def test_model_called_on_its_own_output() -> None:
    model = nn.Sequential(Work(1, 2))
    seconds = spent(model, lambda: model(work(model(batch()), 4, 8)).sum().backward())
    assert seconds[("0", "backward")] == 4
    assert seconds[("loss", "backward")] == 8


def test_backward_pass_that_is_run_twice() -> None:
    model = nn.Sequential(Work(1, 2))

    def step() -> None:
        loss = model(batch()).sum()
        loss.backward(retain_graph=True)
        loss.backward()

    assert spent(model, step) == {("0", "forward"): 1, ("0", "backward"): 4}


def test_functional_call() -> None:
    model = nn.Sequential(Work(1, 2))
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in model.named_parameters()}
    seconds = spent(model, lambda: functional_call(model, weights, (batch(),)).sum().backward())
    assert seconds == {("0", "forward"): 1, ("0", "backward"): 2}
    assert weights["0.weight"].grad is not None


TRANSFORMS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "grad": lambda model, x: grad(lambda x: model(x).sum())(x),
    "per sample": lambda model, x: vmap(grad(lambda x: model(x).sum()))(x),
    "vmap, then backward": lambda model, x: torch.autograd.grad(vmap(model)(x).sum(), x)[0],
    "second order": lambda model, x: grad(lambda x: grad(lambda x: model(x).sum())(x).pow(2).sum())(x),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_of_functions(name: str) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    inputs = torch.randn(4, 3, requires_grad=True)
    expected = TRANSFORMS[name](model, inputs)
    with Watched(model) as watched:
        assert torch.equal(TRANSFORMS[name](model, inputs), expected)
    assert {(layer, str(pass_)) for layer in "012" for pass_ in PASSES} <= set(watched.seconds)


def test_gradient_penalty_is_right_and_its_second_order_is_the_losss() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))

    def step() -> list[Tensor]:
        inputs = torch.ones(4, 3, requires_grad=True)
        (slope,) = torch.autograd.grad(model(inputs).sum(), inputs, create_graph=True)
        return list(torch.autograd.grad(slope.norm(), model.parameters(), allow_unused=True))[:1]

    expected = step()
    with Watched(model) as watched:
        assert torch.equal(step()[0], expected[0])
    assert ("0", "backward") in watched.seconds


def test_what_a_model_differentiates_in_its_forward_pass_is_its_forward_work() -> None:
    def forces(self: Calls, x: Tensor) -> Tensor:
        return torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)[0]

    model = Calls(forces, energy=Work(1, 2))
    seconds = spent(model, lambda: model(batch(requires_grad=True)))
    assert seconds == {("energy", "forward"): 1, ("", "forward"): 2}


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_distributed_data_parallel() -> None:
    model = nn.parallel.DistributedDataParallel(nn.Sequential(Work(1, 2), Work(4, 8)))
    assert spent(model, one_step(model)) == {
        ("module.0", "forward"): 1,
        ("module.0", "backward"): 2,
        ("module.1", "forward"): 4,
        ("module.1", "backward"): 8,
    }


# When something fails -------------------------------------------------------------------------------------------------


def test_forward_pass_that_raises_leaves_nothing_behind() -> None:
    fails = True

    def fail(_: Calls, inputs: Tensor) -> Tensor:
        clock.now_s += 4
        if fails:
            raise ValueError("once")
        return inputs

    model = nn.Sequential(Work(1, 2), nn.Sequential(Calls(fail)))
    before = hooks_of(model)
    with Watched(model) as watched:
        with pytest.raises(ValueError, match="once"):
            model(batch())
        clock.now_s += 16
        fails = False
        model(batch()).sum().backward()
    assert hooks_of(model) == before
    assert {owner: seconds for owner, seconds in watched.seconds.items() if seconds} == {
        ("0", "forward"): 2,
        ("1.0", "forward"): 8,
        ("loss", ""): 16,
        ("0", "backward"): 2,
    }


def test_backward_pass_that_raises_does_not_spoil_the_next_one() -> None:
    fails = True

    def fail(_: Tensor) -> None:
        if fails:
            raise ValueError("once")

    def step() -> None:
        nonlocal fails
        hidden = model[0](batch())
        hidden.register_hook(fail)
        with pytest.raises(ValueError, match="once"):
            model[1](hidden).sum().backward()
        fails = False
        assert not watched.hooks.in_backward
        model(batch()).sum().backward()

    model = nn.Sequential(Work(1, 2), Work(4, 8))
    with Watched(model) as watched:
        step()
    seconds = watched.seconds
    assert [seconds[(name, "forward")] for name in "01"] == [2, 8]
    assert [seconds[(name, "backward")] for name in "01"] == [2, 16]


# Nothing but times is touched -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradients_and_random_numbers_are_bit_identical(name: str) -> None:
    torch.manual_seed(0)
    model, args = EXAMPLES[name]()

    def step() -> list[Tensor]:
        model.zero_grad()
        torch.manual_seed(1)
        output = model(*args)
        output.square().mean().backward()
        return [output, torch.get_rng_state(), *(p.grad for p in model.parameters() if p.grad is not None)]

    model.train()
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    expected = step()
    model.load_state_dict(buffers, strict=False)
    with Watched(model):
        measured = step()
    assert len(measured) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(measured, expected, strict=True))


def test_no_hook_is_left_and_those_of_others_stay_in_order() -> None:
    model, log = nn.Sequential(Work(1, 2), nn.Sequential(Work(4, 8))), []
    model[0].register_forward_pre_hook(lambda *_: log.append("before"))
    model[0].register_forward_hook(lambda *_: log.append("after"), always_call=True)
    model[1].register_full_backward_hook(lambda *_: log.append("backward"))
    before = hooks_of(model)
    spent(model, one_step(model))
    assert hooks_of(model) == before
    assert log == ["before", "after", "backward"]


def test_attaching_twice_is_attaching_once() -> None:
    model = nn.Sequential(Work(1, 2))
    before = hooks_of(model)
    with Watched(model) as watched:
        watched.hooks.attach()
        model(batch()).sum().backward()
    assert hooks_of(model) == before
    assert watched.seconds[("0", "backward")] == 2
    assert not watched.hooks.attached


def test_graph_that_outlives_the_hooks_marks_nothing() -> None:
    model = nn.Sequential(Work(1, 2))
    with Watched(model) as watched:
        loss = model(batch()).sum()
    marks = len(watched.marks)
    loss.backward()
    assert len(watched.marks) == marks


def test_hooks_keep_no_graph_alive() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    with Watched(model):
        hidden = torch.ones(2, 3, requires_grad=True) * 2
        kept = weakref.ref(hidden)
        output = model(hidden)
        del output, hidden
        gc.collect()
        assert kept() is None


def test_attached_when_the_call_of_the_model_begins() -> None:
    """As a monitor does it, whose first sign of a step is that call."""
    model = Calls(lambda self, x: self.inner(work(x, 1, 2)), inner=Work(4, 8))
    watched = Watched(model)
    watched.layers.add(model)

    def begin(*_: object) -> None:
        watched.mark(REST)
        watched.hooks.attach()
        watched.hooks.enter(watched.layers.owner(model))

    with model.register_forward_pre_hook(begin):
        model(batch(requires_grad=True)).sum().backward()
    watched.hooks.detach()
    watched.mark(REST)
    assert {owner: seconds for owner, seconds in watched.seconds.items() if seconds} == {
        ("", "forward"): 1,
        ("", "backward"): 2,
        ("inner", "forward"): 4,
        ("inner", "backward"): 8,
    }


# A whole backward pass ------------------------------------------------------------------------------------------------


def test_pass_hooks_mark_a_pass_from_its_first_node_to_its_end() -> None:
    marks: list[tuple[float, int]] = []
    ended: list[float] = []
    hooks = PassHooks(lambda owner: marks.append((clock(), owner)), lambda: ended.append(clock()))
    start_s = clock()
    output = (work(batch(requires_grad=True), 0, 1), work(batch(requires_grad=True), 0, 2))
    hooks.watch(output)
    work(output[0] + output[1], 0, 4).sum().backward()
    assert marks == [(start_s + 4, BACKWARD), (start_s + 7, REST)]
    assert ended == [start_s + 7]


def test_pass_hooks_forget_a_pass_that_failed() -> None:
    def fail(_: Tensor) -> None:
        raise ValueError("once")

    marks: list[int] = []
    hooks = PassHooks(marks.append, lambda: None)
    for fails in (True, False):
        inputs = batch(requires_grad=True)
        hidden = inputs * 2
        output = hidden * 2
        hooks.watch(output)
        if fails:
            hidden.register_hook(fail)
            with pytest.raises(ValueError, match="once"):
                output.sum().backward()
            assert not hooks.in_backward
        else:
            output.sum().backward()
    assert marks == [BACKWARD, BACKWARD, REST]
