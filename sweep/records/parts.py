"""Records of trials of which a part is read, for studies of many trials.

Layers take two thirds of the memory of a record, and a report shows those of few trials: ``StoredLayers`` stay on disk
until one of them is asked for, and the work of the model is counted while the record is read. Of the epochs, what is
no ``Milestone`` takes a third of the rest. Where memory is dear, touching it takes longer than reading the file.

Limits: what is not read is not checked. A milestone in the place of a ``TrajectoryPoint`` has no loss, not one that is
not known: asking for it raises AttributeError.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol, overload

import msgspec

from sweep.records.base import load, total_j
from sweep.records.layers import LayerTable
from sweep.records.trial import Milestone, TrialRecord


class LayerWork(NamedTuple):
    """Work of the model of a trial, whatever it spent on it.

    Attributes:
        flops: of all steps of all phases, backward included; ``None`` if those of a layer are not known.
        parameters: of the model of the last phase; ``None`` if its layers have no shapes.
    """

    flops: float | None
    parameters: int | None


class StoredLayers(Sequence[LayerTable]):
    """The layer tables of a trial, read when one of them is asked for.

    Args:
        n: tables.
        work: of the model.
        read: gives the tables; raises RecordError.
    """

    __slots__ = ("_n", "_read", "_tables", "work")

    def __init__(self, n: int, work: LayerWork, read: Callable[[], Sequence[LayerTable]]) -> None:
        self.work = work
        self._n = n
        self._read = read
        self._tables: Sequence[LayerTable] | None = None

    def __len__(self) -> int:
        """Number of tables, known without reading them."""
        return self._n

    @overload
    def __getitem__(self, index: int) -> LayerTable: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LayerTable]: ...
    def __getitem__(self, index: int | slice) -> LayerTable | Sequence[LayerTable]:
        """A table, or some of them.

        Raises:
            RecordError: if the record is missing or damaged by now.
        """
        if self._tables is None:
            self._tables = self._read()
        return self._tables[index]


class _Row(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def flops(self) -> int | None: ...


class _Shape(Protocol):
    @property
    def parameters(self) -> int: ...


class _Table(Protocol):
    @property
    def rows(self) -> Iterable[_Row]: ...
    @property
    def shapes(self) -> Iterable[_Shape]: ...


def layer_work(tables: Sequence[_Table]) -> LayerWork:
    """Work of the model whose layer tables these are."""
    if isinstance(tables, StoredLayers):
        return tables.work
    counted = [shape.parameters for shape in tables[-1].shapes] if tables else []
    return LayerWork(
        flops=total_j(row.flops for table in tables for row in table.rows if row.type),
        parameters=sum(counted) if counted else None,
    )


class _ReadRow(msgspec.Struct, gc=False):
    type: str
    flops: int | None = None


class _ReadShape(msgspec.Struct, gc=False):
    parameters: int


class _ReadTable(msgspec.Struct, gc=False):
    rows: list[_ReadRow]
    shapes: list[_ReadShape] = msgspec.field(default_factory=list)


class _Read(TrialRecord, frozen=True, kw_only=True):
    """A record as it is read here: of its layers only what their work needs."""

    layers: list[_ReadTable] = msgspec.field(default_factory=list)  # type: ignore[assignment]


class _ReadPoint(Milestone, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """A milestone out of the text of a whole point."""


class _ReadMilestones(_Read, frozen=True, kw_only=True):
    """A record of whose epochs only milestones are read."""

    trajectory: list[_ReadPoint]  # type: ignore[assignment]


class _Nothing(msgspec.Struct, gc=False):
    """Whatever is there."""


class _WithoutShapes(LayerTable, frozen=True, kw_only=True):
    shapes: list[_Nothing] = msgspec.field(default_factory=list)  # type: ignore[assignment]


class _ReadWithoutShapes(TrialRecord, frozen=True, kw_only=True):
    layers: list[_WithoutShapes] = msgspec.field(default_factory=list)


_FIELDS = tuple(field.name for field in msgspec.structs.fields(TrialRecord) if field.name != "layers")


def load_without_layers(path: Path, what: str, *, milestones: bool = False) -> TrialRecord:
    """Read the record of a trial but for its layers, which become ``StoredLayers``.

    Args:
        path: of the file, where it must stay.
        what: it is, for errors.
        milestones: whether its epochs become milestones, which ``sweep.analysis.summary`` needs and no more, but for
            the drift of the energy per step.

    Raises:
        RecordError: if it is missing or damaged.
    """
    read = load(path, _ReadMilestones if milestones else _Read, what)
    layers = StoredLayers(len(read.layers), layer_work(read.layers), partial(_tables, path, what))
    return TrialRecord(layers=layers, **{name: getattr(read, name) for name in _FIELDS})


def load_without_shapes(path: Path, what: str) -> TrialRecord:
    """Read the record of a trial whose layers keep their joules, and have something without a name for each shape.

    Args:
        path: of the file.
        what: it is, for errors.

    Raises:
        RecordError: if it is missing or damaged.
    """
    return load(path, _ReadWithoutShapes, what)


def _tables(path: Path, what: str) -> Sequence[LayerTable]:
    return load(path, TrialRecord, what).layers
