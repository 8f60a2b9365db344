"""AMD GPUs, Apple Silicon and Jetson, through the library zeus (extra ``zeus``; github.com/ml-energy/zeus).

    gpu:0, gpu:1 ...                cuda:0, cuda:1 ... of torch (on AMD: of HIP)
    cpu:0, gpu:0, dram:0, ane:0     parts of an Apple chip
    cpu:0, gpu:0, psys:0            rails of a Jetson; psys holds the others and is not added to them

Of zeus only ``zeus.device`` is used: what it starts elsewhere, such as watcher processes for RAPL (zeus#121), it does
not start here. Joules are its counters, in millijoules; of a GPU without a counter, its integrated power. It can read
NVIDIA's GPUs too, which is how the ``nvml`` meter is checked against it.

Tested without any of the hardware: the NVIDIA path through a fake driver below NVIDIA's binding, the AMD path through a
fake ``amdsmi`` below zeus, Apple Silicon and Jetson through zeus's own classes with made-up numbers. Nothing of this
meter has been tried on an AMD GPU, an Apple chip or a Jetson.

Limits: zeus takes only numbers in CUDA_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES. It keeps what it opened for the life of
the process; on a Jetson, which has power but no counters, that is a process of its own that adds power up ten times a
second, so a script must guard its main part with ``if __name__ == "__main__"``. Opening takes half a second on AMD,
where zeus checks the counter against the power. Apple calls the figures of its chips estimates that do not compare
between machines (powermetrics(1)); the scale uncertainty of 0.2 there and on a Jetson is a judgement, as are the ticks
of 0.1 s.
"""

import importlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from sweep.energy.meter import Meter, Problem, check_interval
from sweep.energy.zeus.sources import GpuSource, SocSource, Source
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Conditions, Domain, Joules


class ZeusMeter(Meter):
    """Energy of what zeus finds.

    Args:
        clock: monotonic, in seconds; positional only, so not an option of the config.
        poll_interval_s: seconds between two polled readings.

    Raises:
        MeterError: if the interval is not positive, or longer than an hour.
    """

    rank: ClassVar[int | None] = 20
    covers: ClassVar[frozenset[str]] = frozenset({"gpu"})

    def __init__(self, clock: Callable[[], float] = time.monotonic, /, *, poll_interval_s: float = 0.1) -> None:
        check_interval(poll_interval_s)
        self.poll_interval_s = poll_interval_s
        self._clock = clock
        self._attended: int | None = None
        self._sources: tuple[Source, ...] = ()
        self._domains: tuple[Domain, ...] = ()
        self._problems: tuple[Problem, ...] = ()

    def attend(self, device: str) -> None:
        """Read only the GPU that works, and the chip around it."""
        kind, _, number = device.partition(":")
        self._attended = int(number or 0) if kind == "cuda" and (number or "0").isdigit() else None

    @property
    def domains(self) -> tuple[Domain, ...]:
        """GPUs, then the parts of a chip."""
        return self._domains

    @property
    def problems(self) -> tuple[Problem, ...]:
        """GPUs that zeus sees and cannot read."""
        return self._problems

    def open(self) -> None:
        """Have zeus find what there is.

        Raises:
            SensorAbsentError: if zeus is not installed, or finds nothing.
            MeterError: if it fails, or what it finds cannot be read.
        """
        self.close()
        with _quiet():
            device = _import()
            error = importlib.import_module("zeus.exception").ZeusBaseError
            gpus, absent = _find(device.get_gpus, error)
            sources, problems = ([], []) if gpus is None else self._gpu_sources(gpus)
            taken = frozenset(domain.name for source in sources for domain in source.domains)
            soc, _ = _find(device.get_soc, error)
            if soc is not None:
                sources.append(SocSource(soc, taken))
        domains = tuple(domain for source in sources for domain in source.domains)
        if not domains and problems:
            raise MeterError(problems[0].why, problems[0].mend)
        if not domains:
            raise SensorAbsentError(f"zeus finds nothing that it can read ({absent})", "choose another meter")
        self._sources, self._domains, self._problems = tuple(sources), domains, tuple(problems)

    def close(self) -> None:
        """Let go; zeus itself keeps what it opened."""
        self._sources = ()

    def read(self) -> Joules:
        """What zeus's counters show; ``None`` for what it cannot read now.

        Raises:
            MeterError: if the meter is not open.
        """
        shown_j: dict[str, float | None] = {}
        for source in self._open_sources():
            shown_j |= _answer(source.read) or {domain.name: None for domain in source.domains}
        return shown_j

    def power_w(self) -> Mapping[str, float | None]:
        """Instant power of the GPUs, or the mean one."""
        return {name: power_w for source in self._open_sources() for name, power_w in _answer(source.power_w).items()}

    def conditions(self) -> Mapping[str, Conditions]:
        """Temperature of the GPUs."""
        return {name: state for source in self._open_sources() for name, state in _answer(source.conditions).items()}

    def _open_sources(self) -> tuple[Source, ...]:
        if not self._sources:
            raise MeterError("the zeus meter is read while closed", "open it first")
        return self._sources

    def _gpu_sources(self, gpus: Any) -> tuple[list[Source], list[Problem]]:
        """The GPUs to read, and why others are not read."""
        sources: list[Source] = []
        problems: list[Problem] = []
        for index in range(len(gpus)) if self._attended is None else [self._attended]:
            try:
                source = GpuSource(gpus, index, self._clock, self.poll_interval_s)
            except Exception as err:  # zeus's, or that of the vendor's library below
                why = f"GPU {index} does not answer zeus ({type(err).__name__}: {err})"
                problems.append(Problem(f"gpu:{index}", why, "see the log of its driver"))
                continue
            obstacle = source.obstacle()
            if obstacle is None:
                sources.append(source)
            else:
                problems.append(obstacle)
        return sources, problems


def _import() -> Any:
    """The module ``zeus.device``.

    Raises:
        SensorAbsentError: if it is not installed.
        MeterError: if it is another package of that name, or cannot be loaded.
    """
    try:
        return importlib.import_module("zeus.device")
    except ModuleNotFoundError as err:
        raise SensorAbsentError(f"zeus is not installed ({err})", 'pip install "sweep-energy[zeus]"') from err
    except Exception as err:  # it loads the vendors' libraries
        raise MeterError(
            f"zeus cannot be loaded ({type(err).__name__}: {err})", "mend that, or choose another meter"
        ) from err


def _find(get: Callable[[], Any], absent: type[Exception]) -> tuple[Any | None, str]:
    """What zeus finds of a kind, or why it finds nothing.

    Raises:
        MeterError: if it fails otherwise.
    """
    try:
        return get(), ""
    except absent as err:
        return None, str(err)
    except Exception as err:  # e.g. a UUID in CUDA_VISIBLE_DEVICES, or the vendor's library
        raise MeterError(
            f"zeus fails to look for devices ({type(err).__name__}: {err})",
            "give CUDA_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES as numbers, or choose another meter",
        ) from err


def _answer(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """What a source tells; nothing if zeus or the vendor's library raises."""
    try:
        return ask()
    except Exception:
        return {}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep zeus from warning of vendors that are not here."""
    logger = logging.getLogger("zeus")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
