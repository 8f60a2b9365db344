"""What a monitor has measured in one window, as plain data, and its tables.

    ``rows_frame``     layers and other owners; rows sum to the window's joules
    ``epochs_frame``   means of what was logged, joules, and joules for each unit of loss decrease

    energy_per_loss_decrease_j(k) = E_k / (loss_{k-1} - loss_k)      only where the loss fell

E_k reaches from the last log of epoch k - 1 (or the window's start) to the last log of epoch k, validation included.
The quotient is the one that GATorch shows; it depends on the unit of the loss, so it compares epochs of one training,
not trainings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sweep.analysis import wording
from sweep.analysis.layers import Breakdown, breakdown, layer_rows
from sweep.records import Domain, DomainEnergy, LayerTable, total_j

LOSS = "loss"
OWN_COLUMNS = ("energy_j", "duration_s", "energy_per_loss_decrease_j")
"""Of an epoch, after what was logged."""
COLUMNS = ("layer", "type", "pass", "energy_j", "energy_u_random_j", "share", "flops_per_j", "provenance")


@dataclass(frozen=True, slots=True)
class EpochEnergy:
    """One epoch of what was logged.

    Attributes:
        epoch: as the loop counts them.
        logged: mean of each value that was logged in it.
        energy_j: of additive domains; ``None`` if not known.
    """

    epoch: int
    logged: Mapping[str, float]
    energy_j: float | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class WindowEnergy:
    """All windows of one name.

    Attributes:
        name: path of names, ``outer/inner``.
        count: how many there were.
    """

    name: str
    count: int
    duration_s: float
    energy_j: float | None
    domains: Mapping[str, DomainEnergy]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that tables, charts and pages show.

    Attributes:
        title: what was measured.
        table: rows that sum to ``domains``.
        domains: joules of the whole window.
        machine: on what it ran, in words.
        sources: the domains that were covered; without them the label cannot say whose joules these are.
    """

    title: str
    machine: str
    duration_s: float
    table: LayerTable
    domains: Mapping[str, DomainEnergy]
    epochs: Sequence[EpochEnergy] = ()
    windows: Sequence[WindowEnergy] = ()
    sources: Sequence[Domain] = ()

    @property
    def label(self) -> str:
        """What the total is a sum of."""
        return wording.energy_label(self.sources) if self.sources else wording.provenance(self.domains.values())

    @property
    def energy_j(self) -> float | None:
        """Joules of additive domains."""
        return total_j(energy.energy_j for energy in self.domains.values() if energy.additive)

    @property
    def breakdown(self) -> Breakdown:
        """Rows as the charts want them."""
        return breakdown([self.table], self.domains)


def rows_frame(measured: Measured) -> pd.DataFrame:
    """One row for each layer and pass, and one for each other owner; ``COLUMNS`` first."""
    provenance = wording.provenance(measured.domains.values())
    rows = layer_rows(measured.table, measured.domains)
    found = [
        {
            "layer": row.layer,
            "type": row.type,
            "pass": row.pass_ and str(row.pass_),
            "energy_j": row.energy_j,
            "energy_u_random_j": row.energy_u_random_j,
            "share": row.share,
            "flops_per_j": row.flops_per_j,
            "provenance": provenance,
            "duration_s": row.duration_s,
            "dynamic_j": row.dynamic_j,
            "flops": row.flops,
            "method": str(measured.table.method),
            **{f"energy_j.{name}": joules for name, joules in record.energy_j.items()},
        }
        for row, record in zip(rows, measured.table.rows, strict=True)
    ]
    return _typed(
        pd.DataFrame(found, columns=list(found[0]) if found else list(COLUMNS)),
        ("layer", "type", "pass", "provenance", "method"),
    )


def epochs_frame(epochs: Sequence[EpochEnergy]) -> pd.DataFrame:
    """One row for each epoch; a value that was not logged in it is NaN.

    A value that was logged under the name of a column of ours is ``logged.<name>``.
    """
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.logged))
    columns = [f"logged.{name}" if name in OWN_COLUMNS else name for name in names]
    decrease_j = per_decrease_j(epochs)
    found = [
        {
            "epoch": epoch.epoch,
            **{column: epoch.logged.get(name) for column, name in zip(columns, names, strict=True)},
            "energy_j": epoch.energy_j,
            "duration_s": epoch.duration_s,
            "energy_per_loss_decrease_j": per_j,
        }
        for epoch, per_j in zip(epochs, decrease_j, strict=True)
    ]
    return _typed(pd.DataFrame(found, columns=["epoch", *columns, *OWN_COLUMNS]), ("epoch",))


def windows_frame(windows: Sequence[WindowEnergy]) -> pd.DataFrame:
    """One row for each name."""
    domains = list(dict.fromkeys(name for window in windows for name in window.domains))
    found = [
        {
            "window": window.name,
            "count": window.count,
            "duration_s": window.duration_s,
            "energy_j": window.energy_j,
            **{f"energy_j.{name}": window.domains[name].energy_j for name in domains},
        }
        for window in windows
    ]
    columns = ["window", "count", "duration_s", "energy_j", *(f"energy_j.{name}" for name in domains)]
    return _typed(pd.DataFrame(found, columns=columns), ("window", "count"))


def per_decrease_j(epochs: Sequence[EpochEnergy]) -> list[float | None]:
    """Joules for each unit by which the loss fell since the epoch before; ``None`` where it did not."""
    found: list[float | None] = []
    before: float | None = None
    for epoch in epochs:
        loss = epoch.logged.get(LOSS)
        fell = before - loss if before is not None and loss is not None else 0.0
        found.append(epoch.energy_j / fell if epoch.energy_j is not None and fell > 0 else None)
        before = loss if loss is not None else before
    return found


def overall_decrease_j(epochs: Sequence[EpochEnergy]) -> float | None:
    """Joules for each unit by which the loss fell from the first epoch that logged one to the last one."""
    logged = [index for index, epoch in enumerate(epochs) if LOSS in epoch.logged]
    if len(logged) < 2:
        return None
    first, last = logged[0], logged[-1]
    spent_j = total_j(epoch.energy_j for epoch in epochs[first + 1 : last + 1])
    fell = epochs[first].logged[LOSS] - epochs[last].logged[LOSS]
    return spent_j / fell if spent_j is not None and fell > 0 else None


def _typed(frame: pd.DataFrame, keep: tuple[str, ...]) -> pd.DataFrame:
    """Numbers as floats, with NaN for what is not known."""
    return frame.astype({name: "float64" for name in frame.columns if name not in keep})
