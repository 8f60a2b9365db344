"""Batches without a DataLoader: data that fits stays on the device, and a batch is one gather.

Why: for data in memory a DataLoader collates sample by sample on the host, which costs more joules than a small
network's training step. Data too large for the device stay on the host and travel batch by batch.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from sweep.objective import Split

DEVICE_SHARE = 0.5
"""Share of the device's free memory that data may take."""


def place(split: Split, device: torch.device) -> Split:
    """The split on the device if it fits, else pinned on the host."""
    if device.type == "cuda":
        size = sum(t.numel() * t.element_size() for t in split)
        free, _ = torch.cuda.mem_get_info(device)
        if size > DEVICE_SHARE * free:
            return Split(split.inputs.pin_memory(), split.targets.pin_memory())
    return Split(split.inputs.to(device), split.targets.to(device))


def batches(
    split: Split, batch_size: int, device: torch.device, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches on the device, shuffled if a generator is given.

    A last batch of one sample joins the one before it: batch normalisation cannot train on one.

    Args:
        split: from ``place``.
        batch_size: samples in a batch; the last may be smaller.
        device: where batches are wanted.
        generator: on the split's own device.
    """
    n = len(split)
    home = split.inputs.device
    order = torch.randperm(n, generator=generator, device=home) if generator is not None else None
    start = 0
    while start < n:
        stop = n if n - start - batch_size <= 1 else start + batch_size
        if order is None:
            inputs, targets = split.inputs[start:stop], split.targets[start:stop]
        else:
            index = order[start:stop]
            inputs, targets = split.inputs.index_select(0, index), split.targets.index_select(0, index)
        yield inputs.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        start = stop
