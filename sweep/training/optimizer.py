"""Optimizers and learning-rate schedules of the config, as torch has them."""

import torch
from torch import nn

from sweep.config import Optimizer, Schedule, TrainerConfig


def make_optimizer(model: nn.Module, config: TrainerConfig, device: torch.device) -> torch.optim.Optimizer:
    """The configured optimizer over the parameters that want gradients, fused where the device has it."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    fused = device.type in ("cuda", "cpu") and all(p.is_floating_point() for p in wanted)
    common = {"lr": config.lr, "weight_decay": config.weight_decay, "fused": fused}
    if config.optimizer == Optimizer.sgd:
        return torch.optim.SGD(wanted, momentum=config.momentum, **common)  # type: ignore[arg-type]
    kind = torch.optim.AdamW if config.optimizer == Optimizer.adamw else torch.optim.Adam
    return kind(wanted, **common)  # type: ignore[arg-type]


def make_schedule(optimizer: torch.optim.Optimizer, config: TrainerConfig) -> torch.optim.lr_scheduler.LRScheduler:
    """The configured learning-rate schedule, stepped once an epoch."""
    if config.schedule == Schedule.cosine:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=config.max_epochs)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
