"""NVIDIA GPUs, through the driver library NVML.

    gpu:0, gpu:1 ...    cuda:0, cuda:1 ... of torch: CUDA_VISIBLE_DEVICES is respected, numbers and UUIDs

Joules are those of the energy counter (nvmlDeviceGetTotalEnergyConsumption: millijoules since the driver was loaded,
Volta and newer), otherwise integrated power (``sweep.energy.integral``); the domain's source says which. Ticks and
windows of the sensors: ``sweep.energy.nvml.sensor``; uncertainties: ``sweep.energy.nvml.gpu``. A board that stops
answering is not known from then on, and the others count on; if only a new initialisation can help, it is tried in the
background, and the boards are found again by UUID.

Limits: the joules are those of the whole board, memory and circuits included and the host not, whoever computes on it.
MIG slices and virtual GPUs have no energy of their own: refused. Where the driver's counter is that of a module (Grace
Hopper), so are the joules.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from sweep.energy.meter import Meter, Problem, check_interval
from sweep.energy.nvml.driver import Driver
from sweep.energy.nvml.gpu import Gpu
from sweep.energy.nvml.recovery import Recovery
from sweep.energy.nvml.visible import ORDER, VARIABLE, Board, visible
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Conditions, Domain, Joules

SEE = "run nvidia-smi, which asks the same driver, and mend what it says"


class NvmlMeter(Meter):
    """Energy of the GPUs that torch sees.

    Args:
        clock: monotonic, in seconds; positional only, so not an option of the config.
        devices: torch's numbers of the GPUs to read; ``None`` for the one that works (``attend``), or for all.
        exclude: names of domains to leave out, e.g. ``gpu:1``.
        poll_interval_s: seconds between two polled readings.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    rank: ClassVar[int | None] = 10
    covers: ClassVar[frozenset[str]] = frozenset({"gpu"})

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        /,
        *,
        devices: list[int] | None = None,
        exclude: tuple[str, ...] = (),
        poll_interval_s: float = 0.1,
    ) -> None:
        check_interval(poll_interval_s)
        self.poll_interval_s = poll_interval_s
        self._clock = clock
        self._devices = devices
        self._exclude = frozenset(exclude)
        self._attended: str | None = None
        self._driver: Driver | None = None
        self._recovery: Recovery | None = None
        self._gpus: tuple[Gpu, ...] = ()
        self._domains: tuple[Domain, ...] = ()
        self._problems: tuple[Problem, ...] = ()

    def attend(self, device: str) -> None:
        """Read only the GPU that works, unless the devices are given."""
        self._attended = device if device.partition(":")[0] == "cuda" else None

    @property
    def domains(self) -> tuple[Domain, ...]:
        """One for each GPU."""
        return self._domains

    @property
    def problems(self) -> tuple[Problem, ...]:
        """GPUs that cannot be read, and those that have stopped answering."""
        lost = [
            Problem(gpu.name, f"{gpu.model} does not answer (NVML: {gpu.failure})", SEE)
            for gpu in self._gpus
            if gpu.failure
        ]
        return (*self._problems, *lost)

    def open(self) -> None:
        """Initialise NVML and find the GPUs.

        Raises:
            SensorAbsentError: if there is no driver, no GPU, or none that torch sees.
            MeterError: if the driver refuses, an option names a GPU that is not there, or no GPU can be read.
        """
        self.close()
        driver = Driver()
        try:
            gpus, problems = self._find(driver)
            self._domains = tuple(gpu.domain() for gpu in gpus)
        except BaseException as err:
            driver.close()
            if isinstance(err, driver.error):
                raise MeterError(f"NVIDIA's driver does not tell its GPUs (NVML: {err})", SEE) from err
            raise
        self._gpus, self._problems, self._driver = tuple(gpus), tuple(problems), driver
        self._recovery = Recovery(self._restart, self._clock)

    def close(self) -> None:
        """Give NVML back."""
        driver, self._driver = self._driver, None
        self._gpus = ()
        if self._recovery is not None:
            self._recovery.close()
            self._recovery = None
        if driver is not None:
            driver.close()

    def read(self) -> Joules:
        """What the counters show; ``None`` for a GPU that does not answer.

        Raises:
            MeterError: if the meter is not open.
        """
        driver, shown_j = self._require_open(), {}
        for gpu in self._gpus:
            shown_j[gpu.name], gpu.failure = self._answer(driver, gpu, gpu.read_j)
        return shown_j

    def power_w(self) -> Mapping[str, float | None]:
        """Instant power of each GPU, or what the board has in its place."""
        driver = self._require_open()
        return {gpu.name: self._answer(driver, gpu, gpu.power_w)[0] for gpu in self._gpus if gpu.tells_power}

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature, SM clock, utilisation, memory in use and processes of others, for each GPU."""
        self._require_open()
        return {gpu.name: gpu.conditions() for gpu in self._gpus}

    def _require_open(self) -> Driver:
        if self._driver is None:
            raise MeterError("the nvml meter is read while closed", "open it first")
        return self._driver

    def _answer(self, driver: Driver, gpu: Gpu, ask: Callable[[], float]) -> tuple[float | None, str | None]:
        """An answer of a GPU, or why there is none; if only a new initialisation can help, one is started."""
        handle, recovery = gpu.handle, self._recovery
        try:
            answer = ask()
        except driver.error as err:
            if driver.is_stale(err) and recovery is not None:
                recovery.ask()
            return None, str(err)
        if gpu.handle is not handle:  # initialised anew meanwhile: the answer may be another board's
            return None, "initialised anew"
        return answer, None

    def _restart(self) -> bool:
        """Initialise anew and look for all GPUs by UUID; tells whether all were found."""
        driver, gpus = self._driver, self._gpus
        if driver is None:
            return False
        for gpu in gpus:
            gpu.handle = None  # an old handle may be another board's after the initialisation
        try:
            driver.restart()
        except driver.error:
            return False
        for gpu in gpus:
            with contextlib.suppress(driver.error):
                gpu.handle = driver.call("nvmlDeviceGetHandleByUUID", gpu.uuid)
        if self._driver is not driver:  # closed meanwhile
            driver.close()
        return all(gpu.handle is not None for gpu in gpus)

    def _find(self, driver: Driver) -> tuple[list[Gpu], list[Problem]]:
        """The GPUs to read, and why others are not read.

        Raises:
            SensorAbsentError, MeterError: as ``open``.
        """
        count = driver.call("nvmlDeviceGetCount")
        if not count:
            raise SensorAbsentError("NVIDIA's driver has no GPU", "choose another meter, or look at nvidia-smi")
        boards = [_board(driver, index) for index in range(count)]
        indices = visible(os.environ.get(VARIABLE), os.environ.get(ORDER), boards)
        if not indices:
            raise SensorAbsentError(
                f"{VARIABLE}={os.environ.get(VARIABLE)!r} shows none of {count} GPUs", f"unset {VARIABLE} to see them"
            )
        found = [self._gpu(driver, ordinal, indices[ordinal]) for ordinal in self._chosen(len(indices))]
        gpus = [gpu for gpu in found if isinstance(gpu, Gpu)]
        problems = [problem for problem in found if isinstance(problem, Problem)]
        if not gpus:
            raise MeterError(problems[0].why, problems[0].mend)
        return gpus, problems

    def _gpu(self, driver: Driver, ordinal: int, index: int) -> Gpu | Problem:
        """A GPU by torch's and NVML's number, or why its joules cannot be known."""
        try:
            handle = driver.call("nvmlDeviceGetHandleByIndex", index)
            gpu = Gpu(driver, ordinal, handle, self._clock, self.poll_interval_s)
            return gpu.obstacle() or gpu
        except driver.error as err:
            return Problem(f"gpu:{ordinal}", f"GPU {index} of the driver does not answer (NVML: {err})", SEE)

    def _chosen(self, count: int) -> list[int]:
        """Torch's numbers of the GPUs to read.

        Raises:
            MeterError: for one that torch does not see, and if none is left.
        """
        where, wanted = "meter.devices", self._devices
        if wanted is None and self._attended is not None:
            where, wanted = f"the device {self._attended}:", [_ordinal(self._attended)]
        chosen = list(range(count)) if wanted is None else list(dict.fromkeys(wanted))
        if missing := [ordinal for ordinal in chosen if not 0 <= ordinal < count]:
            raise MeterError(
                f"{where} {missing} is not among the GPUs that torch sees (0 to {count - 1})",
                f"choose one of them, or change {VARIABLE}",
            )
        left = [ordinal for ordinal in chosen if f"gpu:{ordinal}" not in self._exclude]
        if not left:
            raise MeterError(
                f"meter.exclude={sorted(self._exclude)} leaves no GPU of {chosen}",
                "exclude fewer, or choose another meter",
            )
        return left


def _board(driver: Driver, index: int) -> Board:
    """A GPU by NVML's number."""
    try:
        handle = driver.call("nvmlDeviceGetHandleByIndex", index)
        return Board(driver.tell("nvmlDeviceGetUUID", handle), driver.tell("nvmlDeviceGetName", handle))
    except driver.error:
        return Board("", "")


def _ordinal(device: str) -> int:
    """Torch's number of a device; of ``cuda`` alone, that of the current one."""
    number = device.partition(":")[2]
    if number:
        return int(number) if number.isdigit() else -1
    torch = sys.modules.get("torch")
    return int(torch.cuda.current_device()) if torch is not None and torch.cuda.is_initialized() else 0
