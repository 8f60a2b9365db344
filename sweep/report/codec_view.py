"""The table of setups as codecs, in words. Plain text without markup; the template escapes it."""

from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.codec import Operation, SetupCodec
from sweep.analysis.work import told
from sweep.records import StudyData

MIB = 2**20


class OperationCells(NamedTuple):
    """Compressing, or decompressing."""

    energy: str
    latency: str
    bandwidth: str


class CodecCells(NamedTuple):
    """One setup."""

    setup: str
    compress: OperationCells
    decompress: OperationCells
    training: str
    ratio: str
    ratio_honest: str
    r2: str
    r2_column_min: str
    max_error: str
    memory: str


class CodecView(NamedTuple):
    """The table, and what a reader must know to use it."""

    rows: list[CodecCells]
    notes: list[str]


def codec_view(data: StudyData, items: Sequence[SetupCodec]) -> CodecView | None:
    """The table; ``None`` if no setup was used as a codec."""
    if not items:
        return None
    names = wording.varying(data)
    rows = [_cells(wording.setup(item.setup.params, names), item) for item in items]
    return CodecView(rows, [*_lossless(items), *_columns(items), _basis(data)])


def _cells(setup: str, item: SetupCodec) -> CodecCells:
    memory = item.peak_memory_bytes
    return CodecCells(
        setup=setup,
        compress=_operation(item.compress),
        decompress=_operation(item.decompress),
        training=wording.energy(item.training_j_per_gb),
        ratio=_number(item.ratio),
        ratio_honest=_number(item.ratio_honest),
        r2=_number(item.r2),
        r2_column_min=_number(item.r2_column_min),
        max_error=wording.UNKNOWN if item.max_error is None else wording.share(item.max_error),
        memory=wording.UNKNOWN if memory is None else f"{memory / MIB:.0f} MiB",
    )


def _operation(operation: Operation) -> OperationCells:
    return OperationCells(
        energy=told(operation.j_per_gb),
        latency=f"{1e3 * operation.latency_s:.3g} ms",
        bandwidth=f"{operation.bandwidth_mb_s:.3g} MB/s",
    )


def _number(value: float | None) -> str:
    return wording.UNKNOWN if value is None else f"{value:.3g}"


def _lossless(items: Sequence[SetupCodec]) -> list[str]:
    """What deflate does with the same bytes, without any loss."""
    known = [item for item in items if item.beats_lossless is not None]
    if not known:
        return []
    beaten = sum(item.beats_lossless is True for item in known)
    ratio = _number(known[0].lossless_ratio)
    cost = told(known[0].deflate_j_per_gb)
    text = (
        f"Deflating the same values loses nothing, needs no training, gives a ratio of {ratio} and costs {cost} a GB; "
        f"{beaten} of {len(known)} setups give a smaller file."
    )
    return [text]


def _columns(items: Sequence[SetupCodec]) -> list[str]:
    """What a good R2 may hide."""
    known = [item for item in items if item.r2 is not None and item.r2_column_mean is not None]
    if not known:
        return []
    best = max(known, key=lambda item: item.r2 or 0.0)
    text = (
        f"R2 of the table counts columns by their variance: {_number(best.r2)} at best, where the mean of single "
        f"columns is {_number(best.r2_column_mean)} and the worst {_number(best.r2_column_min)}."
    )
    return [text]


def _basis(data: StudyData) -> str:
    return (
        f"Joules are for a GB (1e9 bytes) of uncompressed values; ± is the standard uncertainty. "
        f"Energy is {wording.energy_label(data.study.domains)}."
    )
