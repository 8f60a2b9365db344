"""NVIDIA's driver library through its official binding (nvidia-ml-py, whose module is called pynvml).

The one seam where NVML's codes become our errors. The binding is imported when a driver is made, not before. What an
old driver or an old binding does not have (NVML_ERROR_FUNCTION_NOT_FOUND, AttributeError) or a board does not support
is no error: ``ask`` says ``None``.

Limits: NVML counts initialisations within a process. If someone else (torch, zeus) holds the library too, ``restart``
does not make it look for GPUs anew.
"""

import contextlib
import threading
from typing import Any

from sweep.errors import MeterError, SensorAbsentError

CODES = {
    "UNINITIALIZED": 1,
    "NOT_SUPPORTED": 3,
    "NO_PERMISSION": 4,
    "DRIVER_NOT_LOADED": 9,
    "LIBRARY_NOT_FOUND": 12,
    "FUNCTION_NOT_FOUND": 13,
    "GPU_IS_LOST": 15,
    "RESET_REQUIRED": 16,
    "LIB_RM_VERSION_MISMATCH": 18,
    "NO_DATA": 21,
    "ARGUMENT_VERSION_MISMATCH": 25,
    "UNKNOWN": 999,
}
"""NVML_ERROR_* of nvml.h, for bindings that lack some of their names."""
ABSENT = ("LIBRARY_NOT_FOUND", "DRIVER_NOT_LOADED")
UNSUPPORTED = ("NOT_SUPPORTED", "FUNCTION_NOT_FOUND", "ARGUMENT_VERSION_MISMATCH")
STALE = ("UNINITIALIZED", "DRIVER_NOT_LOADED", "GPU_IS_LOST", "RESET_REQUIRED")


class Driver:
    """The library, initialised.

    Raises:
        SensorAbsentError: if there is no binding, no library or no driver.
        MeterError: if there is one and it refuses.
    """

    def __init__(self) -> None:
        try:
            import pynvml
        except ImportError as err:
            raise SensorAbsentError(
                "nvidia-ml-py is not installed, so NVIDIA's driver cannot be asked", "pip install nvidia-ml-py"
            ) from err
        self._nvml: Any = pynvml
        self.error: type[Exception] = pynvml.NVMLError
        self._codes = {name: self.constant(f"NVML_ERROR_{name}", code) for name, code in CODES.items()}
        self._lock = threading.Lock()
        self._is_held = False
        try:
            self._hold()
        except pynvml.NVMLError as err:
            raise self._refusal(err) from err

    def close(self) -> None:
        """Give the library back, once: others in this process may hold it too."""
        with self._lock:
            if self._is_held:
                self._is_held = False
                with contextlib.suppress(self.error):
                    self._nvml.nvmlShutdown()

    def restart(self) -> None:
        """Give the library back and initialise it again; handles must be asked for anew.

        Raises:
            NVMLError: if it cannot be initialised now.
        """
        self.close()
        self._hold()

    def constant(self, name: str, default: int) -> int:
        """A constant of the binding, or its value in nvml.h where the binding is older."""
        return int(getattr(self._nvml, name, default))

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of the binding.

        Raises:
            NVMLError: what the driver says.
        """
        function = getattr(self._nvml, name, None)
        if function is None:
            raise self.raised("FUNCTION_NOT_FOUND")
        return function(*args)

    def tell(self, name: str, *args: Any) -> str:
        """Call a function that tells a text; bindings of before 2022 tell bytes.

        Raises:
            NVMLError: what the driver says.
        """
        text = self.call(name, *args)
        return text.decode(errors="replace") if isinstance(text, bytes) else str(text)

    def ask(self, name: str, *args: Any) -> Any | None:
        """Call a function that need not be there; ``None`` if driver, binding or board do not have it.

        Raises:
            NVMLError: for every other error.
        """
        function = getattr(self._nvml, name, None)
        if function is None:
            return None
        try:
            return function(*args)
        except self.error as err:
            if self._is_one_of(err, UNSUPPORTED):
                return None
            raise

    def raised(self, code: int | str) -> Exception:
        """The binding's exception for a code that came in a structure, or for a name of ``CODES``."""
        return self.error(self._codes[code] if isinstance(code, str) else code)

    def is_stale(self, error: Exception) -> bool:
        """Whether only a new initialisation can help."""
        return self._is_one_of(error, STALE)

    def _hold(self) -> None:
        with self._lock:
            self._nvml.nvmlInit()
            self._is_held = True

    def _code(self, error: Exception) -> int:
        return int(getattr(error, "value", self._codes["UNKNOWN"]))

    def _is_one_of(self, error: Exception, names: tuple[str, ...]) -> bool:
        return self._code(error) in {self._codes[name] for name in names}

    def _refusal(self, error: Exception) -> MeterError:
        if self._is_one_of(error, ABSENT):
            return SensorAbsentError(
                f"there is no NVIDIA driver here (NVML: {error})",
                "choose another meter, or load the driver; in a container, start it with --gpus all",
            )
        mends = {
            self._codes["NO_PERMISSION"]: "give this user read and write access to /dev/nvidia*",
            self._codes["LIB_RM_VERSION_MISMATCH"]: "reboot, or reload the driver: it was updated while loaded",
        }
        mend = mends.get(self._code(error), "run nvidia-smi, which asks the same driver, and mend what it says")
        return MeterError(f"NVIDIA's driver refuses (NVML: {error})", mend)
