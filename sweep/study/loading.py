"""Objectives with their data on the device: loaded once for a set of options."""

from dataclasses import dataclass

from sweep.config import SweepConfig, digest
from sweep.errors import DataError, SweepError
from sweep.objective import Data, Objective
from sweep.records import DataInfo
from sweep.registry import build
from sweep.training import device as devices
from sweep.training.feed import place


@dataclass(frozen=True)
class Loaded:
    """An objective with its data on the device."""

    objective: Objective
    data: Data
    info: DataInfo


class Loader:
    """Objectives with their data, loaded once for a set of options; the last set stays in memory."""

    def __init__(self) -> None:
        self._key = ""
        self._loaded: Loaded | None = None

    def load(self, config: SweepConfig) -> Loaded:
        """The objective that a config describes, its training and validation data on the device.

        Raises:
            SweepError: if the options or the data cannot be used.
        """
        key = digest([config.objective, config.trainer.device])
        if self._loaded is None or key != self._key:
            self._loaded = None  # two sets need not fit side by side
            objective = build(config.objective, Objective, "objective")  # type: ignore[type-abstract]
            data = _data_of(objective)
            info = data.info()
            device = devices.choose(config.trainer.device)
            placed = data._replace(train=place(data.train, device), val=place(data.val, device))
            self._key, self._loaded = key, Loaded(objective, placed, info)
        return self._loaded


def _data_of(objective: Objective) -> Data:
    """An objective's data, with whatever a user's own code raises in our words."""
    name = type(objective).__name__
    try:
        data = objective.data()
    except SweepError:
        raise
    except Exception as err:
        raise DataError(
            f"{name} cannot load its data ({type(err).__name__}: {err})",
            "correct the task; --traceback shows where it fails",
        ) from err
    if not isinstance(data, Data):
        raise DataError(
            f"data() of {name} returned a {type(data).__name__}", "return a sweep.objective.Data with its splits"
        )
    return data
