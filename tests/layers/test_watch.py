"""A watched loop on a clock that only modules, loaders and optimizers of the test move: every second is known."""

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

from tests.layers.ticking import Tick, TickingSet, TickingSGD, Watched, lasting, spend, two_ticks

LAYERS_S = {"0 forward": 1.0, "1 forward": 2.0, "0 backward": 3.0, "1 backward": 4.0}


def times(n: int, seconds: dict[str, float]) -> dict[str, float]:
    return {name: n * item for name, item in seconds.items()}


def hooks_of(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules())


def step(model: Callable[[Tensor], Tensor], optimizer: torch.optim.Optimizer | None = None) -> None:
    loss = lasting(model(torch.ones(1)), 0.25, 0.125).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    if optimizer is not None:
        optimizer.step()


STEP_S = LAYERS_S | {"loss": 0.375}


@pytest.mark.parametrize("every", [1, 3, 10])
def test_a_plain_loop(every: int) -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model, every=every) as watched:
        spend(0.5)
        for batch in torch.utils.data.DataLoader(TickingSet(8)):
            spend(0.0625)
            optimizer.zero_grad()
            loss = lasting(model(batch), 0.25, 0.125).sum()
            loss.backward()
            optimizer.step()
            spend(0.03125)
    expected = times(8, STEP_S | {"data": 1.0, "preprocess": 0.0625, "optimizer": 0.5, "rest": 0.03125})
    assert watched.seconds == pytest.approx(expected | {"rest": 8 * 0.03125 + 0.5})
    assert watched.watch.steps == 8
    assert (watched.watch.marked_steps == 8) == (every == 1)
    assert hooks_of(model) == 0


def test_what_follows_the_last_batch_is_rest() -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model) as watched:
        for _ in range(2):
            for batch in torch.utils.data.DataLoader(TickingSet(2)):
                spend(0.0625)
                step(lambda _, batch=batch: model(batch), optimizer)
            spend(5.0)
    expected = times(4, STEP_S | {"data": 1.0, "preprocess": 0.0625, "optimizer": 0.5})
    assert watched.seconds == pytest.approx(expected | {"rest": 10.0})


def test_a_loader_that_runs_out_within_another_one() -> None:
    class Wrapped(torch.utils.data.IterableDataset[Tensor]):
        def __iter__(self) -> Iterator[Tensor]:
            yield from torch.utils.data.DataLoader(TickingSet(2), batch_size=None)
            spend(1.0)
            yield torch.ones(1)

    model = two_ticks()
    with Watched(model) as watched:
        for _ in torch.utils.data.DataLoader(Wrapped()):
            spend(0.5)
            step(model)
    assert watched.seconds == pytest.approx(times(3, STEP_S | {"data": 1.0, "preprocess": 0.5}))


def test_layers_off_shows_the_model_as_one_layer() -> None:
    model = two_ticks()
    with Watched(model, layers=False) as watched:
        step(model)
    assert watched.seconds == {" forward": 3.0, " backward": 7.0, "loss": 0.375}


@pytest.mark.parametrize("every", [1, 4])
def test_accumulated_gradients_are_steps_of_their_own(every: int) -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model, every=every) as watched:
        for _ in range(3):
            step(model)
            step(model, optimizer)
    assert watched.watch.steps == 6
    assert watched.seconds == pytest.approx(times(6, STEP_S) | {"optimizer": 1.5})


@pytest.mark.parametrize("every", [1, 4])
def test_a_model_called_twice_a_step(every: int) -> None:
    model = two_ticks()
    with Watched(model, every=every) as watched:
        for _ in range(4):
            (model(torch.ones(1)) + model(torch.ones(1))).sum().backward()
    assert watched.watch.steps == 4
    assert watched.seconds == pytest.approx(times(8, LAYERS_S))


@pytest.mark.parametrize("every", [1, 4])
def test_two_optimizers_and_two_losses_of_one_model(every: int) -> None:
    model = nn.ModuleDict({"g": Tick(1, 2), "d": Tick(3, 4)})
    first, second = (TickingSGD(model[name].parameters(), lr=0.1) for name in ("g", "d"))
    with Watched(model, every=every) as watched:
        for _ in range(4):
            fake = model["g"](torch.ones(1))
            model["d"](fake.detach()).sum().backward()
            second.step()
            model["d"](fake).sum().backward()
            first.step()
    seconds = watched.seconds
    assert seconds["optimizer"] == 4.0
    assert seconds["d forward"] + seconds["g forward"] == pytest.approx(28.0)
    assert seconds["d backward"] + seconds["g backward"] == pytest.approx(40.0)
    if every == 1:
        assert seconds["g forward"] == pytest.approx(4.0)
        assert seconds["g backward"] == pytest.approx(8.0)


def test_a_closure_that_the_optimizer_calls() -> None:
    model = two_ticks()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = (model(torch.ones(1)) - 3).square().sum()
        loss.backward()
        spend(0.5)
        return loss

    with Watched(model) as watched:
        for _ in range(2):
            optimizer.step(closure)
    assert calls > 2
    assert watched.watch.steps == calls
    assert watched.seconds == pytest.approx(times(calls, LAYERS_S | {"optimizer": 0.5}))


def test_a_gradient_scaler_changes_nothing() -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    with Watched(model) as watched:
        for _ in range(3):
            optimizer.zero_grad()
            loss = lasting(model(torch.ones(1)), 0.25, 0.125).sum()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
    assert watched.seconds == pytest.approx(times(3, STEP_S | {"optimizer": 0.5}))


def test_validation_lasts_until_training_goes_on() -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model) as watched:
        for _ in range(2):
            model.train()
            for _ in torch.utils.data.DataLoader(TickingSet(2)):
                step(model, optimizer)
            model.eval()
            with torch.no_grad():
                for _ in torch.utils.data.DataLoader(TickingSet(3)):
                    model(torch.ones(1))
                    spend(0.5)
    expected = times(4, STEP_S | {"data": 1.0, "optimizer": 0.5})
    assert watched.seconds == pytest.approx(expected | {"validation": 2 * 3 * (1 + 3 + 0.5)})


def test_validation_without_eval_mode_or_loader() -> None:
    model = two_ticks()
    with Watched(model) as watched:
        step(model)
        with torch.no_grad():
            for _ in range(5):
                model(torch.ones(1))
        step(model)
    assert watched.seconds == pytest.approx(times(2, STEP_S) | {"validation": 15.0})


def test_evaluation_before_training_becomes_validation() -> None:
    model = two_ticks().eval()
    with Watched(model) as watched:
        spend(1.0)
        with torch.no_grad():
            for _ in torch.utils.data.DataLoader(TickingSet(2)):
                model(torch.ones(1))
        watched.cut()
        model.train()
        for _ in torch.utils.data.DataLoader(TickingSet(3)):
            step(model)
    expected = times(3, STEP_S | {"data": 1.0}) | {"rest": 1.0, "validation": 8.0}
    assert watched.seconds == pytest.approx(expected)
    assert watched.watch.steps == 3


@pytest.mark.parametrize("every", [1, 4])
def test_a_window_that_never_trains_has_forward_passes(every: int) -> None:
    model = two_ticks().eval()
    with Watched(model, every=every) as watched, torch.inference_mode():
        for _ in torch.utils.data.DataLoader(TickingSet(6)):
            model(torch.ones(1))
            spend(0.5)
    assert watched.seconds == pytest.approx(times(6, {"0 forward": 1.0, "1 forward": 2.0, "data": 1.0, "rest": 0.5}))
    assert watched.watch.steps == 6
    assert not watched.watch.trained


def test_a_model_trained_in_eval_mode() -> None:
    model = two_ticks().eval()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model) as watched:
        for _ in range(3):
            step(model, optimizer)
    assert watched.seconds == pytest.approx(times(3, STEP_S | {"optimizer": 0.5}))


def test_training_that_goes_on_in_eval_mode_is_found() -> None:
    model = two_ticks()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model) as watched:
        step(model, optimizer)
        model.eval()
        for _ in range(4):
            step(model, optimizer)
    assert watched.watch.steps == 1 + 3, "the first one looks like a validation"


class Student(nn.Module):
    """A teacher within the model, called without gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.teacher = Tick(1, 2), Tick(4, 8)


def test_a_teacher_is_part_of_the_step() -> None:
    model = Student()
    with Watched(model) as watched:
        for _ in range(3):
            output = model.net(torch.ones(1))
            with torch.no_grad():
                model.teacher(torch.ones(1))
            output.sum().backward()
    assert watched.seconds == pytest.approx({"net forward": 3.0, "net backward": 6.0, "teacher forward": 12.0})
    assert watched.watch.steps == 3


def test_a_part_of_the_model_that_is_asked_alone_is_no_teacher() -> None:
    model = two_ticks()
    with Watched(model) as watched:
        for _ in range(3):
            step(model)
            with torch.no_grad():
                model[1](torch.ones(1))
    assert watched.seconds == pytest.approx(times(3, STEP_S | {"validation": 2.0}))
    assert watched.watch.steps == 3


@pytest.mark.parametrize("every", [1, 5])
def test_submodules_that_the_loop_calls_are_entries(every: int) -> None:
    model = nn.ModuleDict({"encoder": Tick(1, 2), "decoder": Tick(3, 4), "head": Tick(5, 6)})
    with Watched(model, every=every) as watched:
        for _ in range(10):
            model["decoder"](model["encoder"](torch.ones(1))).sum().backward()
    expected = {"encoder forward": 1.0, "encoder backward": 2.0, "decoder forward": 3.0, "decoder backward": 4.0}
    assert watched.seconds == pytest.approx(times(10, expected))


def test_an_entry_that_comes_late_is_found() -> None:
    model = nn.ModuleDict({"a": Tick(1, 2), "b": Tick(3, 4)})
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model, every=4) as watched:
        for _ in range(40):
            step(model["a"], optimizer)
        for _ in range(40):
            step(model["b"], optimizer)
    assert watched.watch.steps >= 79


@pytest.mark.parametrize("first", ["a", "b"])
def test_a_part_that_joins_long_after_the_beginning(first: str) -> None:
    model = nn.ModuleDict({"a": Tick(1, 2), "b": Tick(3, 4)})
    order = ["b", "a"] if first == "b" else ["a", "b"]
    with Watched(model, every=4) as watched:
        for index in range(240):
            x = torch.ones(1)
            for name in order if index >= 40 else ["a"]:
                x = model[name](x)
            x.sum().backward()
    truth = {"a forward": 240.0, "a backward": 480.0, "b forward": 600.0, "b backward": 800.0}
    assert {name: watched.seconds[name] for name in truth} == pytest.approx(truth, rel=0.12)
    assert hooks_of(model) == 0


def test_checkpointed_layers_run_forward_again_in_backward() -> None:
    model = two_ticks()
    with Watched(model) as watched, set_checkpoint_early_stop(False):
        x = torch.ones(1, requires_grad=True)
        checkpoint(model, x, use_reentrant=False).sum().backward()
    assert watched.watch.steps == 1
    assert watched.seconds == pytest.approx(LAYERS_S | {"0 backward": 4.0, "1 backward": 6.0}, abs=1e-9)


@pytest.mark.parametrize("every", [1, 100])
def test_a_checkpointed_model_on_steps_with_and_without_marks(every: int) -> None:
    model = two_ticks()
    with Watched(model, every=every) as watched, set_checkpoint_early_stop(False):
        for _ in range(8):
            checkpoint(model, torch.ones(1, requires_grad=True), use_reentrant=False).sum().backward()
    assert watched.watch.steps == 8
    expected = {"0 forward": 1.0, "1 forward": 2.0, "0 backward": 4.0, "1 backward": 6.0}
    assert watched.seconds == pytest.approx(times(8, expected))


class Failing(nn.Module):
    """Fails when told to, in the pass it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Tick(1, 2)
        self.fails: str | None = None
        self.error: type[BaseException] = RuntimeError

    def forward(self, x: Tensor) -> Tensor:
        x = self.inner(x)
        if self.fails == "forward":
            raise self.error
        if self.fails == "backward":
            x.register_hook(self._fail)
        return x

    def _fail(self, gradient: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize("every", [1, 100])
@pytest.mark.parametrize("where", ["forward", "backward"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_loop_that_catches_an_exception_is_seen_afterwards(
    where: str, error: type[BaseException], every: int
) -> None:
    model = Failing()
    optimizer = TickingSGD(model.parameters(), lr=0.1)
    with Watched(model, every=every) as watched:
        for _ in range(3):
            optimizer.zero_grad()
            step(model, optimizer)
        model.fails, model.error = where, error
        with pytest.raises(error):
            step(model)
        model.fails = None
        for _ in range(4):
            optimizer.zero_grad()
            step(model, optimizer)
    assert watched.watch.steps in (7, 8), "a step that failed and its next try may count as one"
    assert watched.seconds["inner forward"] == pytest.approx(8.0)
    assert watched.seconds["inner backward"] == pytest.approx(14.0)
    assert hooks_of(model) == 0


def test_an_exception_that_leaves_the_window_leaves_no_hook() -> None:
    model = Failing()
    model.fails = "backward"
    watched = Watched(model)
    with pytest.raises(RuntimeError), watched:
        step(model)
    assert hooks_of(model) == 0
    assert watched.seconds["inner forward"] == 1.0


class Looks(nn.Module):
    """Sees how often its hooks would be copied: copies and pickles of itself within ``forward``."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Tick(1, 2)
        self.copies: list[nn.Module] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


def test_copies_and_pickles_of_a_watched_model_do_not_tell() -> None:
    model = Looks()
    copies: list[Any] = []
    with Watched(model) as watched:
        output = model(torch.ones(1))
        copies += [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]  # within a marked step
        output.sum().backward()
        for other in copies:
            other(torch.ones(1)).sum().backward()
    assert watched.watch.steps == 1
    assert watched.seconds["inner forward"] == 1.0
    for other in copies:
        torch.testing.assert_close(other(torch.ones(1)), model(torch.ones(1)))


def test_a_cut_in_the_middle_of_a_step_loses_nothing() -> None:
    model = two_ticks()
    with Watched(model) as watched:
        for _ in range(3):
            output = model(torch.ones(1))
            watched.cut()
            loss = lasting(output, 0.25, 0.125).sum()
            loss.backward()
            watched.cut()
    assert watched.seconds == pytest.approx(times(3, STEP_S))


def test_a_layer_that_is_replaced_is_met_again() -> None:
    model = two_ticks()
    with Watched(model) as watched:
        step(model)
        model[0] = Tick(8, 16)
        step(model)
    assert watched.seconds == pytest.approx(times(2, STEP_S) | {"0 forward": 9.0, "0 backward": 19.0})


def test_two_watches_see_their_own_models() -> None:
    one, other = two_ticks(), Tick(16, 32)
    with Watched(one) as first, Watched(other) as second:
        for _ in range(2):
            step(one)
            step(other)
    assert first.seconds["0 backward"] == 6.0
    assert second.seconds == pytest.approx({" forward": 32.0, " backward": 64.0, "loss": 0.75, "rest": 20.75}, abs=11)
    assert first.watch.steps == second.watch.steps == 2


def test_torch_is_as_it_was_afterwards() -> None:
    loader = torch.utils.data.DataLoader.__iter__
    fetch = torch.utils.data.dataloader._BaseDataLoaderIter.__next__
    zero = torch.optim.Optimizer.zero_grad
    with Watched(two_ticks()), Watched(two_ticks()):
        assert torch.optim.Optimizer.zero_grad is not zero
    assert torch.utils.data.DataLoader.__iter__ is loader
    assert torch.utils.data.dataloader._BaseDataLoaderIter.__next__ is fetch
    assert torch.optim.Optimizer.zero_grad is zero


def test_gradients_are_the_same_bits() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 4))
    watched = copy.deepcopy(plain)
    x = torch.randn(16, 8)
    plain(x).square().sum().backward()
    with Watched(watched):
        watched(x).square().sum().backward()
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)
