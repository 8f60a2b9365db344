"""ResNet18: its shape, and ImageNet weights from a stand-in for timm."""

import sys
import types
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from objectives._resnet import MEAN, STD, BasicBlock, Pixels, ResNet18, imagenet_weights
from sweep.errors import ConfigError


def test_it_has_the_parameters_of_resnet18_without_its_classifier() -> None:
    assert sum(p.numel() for p in ResNet18().parameters()) == 11_176_512


def test_names_and_shapes_are_those_of_torchvision() -> None:
    state = ResNet18().state_dict()
    assert len(state) == 120  # 20 convolutions, 20 normalisations of 5 tensors each
    for name, shape in {
        "conv1.weight": (64, 3, 7, 7),
        "bn1.running_mean": (64,),
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer2.0.conv1.weight": (128, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer2.0.downsample.1.num_batches_tracked": (),
        "layer4.1.bn2.bias": (512,),
    }.items():
        assert tuple(state[name].shape) == shape
    assert {name for name in state if "downsample.0" in name} == {f"layer{n}.0.downsample.0.weight" for n in (2, 3, 4)}


@pytest.mark.parametrize(("size", "last"), [(32, 1), (64, 2), (224, 7)])
def test_it_halves_five_times(size: int, last: int) -> None:
    net = ResNet18(width=2).eval()
    seen: list[Tensor] = []
    net.layer4.register_forward_hook(lambda _module, _args, output: seen.append(output))
    assert net(torch.zeros(3, 3, size, size)).shape == (3, 16) == (3, net.features)
    assert seen[0].shape == (3, 16, last, last)


def test_a_block_whose_convolutions_give_nothing_is_the_identity_of_what_is_positive() -> None:
    block = BasicBlock(4, 4, 1).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), x.relu())


def test_pixels_are_standardised_as_imagenet_was() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    out = Pixels()(images)
    assert out.dtype == torch.float32
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        assert out[0, channel, 0, 0] == pytest.approx(-mean / std)
        assert out[1, channel, 0, 0] == pytest.approx((1 - mean) / std)


class FakeTimm(types.ModuleType):
    """Gives what it is told to."""

    __version__ = "1.2.3"

    def __init__(self, give: nn.Module | Exception) -> None:
        super().__init__("timm")
        self.give = give

    def create_model(self, name: str, **options: Any) -> nn.Module:
        assert (name, options) == ("resnet18", {"pretrained": True, "num_classes": 0})
        if isinstance(self.give, Exception):
            raise self.give
        return self.give


def test_weights_come_from_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ResNet18()
    monkeypatch.setitem(sys.modules, "timm", FakeTimm(model))
    weights, name = imagenet_weights()
    assert name == "ImageNet weights of timm 1.2.3"
    assert torch.equal(weights["layer3.1.conv2.weight"], model.layer3[1].conv2.weight)


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (OSError("no connection\nat all"), r"resnet18 \(OSError: no connection\): run it once with a connection"),
        (nn.Linear(2, 2), "cannot give the ImageNet weights of resnet18 .RuntimeError"),
    ],
)
def test_weights_that_cannot_be_had_are_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, give: nn.Module | Exception, message: str
) -> None:
    monkeypatch.setitem(sys.modules, "timm", FakeTimm(give))
    with pytest.raises(ConfigError, match=message):
        imagenet_weights()


def test_timm_that_does_not_import_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"timm does not import \(ModuleNotFoundError: .*: pip install"):
        imagenet_weights()
