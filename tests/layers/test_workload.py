"""Work of layers against numbers computed by hand, against torch's own counter, and the promise to touch nothing."""

import copy
from typing import Any

import pytest
import torch
from layer_models import EXAMPLES, Checkpointed, Residual, ResNet18, Twice
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sweep.errors import LayerError
from sweep.layers.marking.owners import Layers
from sweep.layers.marking.spans import LayerHooks
from sweep.layers.workload import fake_like, layer_shapes, workload
from sweep.records import LayerShape


def _by_name(model: nn.Module, *args: Any, **kwargs: Any) -> dict[str, LayerShape]:
    return {shape.layer: shape for shape in layer_shapes(model, args, kwargs)}


def _only(model: nn.Module, *args: Any) -> LayerShape:
    (shape,) = layer_shapes(model, args)
    return shape


class Calls(nn.Module):
    """Calls a function on what a layer gives."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.function = function

    def forward(self, inputs: Tensor, **kwargs: Any) -> Any:
        return self.function(self.layer(inputs), **kwargs)


# Numbers by hand ------------------------------------------------------------------------------------------------------


def test_linear_is_all_of_its_numbers() -> None:
    batch, width, classes = 8, 64, 10
    shape = _only(nn.Linear(width, classes), torch.randn(batch, width))
    assert shape == LayerShape(
        layer="",
        type="Linear",
        parameters=width * classes + classes,
        calls=1,
        macs=5120,
        flops=2 * 5120,
        flops_backward=2 * 5120 + classes,  # gradients of weight and bias; nobody asks for that of the first input
        bytes_in=4 * batch * width,
        bytes_out=4 * batch * classes,
        bytes_weights=4 * (width * classes + classes),
        inputs=[[batch, width]],
        outputs=[[batch, classes]],
    )


def test_second_layer_passes_a_gradient_on() -> None:
    layers = _by_name(nn.Sequential(nn.Linear(16, 32, bias=False), nn.Linear(32, 4, bias=False)), torch.randn(8, 16))
    assert layers["0"].flops_backward == 2 * 8 * 16 * 32
    assert layers["1"].flops_backward == 2 * 2 * 8 * 32 * 4


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv2d(4, 6, 3), (2, 4, 8, 8), 2 * 6 * 6 * 6 * 4 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, padding=1), (2, 4, 8, 8), 2 * 6 * 4 * 4 * 4 * 9),
        (nn.Conv2d(4, 6, 3, groups=2), (2, 4, 8, 8), 2 * 6 * 6 * 6 * (4 // 2) * 9),
        (nn.Conv2d(4, 4, 3, groups=4), (2, 4, 8, 8), 2 * 4 * 6 * 6 * 9),
        (nn.Conv1d(3, 5, 5, dilation=2), (2, 3, 20), 2 * 5 * 12 * 3 * 5),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (2, 4, 8, 8), 2 * 8 * 8 * 4 * 6 * 4),
        (nn.LSTM(3, 5, batch_first=True), (2, 7, 3), 2 * 7 * 4 * 5 * (3 + 5)),
        (nn.LSTM(3, 5, num_layers=2, bidirectional=True), (7, 2, 3), 2 * 7 * 2 * 4 * 5 * ((3 + 5) + (10 + 5))),
        (nn.GRU(3, 5), (7, 2, 3), 2 * 7 * 3 * 5 * (3 + 5)),
        (nn.BatchNorm2d(4), (2, 4, 8, 8), 0),
    ],
    ids=["conv", "stride", "groups", "depthwise", "conv1d", "transposed", "lstm", "deep lstm", "gru", "batch norm"],
)
def test_macs(layer: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    counted = _only(layer, torch.randn(shape))
    assert counted.macs == macs
    assert counted.flops is not None
    assert counted.flops >= 2 * macs


@pytest.mark.parametrize("need_weights", [True, False], ids=["scores kept", "fused"])
def test_attention_owns_its_products(need_weights: bool) -> None:
    batch, length, width = 3, 7, 16
    tokens = torch.randn(batch, length, width)
    layers = _by_name(
        nn.MultiheadAttention(width, 2, batch_first=True), tokens, tokens, tokens, need_weights=need_weights
    )
    projections = batch * length * width * width * 4  # query, key, value; output, whose module is never called
    scores = batch * length * length * width * 2
    assert layers[""].macs == projections + scores
    assert layers["out_proj"].calls == layers["out_proj"].macs == 0


def test_fused_attention_computes_scores_again_in_its_backward_pass() -> None:
    def attend(inputs: Tensor) -> Tensor:
        heads = inputs.view(2, 3, 5, 4)
        return nn.functional.scaled_dot_product_attention(heads, heads, heads)

    product = 2 * 3 * 5 * 5 * 4
    layers = _by_name(Calls(attend), torch.randn(30, 4))
    assert layers[""].macs == 2 * product
    accumulated = 2 * 30 * 4  # one tensor is query, key and value: two additions of gradients
    assert layers[""].flops_backward == 2 * 5 * product + accumulated


def test_matrix_times_vector() -> None:
    assert _by_name(Calls(lambda x: x @ torch.ones(4)), torch.randn(6, 4))[""].macs == 6 * 4


def test_one_flop_for_each_element_that_is_written() -> None:
    layers = _by_name(nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)), torch.randn(6, 4))
    assert (layers["1"].macs, layers["1"].flops, layers["1"].flops_backward) == (0, 24, 24)


@pytest.mark.parametrize(
    "move",
    [
        lambda x: x.t().reshape(-1)[::2].unsqueeze(0).expand(3, -1),
        lambda x: torch.cat([x, x.clone()]).flip(0),
        lambda x: nn.functional.pad(x, (1, 1)).contiguous(),
        lambda x: x[torch.tensor([0, 2])],
        lambda x: torch.zeros_like(x).copy_(x),
    ],
)
def test_moving_elements_is_no_arithmetic(move: Any) -> None:
    assert _by_name(Calls(move), torch.randn(6, 4))[""].flops == 0


def test_embedding_is_a_gather() -> None:
    shape = _only(nn.Embedding(50, 8), torch.randint(50, (3, 7)))
    assert (shape.macs, shape.flops, shape.parameters) == (0, 0, 400)
    assert (shape.bytes_in, shape.bytes_out) == (3 * 7 * 8, 3 * 7 * 8 * 4)


def test_resnet18_has_its_published_numbers() -> None:
    shapes = layer_shapes(ResNet18(), (torch.empty(1, 3, 224, 224, device="meta"),))
    assert sum(shape.parameters for shape in shapes) == 11_689_512
    macs = [shape.macs for shape in shapes]
    assert None not in macs
    assert sum(filter(None, macs)) == 1_814_073_344


# Against torch's own counter ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["resnet18", "transformer", "unet"])
def test_layers_add_up_to_torchs_count_of_the_model(name: str) -> None:
    model, args = EXAMPLES[name]()
    shapes = layer_shapes(model, args)
    with FlopCounterMode(display=False) as forward:
        output = model(*args)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert 2 * sum(shape.macs or 0 for shape in shapes) == forward.get_total_flops()
    assert sum(shape.flops_backward or 0 for shape in shapes) > backward.get_total_flops()  # and the other arithmetic


def test_products_of_the_backward_pass_agree_with_torchs_count() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(8, 4, 1, bias=False), nn.Flatten(), nn.Linear(144, 5, bias=False)
    )
    images = torch.randn(2, 3, 8, 8)
    output = model(images)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert sum(shape.flops_backward or 0 for shape in layer_shapes(model, (images,))) == backward.get_total_flops()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_parameter_counts_once(name: str) -> None:
    model, args = EXAMPLES[name]()
    counted = workload(model, args)
    assert sum(shape.parameters for shape in counted.shapes) == sum(p.numel() for p in model.parameters())
    assert counted.notes == []


# Whose work it is -----------------------------------------------------------------------------------------------------


def test_a_block_owns_what_it_does_itself() -> None:
    layers = _by_name(Residual(nn.Linear(4, 4)), torch.randn(6, 4))
    assert layers[""].flops == 24
    assert layers["inner"].flops == 2 * 6 * 4 * 4


def test_module_called_twice_counts_both_calls() -> None:
    layers = _by_name(Twice(nn.Linear(4, 4)), torch.randn(6, 4))
    once = _only(nn.Linear(4, 4), torch.randn(6, 4))
    twice = layers["inner"]
    assert (twice.calls, twice.macs, twice.parameters) == (2, 2 * once.macs, once.parameters)  # type: ignore[operator]
    assert (twice.bytes_in, twice.bytes_weights) == (2 * once.bytes_in, once.bytes_weights)
    assert twice.inputs == once.inputs


def test_shared_weight_counts_at_its_first_layer() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 8)
            self.head = nn.Linear(8, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(self.embedding(tokens))

    layers = _by_name(Tied(), torch.randint(50, (3, 7)))
    assert (layers["embedding"].parameters, layers["head"].parameters) == (400, 0)
    assert layers["head"].bytes_weights == 4 * 400


def test_frozen_layer_has_no_backward_work() -> None:
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(requires_grad=False), nn.Linear(4, 4))
    layers = _by_name(model, torch.randn(6, 4))
    assert (layers["0"].flops_backward, layers["0"].parameters) == (0, 20)
    assert layers["1"].flops_backward == 2 * 6 * 4 * 4 + 4


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_checkpointing_repeats_belongs_to_the_backward_pass(reentrant: bool) -> None:
    tokens = torch.randn(6, 4)
    inner = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    plain = _by_name(nn.Sequential(nn.Linear(4, 4), inner), tokens)["1.0"]
    saved = _by_name(nn.Sequential(nn.Linear(4, 4), Checkpointed(inner, reentrant=reentrant)), tokens)["1.inner.0"]
    assert (saved.calls, saved.flops, saved.bytes_in) == (plain.calls, plain.flops, plain.bytes_in)
    assert saved.flops_backward == plain.flops_backward + plain.flops  # type: ignore[operator]


def test_nested_inputs_and_outputs() -> None:
    def split(hidden: Tensor, *, more: dict[str, Tensor]) -> dict[str, Any]:
        return {"sum": hidden + more["x"], "both": (hidden, [hidden])}

    layers = _by_name(Calls(split), torch.randn(6, 4), more={"x": torch.ones(4, dtype=torch.float64)})
    assert layers[""].inputs == [[6, 4], [4]]
    assert layers[""].outputs == [[6, 4], [6, 4], [6, 4]]
    assert layers[""].bytes_in == 4 * 24 + 8 * 4
    assert layers[""].bytes_out == 8 * 24 + 2 * 4 * 24


def test_containers_that_never_run_are_left_out() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

        def forward(self, inputs: Tensor) -> Tensor:
            return self.parts[0](inputs)

    layers = _by_name(Listed(), torch.randn(6, 4))
    assert list(layers) == ["", "parts.0", "parts.1"]
    assert (layers["parts.1"].calls, layers["parts.1"].macs, layers["parts.1"].parameters) == (0, 0, 20)


def test_loss_belongs_to_no_layer() -> None:
    targets = torch.randint(4, (6,))
    criterion = nn.CrossEntropyLoss(weight=torch.ones(4))
    plain, model = _only(nn.Linear(4, 4), torch.randn(6, 4)), nn.Linear(4, 4)
    assert layer_shapes(model, (torch.randn(6, 4),), loss=lambda output: criterion(output, targets)) == [plain]


# What cannot be counted -----------------------------------------------------------------------------------------------


def test_operation_that_cannot_be_counted_leaves_its_layer_unknown() -> None:
    counted = workload(Calls(lambda hidden: torch.fft.rfft(hidden).abs()), (torch.randn(6, 4),))
    model, layer = counted.shapes
    assert (model.macs, model.flops) == (None, None)
    assert layer.macs == 6 * 4 * 4
    assert len(counted.notes) == 1
    assert "aten._fft_r2c" in counted.notes[0]


@torch.library.custom_op("sweep_test::twice", mutates_args=())
def _twice(hidden: Tensor) -> Tensor:
    return hidden * 2


_twice.register_fake(torch.empty_like)


def test_operation_that_is_not_torchs_cannot_be_counted() -> None:
    counted = workload(Calls(lambda hidden: _twice(hidden.detach())), (torch.randn(6, 4),))
    assert counted.shapes[0].flops is None
    assert "sweep_test.twice" in counted.notes[0]


@pytest.mark.parametrize(
    "decide",
    [
        lambda x: x * x.sum().item(),
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[x > 0],
        lambda x: x.detach().numpy(),
    ],
    ids=["item", "branch", "selection", "numpy"],
)
def test_step_that_needs_values_is_refused(decide: Any) -> None:
    with pytest.raises(LayerError, match="work of Calls cannot be counted without data"):
        workload(Calls(decide), (torch.randn(6, 4),))


def test_lazy_model_is_refused_until_it_has_run() -> None:
    model, batch = nn.Sequential(nn.LazyLinear(4)), torch.randn(6, 3)
    with pytest.raises(LayerError, match=r"0\.weight has no shape before the first batch"):
        workload(model, (batch,))
    model(batch)
    assert layer_shapes(model, (batch,))[1].macs == 6 * 3 * 4


def test_gradient_of_a_stranger_is_refused() -> None:
    stranger = nn.Parameter(torch.ones(4))
    with pytest.raises(LayerError, match="needs gradients, but is neither in the model nor an input"):
        workload(nn.Linear(4, 4), (torch.randn(6, 4),), loss=lambda output: (output * stranger).sum())
    assert stranger.grad is None


# Nothing is computed and nothing is touched ---------------------------------------------------------------------------


def test_terabytes_of_weights_cost_nothing() -> None:
    with torch.device("meta"):
        model, batch = nn.Linear(10**6, 10**6), torch.empty(8, 10**6)
    assert _only(model, batch).macs == 8 * 10**12


def test_devices_named_in_the_model_do_not_matter() -> None:
    model = Calls(lambda hidden: hidden + torch.ones(4, device="cuda"))
    assert _by_name(model, torch.randn(6, 4))[""].flops == 24


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("training", [True, False])
def test_model_is_left_as_it_was(name: str, training: bool) -> None:
    model, args = EXAMPLES[name]()
    model.train(training)
    model(*args).sum().backward()
    state, random_state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    gradients = [copy.deepcopy(parameter.grad) for parameter in model.parameters()]
    layer_shapes(model, args)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert model.training is training
    assert all(torch.equal(now, state[key]) for key, now in model.state_dict().items())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert (parameter.grad is None and gradient is None) or torch.equal(parameter.grad, gradient)  # type: ignore[arg-type]


def test_state_that_a_model_keeps_in_attributes_is_not_polluted() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[Tensor] = [torch.zeros(4)]
            self.calls = 0

        def forward(self, inputs: Tensor) -> Tensor:
            self.calls += 1
            self.seen.append(inputs)
            return inputs + self.seen[0]

    model = Counting()
    assert _only(model, torch.randn(6, 4)).flops == 24
    assert (model.calls, len(model.seen)) == (0, 1)


def test_hooks_of_others_do_not_run() -> None:
    model, log = nn.Sequential(nn.Linear(4, 4)), []
    model[0].register_forward_hook(lambda *_: log.append("user"))
    hooks = LayerHooks(model, Layers(), log.append)
    hooks.attach()
    layer_shapes(model, (torch.randn(6, 4),))
    assert log == []
    hooks.detach()
    model(torch.randn(6, 4))
    assert log == ["user"]


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "normalise", [nn.utils.weight_norm, nn.utils.spectral_norm, nn.utils.parametrizations.weight_norm]
)
def test_weights_that_hooks_make_are_made(normalise: Any) -> None:
    layers = _by_name(nn.Sequential(normalise(nn.Linear(4, 4))), torch.randn(6, 4))
    assert layers["0"].macs is not None
    assert layers["0"].macs >= 6 * 4 * 4  # spectral norm iterates on top


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_caller_without_gradients_gets_the_same(mode: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    expected = layer_shapes(model, (torch.randn(6, 4),))
    with mode():
        assert layer_shapes(model, (torch.ones(6, 4),)) == expected


def test_captured_batch_has_no_data_and_counts_the_same() -> None:
    batch = {"x": torch.randn(6, 4, requires_grad=True), "more": (torch.zeros(3, dtype=torch.int64), "text")}
    captured = fake_like(batch)
    assert captured["x"].device.type == captured["more"][0].device.type == "meta"
    assert captured["x"].requires_grad
    assert captured["more"][1] == "text"
    model = nn.Linear(4, 4)
    assert layer_shapes(model, (captured["x"],)) == layer_shapes(model, (batch["x"],))
