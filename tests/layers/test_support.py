"""Which models are refused before anything is spent on them, and which are not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from layer_models import EXAMPLES
from torch import Tensor, nn

from sweep.errors import LayerError
from sweep.layers.marking import autograd, support
from sweep.layers.marking.support import check_model, is_compiled


def _net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 3), nn.ReLU())


def _compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return torch.compile(function, backend="eager")


class CompiledForward(nn.Module):
    """The method of the class is compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.net = _net()

    @torch.compile(backend="eager")
    def forward(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)


class CompiledPart(nn.Module):
    """Something that ``forward`` calls is compiled."""

    def __init__(self, make: Callable[["CompiledPart"], Callable[..., Tensor]]) -> None:
        super().__init__()
        self.net = _net()
        self.part = _compiled(make(self))

    def method(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.part(inputs)


class WithoutForward(nn.Module):
    """Its loop calls its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.net = _net()


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    """A world of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize("name", EXAMPLES)
def test_ordinary_models_pass(name: str) -> None:
    check_model(EXAMPLES[name]().model)


COMPILED: dict[str, Callable[[], nn.Module]] = {
    "the whole model": lambda: torch.compile(_net(), backend="eager"),  # type: ignore[return-value]
    "a submodule": lambda: nn.Sequential(torch.compile(_net(), backend="eager"), nn.Linear(3, 1)),  # type: ignore[arg-type]
    "a method of the class": CompiledForward,
    "a method of the instance": lambda: CompiledPart(lambda self: self.method),
    "a closure over a module": lambda: CompiledPart(lambda self: lambda inputs: self.net(inputs) + 1),
}


@pytest.mark.parametrize("kind", COMPILED)
def test_compiled_code_that_runs_modules_is_refused(kind: str) -> None:
    with pytest.raises(LayerError, match=r"is compiled.*layers\.mode=off"):
        check_model(COMPILED[kind]())


def test_model_compiled_in_place_is_refused() -> None:
    model = _net()
    model.compile(backend="eager")
    with pytest.raises(LayerError, match=r"the model \(Sequential\) is compiled"):
        check_model(model)


def test_refusal_names_the_submodule() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(CompiledForward()))
    with pytest.raises(LayerError, match=r"^1\.0 \(CompiledForward\) is compiled"):
        check_model(model)


def test_compiled_function_without_modules_is_its_layers_own_work() -> None:
    model = CompiledPart(lambda _: lambda inputs: inputs * torch.sigmoid(inputs))
    assert not is_compiled(model)
    check_model(model)


def test_function_kept_from_compiling_is_not_compiled() -> None:
    model = WithoutForward()
    model.part = torch.compiler.disable(model.net.forward)
    assert not is_compiled(model)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning", "ignore:.*torch.jit:FutureWarning")
@pytest.mark.parametrize("make", [torch.jit.script, lambda model: torch.jit.trace(model, torch.zeros(2, 3))])
def test_torchscript_is_refused(make: Callable[[nn.Module], nn.Module]) -> None:
    with pytest.raises(LayerError, match="TorchScript"):
        check_model(nn.Sequential(make(_net())))


def test_data_parallel_is_refused() -> None:
    with pytest.raises(LayerError, match=r"DataParallel.*threads.*DistributedDataParallel"):
        check_model(nn.DataParallel(_net()))


def test_model_on_two_devices_is_refused() -> None:
    with pytest.raises(LayerError, match="the model lies on cpu, meta"):
        check_model(nn.Sequential(_net(), nn.Linear(3, 1, device="meta")))


@pytest.mark.usefixtures("process_group")
def test_sharded_model_is_refused_and_a_replicated_one_is_not() -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    check_model(nn.parallel.DistributedDataParallel(_net()))
    mesh = init_device_mesh("cpu", (1,))
    with pytest.raises(LayerError, match="is sharded"):
        check_model(fully_shard(_net(), mesh=mesh))


def test_models_of_fx_lazy_parametrized_and_without_forward_pass() -> None:
    lazy = nn.Sequential(nn.LazyLinear(3))
    parametrized = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 3)))
    for model in (torch.fx.symbolic_trace(_net()), lazy, parametrized, WithoutForward()):
        check_model(model)


def test_torch_that_does_not_number_its_nodes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "sequence_number", autograd._unknown)
    with pytest.raises(LayerError, match=rf"torch {torch.__version__.split('+')[0]}.*order of autograd's nodes"):
        check_model(_net())
