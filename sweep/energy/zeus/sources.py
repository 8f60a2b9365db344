"""What zeus measures, as domains: a GPU of ``zeus.device.get_gpus``, the parts of a chip of ``zeus.device.get_soc``.

zeus counts in millijoules and milliwatts. Nothing of zeus is imported here: the sources are given its objects.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from sweep.energy.integral import Integral
from sweep.energy.meter import Problem
from sweep.records import Conditions, Domain, Joules, Provenance, Scope

GPU_SCALE_U_REL = 0.05
SOC_SCALE_U_REL = 0.2
COUNTER_U_REL = 0.01
INTEGRAL_U_REL = 0.03
TICK_S = 0.1
MAX_POWER_W = 3000.0


class Part(NamedTuple):
    """A domain of a chip.

    Attributes:
        fields: of zeus's measurement, added up; in millijoules.
        is_whole: whether the other parts are in it.
    """

    name: str
    fields: tuple[str, ...]
    is_whole: bool = False


PARTS = (
    Part("cpu:0", ("cpu_total_mj",)),
    Part("gpu:0", ("gpu_mj", "gpu_sram_mj")),
    Part("dram:0", ("dram_mj",)),
    Part("ane:0", ("ane_mj",)),
    Part("cpu:0", ("cpu_energy_mj",)),
    Part("gpu:0", ("gpu_energy_mj",)),
    Part("psys:0", ("total_energy_mj",), is_whole=True),
)
"""Apple Silicon (its cores and clusters are in ``cpu_total_mj``), then Jetson."""


class Source(ABC):
    """Something that zeus reads at once."""

    domains: tuple[Domain, ...]

    @abstractmethod
    def read(self) -> Joules:
        """Cumulative joules of its domains.

        Raises:
            Exception: whatever zeus raises.
        """

    def power_w(self) -> Mapping[str, float | None]:
        """Power of those that tell it."""
        return {}

    def conditions(self) -> Mapping[str, Conditions]:
        """State of those that tell it."""
        return {}


class GpuSource(Source):
    """One GPU: its counter, or its integrated power.

    Args:
        gpus: zeus's GPUs.
        index: torch's number of the GPU, and zeus's.
        clock: monotonic, in seconds.
        poll_interval_s: how often it will be read.

    Raises:
        Exception: whatever zeus raises for a GPU that does not answer.
    """

    def __init__(self, gpus: Any, index: int, clock: Callable[[], float], poll_interval_s: float) -> None:
        self._gpus = gpus
        self._index = index
        self._name = f"gpu:{index}"
        self._tell_mw = next(filter(self._works, (gpus.get_instant_power_usage, gpus.get_average_power_usage)), None)
        supported = bool(gpus.supports_get_total_energy_consumption(index))
        self._has_counter = supported and self._works(gpus.get_total_energy_consumption)
        self._integral = Integral(self._power_w, clock, poll_interval_s)
        self.model = str(gpus.get_name(index))
        self.domains = (
            Domain(
                name=self._name,
                provenance=Provenance.MEASURED,
                scale_u_rel=GPU_SCALE_U_REL,
                random_u_rel=COUNTER_U_REL if self._has_counter else INTEGRAL_U_REL,
                scope=Scope.DEVICE,
                tick_s=TICK_S,
                resolution_j=1e-3,
                max_power_w=self._max_power_w(),
                source=f"zeus: {'energy counter' if self._has_counter else 'integrated power'} of {self.model}",
                note="the whole device, whoever computes on it",
            ),
        )

    def obstacle(self) -> Problem | None:
        """Why the joules of this GPU cannot be known; ``None`` if they can."""
        if self._has_counter or self._tell_mw is not None:
            return None
        return Problem(
            self._name,
            f"{self.model} tells zeus neither energy nor power",
            "update the driver; of an MI250, train on the die with the even number, which counts for both",
        )

    def read(self) -> Joules:
        """What the counter shows, or the integral."""
        if not self._has_counter:
            return {self._name: self._integral.read_j()}
        return {self._name: self._gpus.get_total_energy_consumption(self._index) * 1e-3}

    def power_w(self) -> Mapping[str, float | None]:
        """Instant power, or the mean one."""
        return {} if self._tell_mw is None else {self._name: self._power_w()}

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature."""
        return {self._name: Conditions(temperature_c=float(self._gpus.get_gpu_temperature(self._index)))}

    def _power_w(self) -> float:
        assert self._tell_mw is not None
        return float(self._tell_mw(self._index)) * 1e-3

    def _works(self, tell: Callable[[int], Any]) -> bool:
        """Whether the GPU has it; zeus has an exception of its own for each code of each vendor."""
        try:
            tell(self._index)
        except Exception:
            return False
        return True

    def _max_power_w(self) -> float:
        with suppress(Exception):
            if limit_mw := self._gpus.get_power_management_limit_constraints(self._index)[1]:
                return 2.0 * float(limit_mw) * 1e-3
        return MAX_POWER_W


class SocSource(Source):
    """The parts of one chip, read at once; safe from several threads.

    Args:
        soc: zeus's chip.
        leave_out: names of domains that something else counts already.

    Raises:
        Exception: whatever zeus raises for a chip that does not answer.
    """

    def __init__(self, soc: Any, leave_out: frozenset[str]) -> None:
        self._soc = soc
        self._lock = threading.Lock()
        told = soc.get_available_metrics()
        self._parts = [
            part for part in PARTS if part.name not in leave_out and any(name in told for name in part.fields)
        ]
        others = len(self._parts) > 1
        self.domains = tuple(self._domain(part, additive=not (part.is_whole and others)) for part in self._parts)

    def read(self) -> Joules:
        """What the chip has counted since zeus first looked."""
        with self._lock:  # one question and one answer at a time
            measured = self._soc.get_total_energy_consumption()
        return {part.name: _sum_j(measured, part.fields) for part in self._parts}

    def _domain(self, part: Part, *, additive: bool) -> Domain:
        return Domain(
            name=part.name,
            provenance=Provenance.MEASURED,
            scale_u_rel=SOC_SCALE_U_REL,
            random_u_rel=INTEGRAL_U_REL,
            scope=Scope.DEVICE,
            tick_s=TICK_S,
            resolution_j=1e-3,
            max_power_w=MAX_POWER_W,
            additive=additive,
            source=f"zeus: {type(self._soc).__name__} {' + '.join(part.fields)}",
            note="by the chip's own reckoning, whoever computes on it",
        )


def _sum_j(measured: Any, fields: tuple[str, ...]) -> float | None:
    """Sum of the fields that are there, in joules; ``None`` if none is."""
    values_mj = [value for name in fields if (value := getattr(measured, name, None)) is not None]
    return sum(values_mj) * 1e-3 if values_mj else None
