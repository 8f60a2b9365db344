"""Puts a fake NVIDIA driver into every Python process that is started with this folder on PYTHONPATH.

    SWEEP_FAKE_NVML=1 PYTHONPATH=tests/fakes/site python -m sweep ...

The value is the number of GPUs: Hopper boards in real time, square waves of 100 and 300 W with a period of 1 s, that
tell of no utilisation. Their counters run since the machine started, so that one process sees what another saw.
"""

import os
import sys
import uuid
from pathlib import Path

if count := int(os.environ.get("SWEEP_FAKE_NVML") or 0):
    sys.path.insert(0, str(Path(__file__).parents[2]))

    from fakes.nvml import FakeGpu, fake_nvml
    from fakes.power import square

    _wave = square(100.0, 300.0, 1.0)
    _gpus = [FakeGpu(power=_wave, uuid=f"GPU-{uuid.UUID(int=number)}", utilisation=0.0) for number in range(count)]
    _fake = fake_nvml(_gpus)
    _fake.__enter__()  # for the life of the process
