"""ResNet18 without its classifier, and where ImageNet weights for it come from.

    (n, 3, h, w) -> conv 7x7 / 2 - batch norm - ReLU - max pool 3x3 / 2
                 -> 2 basic blocks of w, 2 of 2w / 2, 2 of 4w / 2, 2 of 8w / 2 channels -> mean over positions
                 -> (n, 8w),  w = 64

    basic block:  x -> conv 3x3 - batch norm - ReLU - conv 3x3 - batch norm -> + x -> ReLU

where x is projected (1x1, batch norm) if the shape changes. Source: K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual
Learning for Image Recognition", CVPR 2016, table 1. Names in the ``state_dict`` are those of torchvision and timm, so
their weights load; 11,176,512 parameters. The weights are timm's, the package that the paper "The Power of Training"
took them from; it imports torchvision, which must fit the installed torch, and downloads them once.
"""

import importlib

import torch
from torch import Tensor, nn

from sweep.errors import ConfigError

WIDTH = 64
"""Channels of the first stage of ResNet18."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the red, green and blue of ImageNet, from 0 to 1: what its weights expect to be removed."""


class BasicBlock(nn.Module):
    """Two convolutions beside the identity, or beside a projection."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.act1 = nn.ReLU()
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.act2 = nn.ReLU()
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
            if stride != 1 or before != after
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape ``(n, before, h, w)`` to ``(n, after, h / stride, w / stride)``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        hidden = self.act1(self.bn1(self.conv1(x)))
        out: Tensor = self.act2(self.bn2(self.conv2(hidden)) + shortcut)
        return out


class ResNet18(nn.Module):
    """The encoder.

    Args:
        width: channels of the first stage; 64 in the paper, less for a network of the same shape that costs less.

    Attributes:
        features: number of features that it gives, ``8 * width``.
    """

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.features = 8 * width
        self.conv1 = nn.Conv2d(3, width, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act1 = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = _stage(width, width, 1)
        self.layer2 = _stage(width, 2 * width, 2)
        self.layer3 = _stage(2 * width, 4 * width, 2)
        self.layer4 = _stage(4 * width, 8 * width, 2)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Images of shape ``(n, 3, h, w)`` to features ``(n, 8 * width)``."""
        x = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        features: Tensor = self.pool(x)
        return features


def _stage(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(before, after, stride), BasicBlock(after, after, 1))


class Pixels(nn.Module):
    """Bytes to what ResNet18 expects: (x / 255 - mean) / std for each channel; on the device, batch by batch."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 of shape ``(n, 3, h, w)`` to float32 of the same shape."""
        return (images.float() / 255 - self.mean) / self.std


def imagenet_weights() -> tuple[dict[str, Tensor], str]:
    """The weights of timm's ResNet18, and a name for them.

    Raises:
        ConfigError: if timm does not import, the weights cannot be had, or they do not fit.
    """
    try:
        timm = importlib.import_module("timm")
    except Exception as err:  # torchvision raises RuntimeError where it does not fit torch
        raise ConfigError(
            f"timm does not import ({type(err).__name__}: {_first_line(err)})",
            'pip install "sweep-energy[timm]" with a torchvision that fits torch, or set objective.weights=random',
        ) from err
    try:
        model = timm.create_model("resnet18", pretrained=True, num_classes=0)
        weights = dict(model.state_dict())
        ResNet18().load_state_dict(weights)
    except Exception as err:  # whatever the hub, the connection or a cache raises
        raise ConfigError(
            f"timm {timm.__version__} cannot give the ImageNet weights of resnet18 "
            f"({type(err).__name__}: {_first_line(err)})",
            "run it once with a connection, so that they are kept, or set objective.weights=random",
        ) from err
    return weights, f"ImageNet weights of timm {timm.__version__}"


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [""])[0]
