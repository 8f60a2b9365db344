# ruff: noqa: N802 - the functions bear the driver's names
"""A fake of NVIDIA's driver library: functions that fill the binding's ctypes arguments and return NVML's codes.

As the driver does, it counts initialisations, looks for GPUs only at the first, and knows a GPU by the same handle
until the last shutdown. A function that is not here does not exist: the binding says NVML_ERROR_FUNCTION_NOT_FOUND.
"""

import ctypes
import functools
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import pynvml
from fakes.gpu import FakeGpu, Stretch

OK = pynvml.NVML_SUCCESS
NOT_SUPPORTED = pynvml.NVML_ERROR_NOT_SUPPORTED
FIRST_HANDLE = 0x1000


def of_device(function: Callable[..., int]) -> Callable[..., int]:
    """A function whose first argument is a handle: translated, and failed where the GPU is told to."""

    @functools.wraps(function)
    def call(self: "FakeNvml", handle: Any, *args: Any) -> int:
        code, gpu = self.find(handle)
        if gpu is None:
            return code
        return gpu.failure(function.__name__, self.clock()) or function(self, gpu, *args)

    return call


def _set(reference: Any, value: Any) -> int:
    """Write through a ``byref``."""
    reference._obj.value = value
    return int(OK)


class FakeNvml:
    """The driver library.

    Args:
        gpus: in the order of their PCI bus.
        clock: in seconds.
        init_error: code of every initialisation.
        missing: functions that this driver does not have.
    """

    def __init__(
        self,
        gpus: Sequence[FakeGpu],
        clock: Callable[[], float] = time.monotonic,
        init_error: int = OK,
        missing: Collection[str] = (),
    ) -> None:
        self.gpus = list(gpus)
        self.clock = clock
        self.init_error = init_error
        self.missing = set(missing)
        self.calls: dict[str, int] = {}
        self._reloads: list[Stretch] = []
        self._references = 0
        self._found_s = 0.0
        self._found: list[FakeGpu] = []

    @property
    def is_initialised(self) -> bool:
        """Whether someone holds it."""
        return self._references > 0

    def reload(self, at_s: float, until_s: float) -> None:
        """The driver goes, and is back later with counters at zero; who held it must initialise anew."""
        self._reloads.append(Stretch(at_s, until_s))
        for gpu in self.gpus:
            gpu.restart_counter(until_s)

    def function(self, name: str) -> Callable[..., int]:
        """What the binding finds under a name.

        Raises:
            AttributeError: if the driver does not have it, as ctypes does.
        """
        method = getattr(type(self), name, None)
        if method is None or not name.startswith("nvml") or name in self.missing:
            raise AttributeError(name)

        def call(*args: Any) -> int:
            self.calls[name] = self.calls.get(name, 0) + 1
            return int(method(self, *args))

        return call

    def find(self, handle: Any) -> tuple[int, FakeGpu | None]:
        """The GPU of a handle, or the code that says why not."""
        if code := self._state():
            return code, None
        index = (ctypes.cast(handle, ctypes.c_void_p).value or 0) - FIRST_HANDLE
        if not 0 <= index < len(self._found):
            return int(pynvml.NVML_ERROR_INVALID_ARGUMENT), None
        gpu = self._found[index]
        if gpu.is_lost(self._found_s, self.clock()):
            return int(pynvml.NVML_ERROR_GPU_IS_LOST), None
        return int(OK), gpu

    def _state(self) -> int:
        now_s = self.clock()
        reloaded = any(self._found_s < at_s <= now_s for at_s, _ in self._reloads)
        return int(OK if self._references and not reloaded else pynvml.NVML_ERROR_UNINITIALIZED)

    def _give(self, reference: Any, index: int) -> int:
        """Write a handle through a ``byref``."""
        ctypes.c_void_p.from_buffer(reference._obj).value = FIRST_HANDLE + index
        return int(OK)

    # Library

    def nvmlInitWithFlags(self, flags: int) -> int:
        if self.init_error:
            return self.init_error
        now_s = self.clock()
        if any(at_s <= now_s < until_s for at_s, until_s in self._reloads):
            return int(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
        if not self._references:
            self._found_s = now_s
            self._found = [gpu for gpu in self.gpus if not gpu.is_removed(now_s)]
        self._references += 1
        return int(OK)

    def nvmlShutdown(self) -> int:
        if not self._references:
            return int(pynvml.NVML_ERROR_UNINITIALIZED)
        self._references -= 1
        return int(OK)

    def nvmlSystemGetDriverVersion(self, buffer: Any, length: Any) -> int:
        buffer.value = b"999.99"
        return self._state()

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        return self._state() or _set(count, len(self._found))

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, handle: Any) -> int:
        if code := self._state():
            return code
        if index.value >= len(self._found):
            return int(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return self._give(handle, index.value)

    def nvmlDeviceGetHandleByUUID(self, uuid: Any, handle: Any) -> int:
        if code := self._state():
            return code
        for index, gpu in enumerate(self._found):
            if gpu.uuid.encode() == uuid.value:
                return self._give(handle, index)
        return int(pynvml.NVML_ERROR_NOT_FOUND)

    # Identity

    @of_device
    def nvmlDeviceGetName(self, gpu: FakeGpu, buffer: Any, length: Any) -> int:
        buffer.value = gpu.name.encode()
        return int(OK)

    @of_device
    def nvmlDeviceGetUUID(self, gpu: FakeGpu, buffer: Any, length: Any) -> int:
        buffer.value = gpu.uuid.encode()
        return int(OK)

    @of_device
    def nvmlDeviceGetArchitecture(self, gpu: FakeGpu, architecture: Any) -> int:
        return _set(architecture, gpu.architecture)

    @of_device
    def nvmlDeviceGetMigMode(self, gpu: FakeGpu, current: Any, pending: Any) -> int:
        if gpu.mig is None:
            return int(NOT_SUPPORTED)
        return _set(current, int(gpu.mig)) or _set(pending, int(gpu.mig))

    @of_device
    def nvmlDeviceGetVirtualizationMode(self, gpu: FakeGpu, mode: Any) -> int:
        return _set(mode, gpu.virtualization)

    @of_device
    def nvmlDeviceGetComputeMode(self, gpu: FakeGpu, mode: Any) -> int:
        return _set(mode, pynvml.NVML_COMPUTEMODE_DEFAULT)

    @of_device
    def nvmlDeviceGetC2cModeInfoV(self, gpu: FakeGpu, info: Any) -> int:
        return int(NOT_SUPPORTED)

    # Energy and power

    @of_device
    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: FakeGpu, millijoules: Any) -> int:
        if not gpu.sensor.counter:
            return int(NOT_SUPPORTED)
        return _set(millijoules, gpu.counter_mj(self.clock()))

    @of_device
    def nvmlDeviceGetPowerUsage(self, gpu: FakeGpu, milliwatts: Any) -> int:
        return _set(milliwatts, gpu.usage_mw(self.clock()))

    @of_device
    def nvmlDeviceGetFieldValues(self, gpu: FakeGpu, count: Any, values: Any) -> int:
        now_s = self.clock()
        told: dict[int, Callable[[float], int]] = {}
        if gpu.sensor.instant:
            told = {pynvml.NVML_FI_DEV_POWER_INSTANT: gpu.instant_mw, pynvml.NVML_FI_DEV_POWER_AVERAGE: gpu.usage_mw}
        for value in values._obj[: count.value]:
            value.nvmlReturn = OK if value.fieldId in told else NOT_SUPPORTED
            if value.fieldId in told:
                value.valueType = pynvml.NVML_VALUE_TYPE_UNSIGNED_INT
                value.value.uiVal = told[value.fieldId](now_s)
        return int(OK)

    @of_device
    def nvmlDeviceGetPowerManagementLimitConstraints(self, gpu: FakeGpu, lowest: Any, highest: Any) -> int:
        return _set(lowest, int(gpu.power_limit_w * 300)) or _set(highest, int(gpu.power_limit_w * 1000))

    @of_device
    def nvmlDeviceGetPowerManagementLimit(self, gpu: FakeGpu, milliwatts: Any) -> int:
        return _set(milliwatts, int(gpu.power_limit_w * 1000))

    @of_device
    def nvmlDeviceGetEnforcedPowerLimit(self, gpu: FakeGpu, milliwatts: Any) -> int:
        return _set(milliwatts, int(gpu.power_limit_w * 1000))

    # State

    @of_device
    def nvmlDeviceGetTemperature(self, gpu: FakeGpu, sensor: Any, celsius: Any) -> int:
        return _set(celsius, gpu.temperature_c)

    @of_device
    def nvmlDeviceGetTemperatureV(self, gpu: FakeGpu, reading: Any) -> int:
        reading._obj.temperature = gpu.temperature_c
        return int(OK)

    @of_device
    def nvmlDeviceGetClockInfo(self, gpu: FakeGpu, kind: Any, megahertz: Any) -> int:
        return _set(megahertz, gpu.sm_clock_mhz)

    @of_device
    def nvmlDeviceGetUtilizationRates(self, gpu: FakeGpu, rates: Any) -> int:
        rates._obj.gpu = round(gpu.utilisation * 100)
        return int(OK)

    @of_device
    def nvmlDeviceGetMemoryInfo(self, gpu: FakeGpu, memory: Any) -> int:
        memory._obj.total, memory._obj.used = gpu.memory_total_bytes, gpu.memory_used_bytes
        memory._obj.free = gpu.memory_total_bytes - gpu.memory_used_bytes
        return int(OK)

    @of_device
    def nvmlDeviceGetComputeRunningProcesses_v3(self, gpu: FakeGpu, count: Any, processes: Any) -> int:
        if gpu.processes and processes is None:
            return _set(count, len(gpu.processes)) or int(pynvml.NVML_ERROR_INSUFFICIENT_SIZE)
        for slot, (pid, memory_bytes) in zip(processes or (), gpu.processes, strict=False):
            slot.pid, slot.usedGpuMemory = pid, memory_bytes
        return _set(count, len(gpu.processes))

    @of_device
    def nvmlDeviceGetGraphicsRunningProcesses_v3(self, gpu: FakeGpu, count: Any, processes: Any) -> int:
        return _set(count, 0)
