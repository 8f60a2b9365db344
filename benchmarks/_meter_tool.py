"""The contract of a tool that measures joules in windows, and those that need no other library: ours, and polled power.

begin   the window begins when it returns
end     the window ends when it is called; tells the joules of each row
"""

import statistics
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[1]))

from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder

SMI_INTERVAL_S = 0.1
PATIENCE_S = 10.0


class Found(NamedTuple):
    """What a tool says of one row in one window.

    Attributes:
        u_j: its standard uncertainty, that of the scale left out; ``None`` if it names none.
        polled_j: mean polled power times duration, where the tool tells that too.
    """

    energy_j: float | None
    u_j: float | None = None
    polled_j: float | None = None


class Tool(ABC):
    """A tool on some rows of a scene, which share its beginning and end of a window.

    Args:
        rows: names.
    """

    def __init__(self, rows: Sequence[str]) -> None:
        self.rows = list(rows)

    def prepare(self) -> None:  # noqa: B027 - few need it
        """Set up for a window, before it."""

    @abstractmethod
    def begin(self) -> None:
        """The window begins when this returns."""

    @abstractmethod
    def end(self) -> dict[str, Found]:
        """The window ends when this is called."""

    def close(self) -> None:  # noqa: B027
        """Leave nothing running."""


class Refused(Tool):
    """A tool that could not be set up."""

    def __init__(self, rows: Sequence[str], error: Exception) -> None:
        super().__init__(rows)
        self._error = error

    def begin(self) -> None:
        raise self._error

    def end(self) -> dict[str, Found]:
        raise self._error


class Ours(Tool):
    """A recorder around one of our meters; a row is the sum of some of its domains."""

    def __init__(self, meter: Meter, domains: Mapping[str, Callable[[str], bool]]) -> None:
        super().__init__(list(domains))
        self._domains = domains
        self._recorder = Recorder(meter, warn=str)
        self._recorder.__enter__()
        self._start_s = 0.0

    def begin(self) -> None:
        self._start_s = self._recorder.mark()

    def end(self) -> dict[str, Found]:
        end_s = self._recorder.mark()
        self._recorder.catch_up()
        energies = self._recorder.energy(self._start_s, end_s)
        found = {}
        for row, is_of in self._domains.items():
            parts = [energy for name, energy in energies.items() if is_of(name)]
            polled = [part.polled_j for part in parts if part.polled_j is not None]
            joules = [part.energy_j for part in parts if part.energy_j is not None]
            known = len(joules) == len(parts) > 0
            u_j = sum((part.u_random_j or 0.0) ** 2 for part in parts) ** 0.5
            found[row] = Found(sum(joules) if known else None, u_j if known else None, sum(polled) if polled else None)
        return found

    def close(self) -> None:
        self._recorder.__exit__(None, None, None)


class Smi(Tool):
    """Polls the power that nvidia-smi shows."""

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__(rows)
        self._watts: list[list[float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread()
        self._start_s = 0.0

    def begin(self) -> None:
        self._watts, self._start_s = [], time.monotonic()
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, Found]:
        duration_s = time.monotonic() - self._start_s
        self._stop.set()
        self._thread.join(PATIENCE_S)
        means_w = [statistics.fmean(column) for column in zip(*self._watts, strict=True)]
        return {row: Found(mean_w * duration_s) for row, mean_w in zip(self.rows, means_w, strict=True)}

    def _poll(self) -> None:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(len(self.rows))]
        while True:
            self._watts.append([pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3 for handle in handles])
            if self._stop.wait(SMI_INTERVAL_S):
                return
