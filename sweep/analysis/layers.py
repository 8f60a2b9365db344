"""Where the joules of a training go: layer tables summed over domains and averaged over trials.

    row of a record      joules of each domain
    ``layer_rows``       one table; each row summed over additive domains
    ``breakdown``        several tables, e.g. of a setup's repeats; each phase averaged over the tables that have it

A row that a table lacks counts as 0 joules in the mean, since each table is a partition of its phase; so the mean
rows sum to the mean energy. The uncertainty of a mean row is the mean of the uncertainties: the unknown power of a
layer is the same in every repeat and does not average out.

Limits: tables of one phase must be of the same model. A row with unknown joules makes its mean unknown, and then
no share is known.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sweep.analysis import wording
from sweep.analysis.above_idle import is_above_idle, table_above_idle
from sweep.analysis.current import current, is_disturbed
from sweep.analysis.setups import Setup
from sweep.records import (
    Domain,
    DomainEnergy,
    Joules,
    LayerEnergy,
    LayerMethod,
    LayerTable,
    Pass,
    StudyData,
    total_j,
)

Covered = Mapping[str, Domain] | Mapping[str, DomainEnergy]
"""What is known of each domain, by its name: a study's domains or a trial's."""

MODEL = "(model)"
"""How the model's own operations are called; their qualified name is empty."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer in one pass, or one of ``Row``; joules are sums over additive domains.

    Attributes:
        path: qualified name, empty for the model's own operations; the ``Row`` for others.
        type: class name; empty for a ``Row``.
        pass_: ``None`` for a ``Row``.
        energy_u_random_j: standard uncertainty of the division among rows; the scale's comes on top.
        share: of the joules of all rows.
        dynamic_j: joules above idle.
        flops: of all steps; not whole in a mean.
        steps_j: joules of single marked steps.
    """

    phase: str
    path: str
    type: str
    pass_: Pass | None
    duration_s: float
    energy_j: float | None
    energy_u_random_j: float | None
    share: float | None
    dynamic_j: float | None
    flops: float | None
    steps_j: tuple[float, ...]

    @property
    def layer(self) -> str:
        """The path as it is shown."""
        return self.path or MODEL

    @property
    def flops_per_j(self) -> float | None:
        """FLOPs for each joule; ``None`` if one of the two is unknown or nothing."""
        return self.flops / self.energy_j if self.flops and self.energy_j else None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What all charts and tables of layers show.

    Attributes:
        rows: in the order of the records.
        energy_j: of all rows.
        provenance: of the joules, in words.
        methods: how joules were divided.
        steps: training steps of all tables.
        marked_steps: those on which layers were marked.
        marking_share: seconds that marking added, of all seconds; within noise it may be negative.
        notes: what a reader must know.
    """

    rows: tuple[LayerRow, ...]
    energy_j: float | None
    provenance: str
    methods: tuple[LayerMethod, ...]
    steps: int
    marked_steps: int
    marking_share: float | None
    notes: tuple[str, ...]

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases in their order."""
        return tuple(dict.fromkeys(row.phase for row in self.rows))

    @property
    def by_energy(self) -> tuple[LayerRow, ...]:
        """Rows by falling joules; unknown ones last."""
        return tuple(sorted(self.rows, key=lambda row: -math.inf if row.energy_j is None else row.energy_j)[::-1])


@dataclass(frozen=True, slots=True)
class SetupLayers:
    """Layers of the setup that a report shows.

    Attributes:
        params: of the setup.
        numbers: of the trials averaged.
        is_recommended: whether it is the recommended setup.
        disturbed: those of the trials that other programs disturbed.
    """

    params: dict[str, Any]
    numbers: tuple[int, ...]
    is_recommended: bool
    disturbed: tuple[int, ...]
    breakdown: Breakdown


def layer_rows(table: LayerTable, covered: Covered) -> tuple[LayerRow, ...]:
    """Rows of one table, in its order; shares are of the table."""
    return tuple(
        _row(table.phase, row, *joules) for row, joules in zip(table.rows, layer_joules(table, covered), strict=True)
    )


def layer_joules(table: LayerTable, covered: Covered) -> list[tuple[float | None, float | None, float | None]]:
    """Of each row: joules, those of them above idle, both over additive domains, and the share of the table."""
    apart = {name for name, domain in covered.items() if not domain.additive}
    energies = [_additive(row.energy_j, apart) for row in table.rows]
    whole_j = total_j(energies)
    return [
        (energy_j, _additive(row.dynamic_j, apart), _share(energy_j, whole_j))
        for row, energy_j in zip(table.rows, energies, strict=True)
    ]


def breakdown(tables: Sequence[LayerTable], covered: Covered) -> Breakdown:
    """Mean of the tables of each phase, phase after phase; shares are of all phases together.

    Args:
        tables: of one model, in any number of phases.
        covered: the domains of the tables' joules.
    """
    phases = dict.fromkeys(table.phase for table in tables)
    rows: list[LayerRow] = []
    for phase in phases:
        rows += _mean_rows([layer_rows(table, covered) for table in tables if table.phase == phase])
    return Breakdown(
        rows=_shared(rows),
        energy_j=total_j(row.energy_j for row in rows),
        provenance=wording.provenance(covered.values()),
        methods=tuple(dict.fromkeys(table.method for table in tables)),
        steps=sum(table.steps for table in tables),
        marked_steps=sum(table.marked_steps for table in tables),
        marking_share=_marking_share(tables),
        notes=tuple(dict.fromkeys(note for table in tables for note in table.notes)),
    )


def _marking_share(tables: Sequence[LayerTable]) -> float | None:
    """Share of the time that marking took, of the tables that know it."""
    known = [(table.marking_s, table) for table in tables if table.marking_s is not None]
    seconds = math.fsum(row.duration_s for _, table in known for row in table.rows)
    return math.fsum(marking_s for marking_s, _ in known) / seconds if seconds > 0 else None


def setup_layers(data: StudyData, recommended: Setup | None) -> SetupLayers | None:
    """Layers of the recommended setup, mean over its trials; else of the first trial that has any."""
    repeats = [trial for trial in recommended.trials if trial.layers] if recommended else []
    trials = repeats or [trial for trial in sorted(current(data), key=lambda t: t.number) if trial.layers][:1]
    if not trials:
        return None
    covered = {name: domain for trial in trials for name, domain in trial.domains.items()}
    tables = [table for trial in trials for table in trial.layers]
    return SetupLayers(
        params=dict(trials[0].params),
        numbers=tuple(trial.number for trial in trials),
        is_recommended=bool(repeats),
        disturbed=tuple(trial.number for trial in trials if is_disturbed(trial)),
        breakdown=breakdown(list(map(table_above_idle, tables)) if is_above_idle(data) else tables, covered),
    )


def _row(
    phase: str, row: LayerEnergy, energy_j: float | None, dynamic_j: float | None, share: float | None
) -> LayerRow:
    return LayerRow(
        phase=phase,
        path=row.layer,
        type=row.type,
        pass_=row.pass_,
        duration_s=row.duration_s,
        energy_j=energy_j,
        energy_u_random_j=row.energy_u_random_j,
        share=share,
        dynamic_j=dynamic_j,
        flops=row.flops,
        steps_j=tuple(row.steps_j),
    )


def _additive(joules: Joules, apart: set[str]) -> float | None:
    return total_j([item for name, item in joules.items() if name not in apart] if apart else joules.values())


def _share(energy_j: float | None, whole_j: float | None) -> float | None:
    """Of the whole; unknown if a part of it is."""
    return energy_j / whole_j if energy_j is not None and whole_j else None


def _shared(rows: Sequence[LayerRow]) -> tuple[LayerRow, ...]:
    whole_j = total_j(row.energy_j for row in rows)
    return tuple(replace(row, share=_share(row.energy_j, whole_j)) for row in rows)


def _mean_rows(tables: Sequence[Sequence[LayerRow]]) -> list[LayerRow]:
    groups: dict[tuple[str, Pass | None], list[LayerRow]] = {}
    for rows in tables:
        for row in rows:
            groups.setdefault((row.path, row.pass_), []).append(row)
    return [_mean_row(group, len(tables)) for group in groups.values()]


def _mean_row(group: Sequence[LayerRow], n: int) -> LayerRow:
    return replace(
        group[0],
        duration_s=math.fsum(row.duration_s for row in group) / n,
        energy_j=_mean((row.energy_j for row in group), n),
        energy_u_random_j=_mean((row.energy_u_random_j for row in group), n),
        dynamic_j=_mean((row.dynamic_j for row in group), n),
        flops=_mean((row.flops for row in group), n),
        steps_j=tuple(item for row in group for item in row.steps_j),
    )


def _mean(items: Iterable[float | None], n: int) -> float | None:
    total = total_j(items)
    return None if total is None else total / n
