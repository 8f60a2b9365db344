"""NVIDIA's driver library, as far as energy is concerned; ``sweep.energy.meters.nvml`` is the meter on it."""
