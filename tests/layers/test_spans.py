"""Known truth for the hooks: every owner gets exactly its time."""

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from known_time import Calls, Seconds, Watched, Work, batch, clock, one_step, spent, work
from layer_models import Checkpointed, Residual, Twice, WithDataclass
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sweep.layers.marking.owners import LOSS_BACKWARD

# Each layer its own time ----------------------------------------------------------------------------------------------


def test_each_layer_owns_its_passes() -> None:
    model = nn.Sequential(Work(1, 2), nn.Sequential(Work(4, 8), Work(16, 32)))
    assert spent(model, one_step(model)) == {
        ("0", "forward"): 1,
        ("0", "backward"): 2,
        ("1.0", "forward"): 4,
        ("1.0", "backward"): 8,
        ("1.1", "forward"): 16,
        ("1.1", "backward"): 32,
    }


def test_a_block_owns_what_it_does_itself() -> None:
    model = Calls(lambda self, x: work(self.inner(work(x * 2, 1, 2)), 4, 8), inner=Work(16, 32))
    seconds = spent(model, lambda: model(batch(requires_grad=True)).sum().backward())
    assert seconds == {
        ("", "forward"): 5,
        ("", "backward"): 10,
        ("inner", "forward"): 16,
        ("inner", "backward"): 32,
    }


def test_loss_is_what_follows_the_model_and_what_comes_before_its_backward_pass() -> None:
    model = nn.Sequential(Work(1, 2))
    with Watched(model) as watched:
        loss = work(model(batch()), 4, 8).sum()
        watched.mark(LOSS_BACKWARD)  # as a loop does
        loss.backward()
        clock.now_s += 16
    assert watched.seconds == {
        ("rest", ""): 16,
        ("", "forward"): 0,
        ("0", "forward"): 1,
        ("loss", ""): 4,
        ("loss", "backward"): 8,
        ("0", "backward"): 2,
    }


def test_module_with_two_names_is_one_layer() -> None:
    shared = Work(1, 2)
    model = nn.Sequential(shared, Work(4, 8), shared)
    seconds = spent(model, one_step(model))
    assert seconds[("0", "forward")] == 2
    assert seconds[("0", "backward")] == 4
    assert seconds[("1", "backward")] == 8
    assert ("2", "forward") not in seconds


def test_module_called_twice() -> None:
    model = Twice(Work(1, 2))
    assert spent(model, one_step(model)) == {("inner", "forward"): 2, ("inner", "backward"): 4}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: (x, None),
        lambda x: [{"a": (x,)}],
        lambda x: {"a": x, "b": 3},
        lambda x: torch.max(x.unsqueeze(0), 0),
    ],
    ids=["tuple", "nested", "dict", "named tuple"],
)
def test_outputs_of_any_shape_lead_to_their_layer(wrap: Callable[[Tensor], Any]) -> None:
    inner = Calls(lambda _, x: wrap(work(x, 1, 2)))
    model = Calls(lambda self, x: torch.utils._pytree.tree_leaves(self.inner(x))[0] * 1, inner=inner)
    seconds = spent(model, lambda: model(batch(requires_grad=True)).sum().backward())
    assert seconds == {("inner", "forward"): 1, ("inner", "backward"): 2}


def test_dataclass_as_output_of_a_model() -> None:
    model = WithDataclass(3).inner
    with Watched(model) as watched:
        scores = model(torch.ones(2, 3))
        (scores.logits.sum() + scores.hidden["last"].sum()).backward()
    assert ("linear", "backward") in watched.seconds


def test_module_whose_forward_is_never_called_is_its_parents() -> None:
    model = nn.MultiheadAttention(4, 2)
    tokens = torch.randn(5, 1, 4)
    with Watched(model) as watched:
        model(tokens, tokens, tokens)[0].sum().backward()
    assert set(watched.seconds) == {("rest", ""), ("", "forward"), ("loss", ""), ("", "backward")}


def test_parts_that_a_loop_calls_directly() -> None:
    model = nn.ModuleDict({"encoder": Work(1, 2), "decoder": Work(4, 8)})
    seconds = spent(model, lambda: model["decoder"](work(model["encoder"](batch()), 16, 32)).sum().backward())
    assert seconds == {
        ("encoder", "forward"): 1,
        ("encoder", "backward"): 2,
        ("loss", ""): 16,
        ("loss", "backward"): 32,
        ("decoder", "forward"): 4,
        ("decoder", "backward"): 8,
    }


def test_hooks_of_others_work_for_the_layer_they_are_set_on() -> None:
    model = nn.Sequential(Work(1, 2), Work(4, 8))
    model[1].register_forward_pre_hook(lambda _, args: work(args[0], 16, 32))
    model[1].register_forward_hook(lambda _, __, output: work(output, 64, 128))
    seconds = spent(model, one_step(model))
    assert seconds[("1", "forward")] == 4 + 16 + 64
    assert seconds[("1", "backward")] == 8 + 32 + 128


# Frozen layers --------------------------------------------------------------------------------------------------------


def test_frozen_first_layers_have_no_backward_pass() -> None:
    model = nn.Sequential(Work(1, 2, trainable=False), Work(4, 8))
    assert spent(model, one_step(model)) == {("0", "forward"): 1, ("1", "forward"): 4, ("1", "backward"): 8}


def test_gradients_that_pass_through_a_frozen_layer_are_its_own() -> None:
    model = nn.Sequential(Work(1, 2), Work(4, 8, trainable=False), Work(16, 32))
    seconds = spent(model, one_step(model))
    assert [seconds[(name, "backward")] for name in "012"] == [2, 8, 32]


def test_without_gradients_there_is_no_backward_pass() -> None:
    model = nn.Sequential(Work(1, 2))
    with torch.no_grad():
        assert spent(model, lambda: model(batch())) == {("0", "forward"): 1}


# Activation checkpointing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("in_thread", [False, True], ids=["here", "as a GPU does"])
def test_what_checkpointing_repeats_is_the_layers_backward_pass(reentrant: bool, in_thread: bool) -> None:
    inner = nn.Sequential(Work(4, 8), Work(16, 32))
    model = nn.Sequential(Work(1, 2), Checkpointed(inner, reentrant=reentrant), Work(64, 128))

    def step() -> None:
        for _ in range(4):  # later forward passes are numbered after nodes that another thread has made
            loss = model(batch()).sum()
            if in_thread:
                thread = threading.Thread(target=loss.backward)
                thread.start()
                thread.join()
            else:
                loss.backward()

    assert spent(model, step) == {
        ("0", "forward"): 4 * 1,
        ("0", "backward"): 4 * 2,
        ("1.inner.0", "forward"): 4 * 4,
        ("1.inner.0", "backward"): 4 * (4 + 8),
        ("1.inner.1", "forward"): 4 * 16,
        ("1.inner.1", "backward"): 4 * (16 + 32),
        ("2", "forward"): 4 * 64,
        ("2", "backward"): 4 * 128,
    }


@pytest.mark.parametrize("reentrant", [True, False])
def test_model_that_is_repeated_as_a_whole(reentrant: bool) -> None:
    model, inputs = nn.Sequential(Work(1, 2)), batch(requires_grad=True)
    seconds = spent(model, lambda: checkpoint(model, inputs, use_reentrant=reentrant).sum().backward())  # type: ignore[union-attr]
    assert seconds == {("0", "forward"): 1, ("0", "backward"): 1 + 2}


def test_own_work_before_a_reentrant_checkpoint_is_found_again_after_it() -> None:
    model = Calls(lambda self, x: checkpoint(self.inner, work(x, 1, 2), use_reentrant=True), inner=Work(4, 8))
    seconds = spent(model, lambda: model(batch(requires_grad=True)).sum().backward())
    assert seconds[("", "backward")] == 2
    assert seconds[("inner", "backward")] == 4 + 8


# Any model ------------------------------------------------------------------------------------------------------------


@st.composite
def models(draw: st.DrawFn) -> nn.Module:
    """Sequences, residuals and repetitions of layers, some of them shared, some frozen."""
    seconds = st.integers(1, 2**20)
    layers = [Work(draw(seconds), draw(seconds), trainable=draw(st.booleans())) for _ in range(draw(st.integers(1, 4)))]
    leaf = st.sampled_from(layers)
    tree = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: nn.Sequential(*parts)),
            inner.map(Residual),
            inner.map(Twice),
        ),
        max_leaves=6,
    )
    return nn.Sequential(draw(tree), draw(tree))


def truth(module: nn.Module, sums: Seconds, names: dict[nn.Module, str], *, needs_grad: bool) -> bool:
    """Add what a call of a module takes; whether its output needs a gradient."""
    if isinstance(module, Work):
        needs_grad = needs_grad or module.weight.requires_grad
        sums[(names[module], "forward")] += module.forward_s
        sums[(names[module], "backward")] += module.backward_s * needs_grad
        return needs_grad
    if isinstance(module, nn.Sequential):
        for part in module:
            needs_grad = truth(part, sums, names, needs_grad=needs_grad)
        return needs_grad
    inner = module.get_submodule("inner")
    for _ in range(2 if isinstance(module, Twice) else 1):
        needs_grad = truth(inner, sums, names, needs_grad=needs_grad)
    return needs_grad


@given(model=models(), passes=st.integers(1, 2))
def test_every_layer_of_any_model_gets_exactly_its_time(model: nn.Module, passes: int) -> None:
    names = {module: name for name, module in model.named_modules()}
    expected: Seconds = defaultdict(float)
    learns = False
    for _ in range(passes):
        learns = truth(model, expected, names, needs_grad=False)

    def step() -> None:
        for _ in range(passes):
            loss = model(batch()).sum()
            if learns:
                loss.backward()

    start_s = clock()
    seconds = spent(model, step)
    assert seconds == {owner: total for owner, total in expected.items() if total}
    assert sum(seconds.values()) == clock() - start_s
