"""A fake NVML under the real binding, nvidia-ml-py.

The binding keeps the loaded library in ``pynvml.nvmlLib`` and calls its functions with ctypes arguments. Here a fake
driver stands in that place (``fakes.driver``), with GPUs whose true power is known (``fakes.gpu``, ``fakes.power``).
Names, structures and exceptions stay the binding's own, and whatever is built on it (zeus, codecarbon, pyJoules) can
be driven as well.

    with fake_nvml([FakeGpu(power=constant(200.0))], clock=clock) as driver:
        clock.now_s += 1.0
"""

import contextlib
import gc
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from unittest import mock

import pynvml
from fakes.driver import OK, FakeNvml
from fakes.gpu import A100, AMPERE, HOPPER, PASCAL, VOLTA, FakeGpu, Sensor
from fakes.power import constant

__all__ = [
    "A100",
    "AMPERE",
    "HOPPER",
    "PASCAL",
    "UUIDS",
    "VOLTA",
    "FakeGpu",
    "FakeNvml",
    "Sensor",
    "boards",
    "fake_nvml",
    "no_nvml",
]


UUIDS = [f"GPU-{letter * 8}-1111-2222-3333-444444444444" for letter in "abcdefgh"]


def boards(count: int) -> list[FakeGpu]:
    """Equal boards of 100 W, 200 W, 300 W ..."""
    return [FakeGpu(power=constant(100.0 * (index + 1)), uuid=UUIDS[index]) for index in range(count)]


class _Library:
    """What stands in ``pynvml.nvmlLib``: nothing but the driver's functions."""

    def __init__(self, driver: FakeNvml) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Callable[..., int]:
        return self._driver.function(name)


@contextlib.contextmanager
def fake_nvml(
    gpus: Sequence[FakeGpu],
    clock: Callable[[], float] = time.monotonic,
    init_error: int = OK,
    missing: Collection[str] = (),
) -> Iterator[FakeNvml]:
    """Put a fake driver in the place of the real one, and back."""
    driver = FakeNvml(gpus, clock, init_error, missing)
    with _in_place(_Library(driver)):
        yield driver


@contextlib.contextmanager
def no_nvml() -> Iterator[None]:
    """A machine without NVIDIA's library."""
    with _in_place(None), mock.patch.object(pynvml, "CDLL", _no_library):
        yield


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")


@contextlib.contextmanager
def _in_place(library: _Library | None) -> Iterator[None]:
    """Set the binding's library; its cache of functions and its count of initialisations go with it."""
    kept: dict[str, Any] = {"nvmlLib": library, "_nvmlLib_refcount": 0, "_nvmlGetFunctionPointer_cache": {}}
    with mock.patch.multiple(pynvml, **kept):
        _forget_zeus()
        try:
            yield
        finally:
            _forget_zeus()


def _forget_zeus() -> None:
    """Zeus keeps what it found for the life of the process, and shuts the library down when that is collected."""
    modules = [module for name in ("zeus.device.gpu", "zeus.device.gpu.nvidia") if (module := sys.modules.get(name))]
    for module in modules:
        module.nvml_is_available.cache_clear()
    if modules and modules[0]._gpus is not None:
        modules[0]._gpus = None
        gc.collect()
