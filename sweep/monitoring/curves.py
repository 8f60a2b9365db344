"""Values that a loop logs, by epoch, with the joules of each epoch.

    log(0)      log(0)   log(1)            log(1)
    start ...|........|........|..............|
    |---- epoch 0 ----|------- epoch 1 -------|

An epoch ends with its last log. Values are summed where they are: a tensor on an accelerator is not waited for.
"""

from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import torch

from sweep.analysis.measured import EpochEnergy
from sweep.errors import MonitorError
from sweep.monitoring.interval import Energies, Interval, Source, additive_j, plus


@dataclass
class _Epoch:
    number: int
    start_s: float
    end_s: float
    sums: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    spent: Energies = field(default_factory=dict)

    def add(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1

    def result(self) -> EpochEnergy:
        return EpochEnergy(
            epoch=self.number,
            logged={name: float(total) / self.counts[name] for name, total in self.sums.items()},
            energy_j=additive_j(self.spent),
            duration_s=self.end_s - self.start_s,
        )


class Curves:
    """What was logged.

    Args:
        start_s: beginning of the first epoch.
    """

    def __init__(self, start_s: float) -> None:
        self._epochs: list[_Epoch] = []
        self._since = Interval(start_s)
        self._waiting: list[_Epoch] = []
        self._logged_s = start_s

    def log(self, now_s: float, epoch: int | None, values: dict[str, Any]) -> None:
        """Add values to an epoch.

        Args:
            now_s: time of the log.
            epoch: ``None`` for one more than the last one.
            values: numbers, or tensors of one element.

        Raises:
            MonitorError: for another value, or for an epoch that is not the last one nor after it.
        """
        if epoch is not None and not _is_whole(epoch):
            raise MonitorError(f"epoch={epoch!r} is no whole number", "count epochs by 0, 1, 2, ...")
        checked = {name: _summable(name, value) for name, value in values.items()}
        last = self._epochs[-1] if self._epochs else None
        number = epoch if epoch is not None else (last.number + 1 if last else 0)
        if last is None or number > last.number:
            last = _Epoch(number, self._logged_s, now_s)
            self._epochs.append(last)
        elif number < last.number:
            raise MonitorError(f"epoch={number} is logged after epoch {last.number}", "log epochs in rising order")
        last.add(checked)
        last.end_s = self._logged_s = now_s
        if not self._waiting or self._waiting[-1] is not last:
            self._waiting.append(last)

    def cut(self, source: Source, now_s: float) -> None:
        """Find the joules of what was logged; the source before now is needed no longer."""
        for epoch in self._waiting:
            epoch.spent = plus(epoch.spent, self._since.upto(source, epoch.end_s))
            self._since = Interval(epoch.end_s)
        self._waiting.clear()
        self._since.cut(source, now_s)

    def results(self) -> list[EpochEnergy]:
        """The epochs so far, as of the last cut."""
        return [epoch.result() for epoch in self._epochs if epoch.spent]


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _summable(name: str, value: Any) -> Any:
    """A number, or a detached scalar tensor that stays where it is."""
    if isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_complex():
        scalar = value.detach().reshape(())
        return (
            float(scalar)
            if scalar.device.type == "cpu"
            else scalar.double()
            if scalar.device.type == "cuda"
            else scalar.float()
        )
    if isinstance(value, Real):
        return float(value)
    shape = f" of shape {tuple(value.shape)}, {value.dtype}" if isinstance(value, torch.Tensor) else ""
    raise MonitorError(
        f"{name} is a {type(value).__name__}{shape}, not a number",
        "log a number or a tensor of one element, e.g. loss.mean()",
    )
