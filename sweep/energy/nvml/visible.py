"""Which of NVML's GPUs torch sees as ``cuda:0``, ``cuda:1`` ...: the rules of CUDA_VISIBLE_DEVICES.

CUDA C++ Programming Guide, "CUDA Environment Variables", as torch reads it too (``torch.cuda._parse_visible_devices``):

    unset               all GPUs
    2,0                 these, in this order; the first that does not exist ends the list; one named twice empties it
    GPU-8932f937,...    the same with UUIDs, or as much of them as tells them apart
    MIG-...             a slice of a GPU: it has no energy counter of its own
    "" or -1            none

NVML counts by PCI bus, and so does CUDA with CUDA_DEVICE_ORDER=PCI_BUS_ID. Otherwise CUDA puts the GPU first that it
takes for the fastest and leaves the order of the others open, so numbers mean the same to both only where all GPUs are
of one model.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from sweep.errors import MeterError

VARIABLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
_NUMBER = re.compile(r"[+-]?\d+")


class Board(NamedTuple):
    """A GPU as NVML lists it; both empty if it does not answer."""

    uuid: str
    model: str


def visible(variable: str | None, order: str | None, boards: Sequence[Board]) -> list[int]:
    """NVML's index of ``cuda:0``, ``cuda:1`` and so on.

    Args:
        variable: value of CUDA_VISIBLE_DEVICES; ``None`` if unset.
        order: value of CUDA_DEVICE_ORDER; ``None`` if unset.
        boards: by NVML's index.

    Raises:
        MeterError: for a slice of a GPU, and where it cannot be known which GPU a number means.
    """
    text = (variable or "").strip()
    if text.startswith("MIG-"):
        raise MeterError(
            f"{VARIABLE}={variable} names a MIG slice, which has no energy counter of its own",
            f"turn MIG off (nvidia-smi -mig 0), or name whole GPUs in {VARIABLE}",
        )
    if text.startswith("GPU-"):
        return _unique([_by_uuid(part.strip(), boards) for part in text.split(",")])
    chosen = list(range(len(boards))) if variable is None else _unique([_number(part) for part in text.split(",")])
    chosen = chosen[: next((n for n, index in enumerate(chosen) if not 0 <= index < len(boards)), len(chosen))]
    models = list(dict.fromkeys(board.model for board in boards if board.model))
    if chosen and len(models) > 1 and order != "PCI_BUS_ID":
        raise MeterError(
            f"the GPUs are of different models ({', '.join(models)}): CUDA numbers them by speed, the driver by bus",
            f"export {ORDER}=PCI_BUS_ID, or name the GPUs by UUID in {VARIABLE} (nvidia-smi -L lists them)",
        )
    return chosen


def _number(part: str) -> int:
    """The number that a part begins with; -1 for none, as CUDA reads it."""
    match = _NUMBER.match(part.strip())
    return int(match.group()) if match else -1


def _by_uuid(prefix: str, boards: Sequence[Board]) -> int:
    """The one GPU whose UUID begins so; -1 if there is none, or more than one."""
    found = [index for index, board in enumerate(boards) if board.uuid.startswith(prefix)]
    return found[0] if len(found) == 1 and prefix.startswith("GPU-") else -1


def _unique(indices: list[int]) -> list[int]:
    """Up to the first that does not exist; nothing if one is there twice."""
    valid = indices[: indices.index(-1)] if -1 in indices else indices
    return valid if len(set(valid)) == len(valid) else []
