"""One GPU: its domain, its joules, its power, its state.

The energy counter where the board has one (Volta and newer), otherwise its integrated power. Uncertainties:

    scale     0.05    steady state of boards against a wattmeter (arXiv 2312.02741)
    random    0.01    the counter: it differed from polled and integrated power by at most 1 % (zeus#12)
              0.03    integrated power
              0.05    integrated power of a board that looks at it a quarter of the time

The last two are judgements. Work that repeats in step with the 100 ms of such a board can be wrong by more.
"""

from collections.abc import Callable
from typing import Any

from sweep.energy.integral import Integral
from sweep.energy.meter import Problem
from sweep.energy.nvml.driver import Driver
from sweep.energy.nvml.processes import count_others
from sweep.energy.nvml.sensor import Sensor, sensor_of
from sweep.records import Conditions, Domain, Provenance, Scope

SCALE_U_REL = 0.05
COUNTER_U_REL = 0.01
INTEGRAL_U_REL = 0.03
PART_TIME_U_REL = 0.05
MAX_POWER_W = 3000.0
"""Above what any board draws, for those that do not tell their limit."""
LIMIT_FACTOR = 2.0
"""Transients exceed the power limit, and readings come late."""
POWER_INSTANT = 186
"""NVML_FI_DEV_POWER_INSTANT of nvml.h."""
NOTE = "the whole board, whoever computes on it"


class Gpu:
    """A board that torch sees as ``cuda:<ordinal>``.

    Args:
        driver: initialised.
        ordinal: torch's number.
        handle: NVML's; later ``None`` while the board is not found.
        clock: monotonic, in seconds.
        poll_interval_s: how often it will be read.

    Raises:
        NVMLError: if the board does not answer.
    """

    def __init__(
        self, driver: Driver, ordinal: int, handle: Any, clock: Callable[[], float], poll_interval_s: float
    ) -> None:
        self._driver = driver
        self._ordinal = ordinal
        self.name = f"gpu:{ordinal}"
        self.handle: Any | None = handle
        self.uuid = driver.tell("nvmlDeviceGetUUID", handle)
        self.model = driver.tell("nvmlDeviceGetName", handle)
        self.sensor: Sensor = sensor_of(driver.ask("nvmlDeviceGetArchitecture", handle), self.model)
        self.has_counter = driver.ask("nvmlDeviceGetTotalEnergyConsumption", handle) is not None
        self.has_instant = bool(self._instant_w())
        self.tells_power = self.has_instant or driver.ask("nvmlDeviceGetPowerUsage", handle) is not None
        self._integral = Integral(self.power_w, clock, poll_interval_s)
        self.failure: str | None = None

    def obstacle(self) -> Problem | None:
        """Why the joules of this board cannot be known; ``None`` if they can."""
        mig = self._driver.ask("nvmlDeviceGetMigMode", self.handle)
        if mig is not None and mig[0]:
            return Problem(
                self.name,
                f"{self.model} is in MIG mode, and a slice has no energy counter of its own",
                "turn MIG off (nvidia-smi -mig 0), or train on another GPU",
            )
        vgpu = self._driver.constant("NVML_GPU_VIRTUALIZATION_MODE_VGPU", 2)
        if self._driver.ask("nvmlDeviceGetVirtualizationMode", self.handle) == vgpu:
            return Problem(
                self.name,
                f"{self.model} is a virtual GPU, whose guest is not told the power of the board",
                "measure on the host, or get the whole GPU passed through",
            )
        if not self.has_counter and not self.tells_power:
            return Problem(
                self.name,
                f"{self.model} tells neither energy nor power",
                "update the driver; boards before Fermi, and some small ones, have no sensor",
            )
        return None

    def domain(self) -> Domain:
        """Joules of the board."""
        tick_s, random_u_rel, what = self.sensor.tick_s, COUNTER_U_REL, "energy counter"
        if not self.has_counter:
            window_s = self.sensor.window_s if self.has_instant else self.sensor.usage_window_s
            tick_s = max(tick_s, window_s)
            random_u_rel = PART_TIME_U_REL if self.sensor.is_part_time and window_s < tick_s else INTEGRAL_U_REL
            what = f"{'instant power' if self.has_instant else 'power'} (mean over {window_s:g} s), integrated"
        return Domain(
            name=self.name,
            provenance=Provenance.MEASURED,
            scale_u_rel=SCALE_U_REL,
            random_u_rel=random_u_rel,
            scope=Scope.DEVICE,
            tick_s=tick_s,
            resolution_j=1e-3,
            max_power_w=self._max_power_w(),
            source=f"NVML {what} of {self.model}",
            note=NOTE,
        )

    def read_j(self) -> float:
        """What the counter shows, or the integral.

        Raises:
            NVMLError: if the board does not answer.
        """
        if not self.has_counter:
            return self._integral.read_j()
        return float(self._driver.call("nvmlDeviceGetTotalEnergyConsumption", self._live())) * 1e-3

    def power_w(self) -> float:
        """Power that the board tells now; the instant one where there is one.

        Raises:
            NVMLError: if the board does not answer.
        """
        if not self.has_instant:
            return float(self._driver.call("nvmlDeviceGetPowerUsage", self._live())) * 1e-3
        power_w = self._instant_w()
        if power_w is None:
            raise self._driver.raised("NO_DATA")
        return power_w

    def conditions(self) -> Conditions:
        """State of the board; ``None`` for what it does not tell."""
        celsius = self._told("nvmlDeviceGetTemperature", self._driver.constant("NVML_TEMPERATURE_GPU", 0))
        megahertz = self._told("nvmlDeviceGetClockInfo", self._driver.constant("NVML_CLOCK_SM", 1))
        rates = self._told("nvmlDeviceGetUtilizationRates")
        memory = self._told("nvmlDeviceGetMemoryInfo")
        processes = self._told("nvmlDeviceGetComputeRunningProcesses")
        return Conditions(
            temperature_c=None if celsius is None else float(celsius),
            clock_mhz=None if megahertz is None else float(megahertz),
            utilisation=None if rates is None else rates.gpu / 100.0,
            memory_bytes=None if memory is None else int(memory.used),
            others=None if processes is None else count_others([entry.pid for entry in processes], self._ordinal),
        )

    def _instant_w(self) -> float | None:
        """Field 186; ``None`` if the board does not have it.

        Raises:
            NVMLError: if the board does not answer.
        """
        values = self._driver.ask("nvmlDeviceGetFieldValues", self._live(), [POWER_INSTANT])
        if values is None:
            return None
        if values[0].nvmlReturn:
            if self._driver.is_stale(error := self._driver.raised(values[0].nvmlReturn)):
                raise error
            return None
        return float(values[0].value.uiVal) * 1e-3

    def _live(self) -> Any:
        """The handle.

        Raises:
            NVMLError: if the board was not found again.
        """
        if self.handle is None:
            raise self._driver.raised("GPU_IS_LOST")
        return self.handle

    def _max_power_w(self) -> float:
        limits_mw = self._told("nvmlDeviceGetPowerManagementLimitConstraints")
        return MAX_POWER_W if limits_mw is None or not limits_mw[1] else LIMIT_FACTOR * limits_mw[1] * 1e-3

    def _told(self, name: str, *args: Any) -> Any | None:
        """What a side sensor tells; ``None`` whatever the reason that it does not."""
        try:
            return self._driver.ask(name, self.handle, *args)
        except self._driver.error:
            return None
