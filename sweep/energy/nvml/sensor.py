"""How boards measure themselves: ticks and averaging windows by architecture.

Measured on more than 70 boards (Z. Yang, K. Adamek, W. Armour, "Part-time Power Measurements: nvidia-smi's Lack of
Attention", arXiv 2312.02741, and SC24): update period / window over which an update is averaged, in milliseconds

    Volta and before    20 /  10        A100 (GA100)        100 /  25
    Turing             100 / 100        Ampere but GA100    100 / 100
    Ada                100 / 100        Hopper              100 /  25

so an A100 or H100 looks at its power a quarter of the time. nvmlDeviceGetPowerUsage returns the mean over 1 s on Ampere
(but GA100) and newer, and the instant power before (NVML API reference); field NVML_FI_DEV_POWER_INSTANT is instant on
all that have it. The energy counter ticks every 20 to 100 ms: with the power, as far as is known.

Limits: for Pascal and before, and for Turing, Ada and Blackwell, the figures are those of the nearest measured
neighbour. Whether the counter adds up the whole power or what the windows saw is documented nowhere.
"""

from typing import NamedTuple

VOLTA, TURING, AMPERE, ADA, HOPPER = 5, 6, 7, 8, 9
"""NVML_DEVICE_ARCH_* of nvml.h."""

GA100 = ("A100", "A100X", "A30", "A30X", "A800")
"""Boards with this chip; NVML calls it Ampere like the others."""


class Sensor(NamedTuple):
    """Ticks and windows of a board.

    Attributes:
        tick_s: seconds between two updates of power and counter.
        window_s: over which the instant power is averaged.
        usage_window_s: over which nvmlDeviceGetPowerUsage is.
    """

    tick_s: float
    window_s: float
    usage_window_s: float

    @property
    def is_part_time(self) -> bool:
        """Whether part of the time goes unseen in the instant power."""
        return self.window_s < self.tick_s


def sensor_of(architecture: int | None, model: str) -> Sensor:
    """Sensor of a board; of one that is not known, the slowest.

    Args:
        architecture: NVML's number; ``None`` if the driver does not tell.
        model: the board's name, e.g. ``NVIDIA A100-SXM4-80GB``.
    """
    if architecture is not None and architecture <= VOLTA:
        return Sensor(0.020, 0.010, 0.010)
    if architecture == TURING:
        return Sensor(0.100, 0.100, 0.100)
    if architecture == AMPERE and any(chip in model.replace("-", " ").split() for chip in GA100):
        return Sensor(0.100, 0.025, 0.025)
    if architecture == HOPPER:
        return Sensor(0.100, 0.025, 1.0)
    return Sensor(0.100, 0.100, 1.0)
