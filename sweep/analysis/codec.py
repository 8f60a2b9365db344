"""What compressing and decompressing cost, and what they leave, for each setup of the paradigm ``compression``.

    joules per GB      E of the activity / (passes x bytes of the uncompressed values) x 1e9
    latency            seconds / (passes x batches), of one batch
    bandwidth          passes x bytes / seconds
    deflate            E of deflating the values once / bytes x 1e9, what a lossless codec costs
    training           joules to the last epoch / bytes x 1e9, as if this table were the only one that is compressed

A GB is 1e9 bytes of uncompressed values in both directions, so that the joules of both add up for one GB that is
stored and read back once. Numbers without joules come from ``TrialRecord.results`` (``sweep.paradigms.compression``
says what they are); all are means over the repeats of a setup.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas as pd

from sweep.analysis.setups import Setup
from sweep.analysis.work import Amount, activity_j, mean
from sweep.records import StudyData, TrialRecord

COMPRESS, DECOMPRESS, DEFLATE = "compress", "decompress", "deflate"
GB = 1e9
MB = 1e6


class Operation(NamedTuple):
    """Compressing, or decompressing.

    Attributes:
        j_per_gb: joules for each GB of uncompressed values; ``None`` if not known.
        latency_s: seconds of one batch.
        bandwidth_mb_s: MB of uncompressed values a second.
        passes: over the table, all repeats together.
    """

    j_per_gb: Amount | None
    latency_s: float
    bandwidth_mb_s: float
    passes: int


class SetupCodec(NamedTuple):
    """A setup as a codec; a number that no repeat tells is ``None``.

    Attributes:
        ratio: bytes of the values over those of z.
        ratio_honest: bytes of the values over the size of the file that decoding needs.
        lossless_ratio: what deflating the values gives without any loss.
        r2: of the whole table.
        r2_column_mean: mean of the columns' R2.
        r2_column_min: of the worst column.
        max_error: largest error over the range of its column.
        peak_memory_bytes: of the training.
        deflate_j_per_gb: of the lossless codec, one pass.
        training_j_per_gb: of the training, for the table that it was made for.
    """

    setup: Setup
    compress: Operation
    decompress: Operation
    ratio: float | None
    ratio_honest: float | None
    lossless_ratio: float | None
    r2: float | None
    r2_column_mean: float | None
    r2_column_min: float | None
    max_error: float | None
    peak_memory_bytes: float | None
    deflate_j_per_gb: Amount | None
    training_j_per_gb: float | None

    @property
    def beats_lossless(self) -> bool | None:
        """Whether the file is smaller than the values deflated; ``None`` if one of them is not known."""
        if self.ratio_honest is None or self.lossless_ratio is None:
            return None
        return self.ratio_honest > self.lossless_ratio


def codecs(data: StudyData, setups: Iterable[Setup]) -> tuple[SetupCodec, ...]:
    """The setups that were used as codecs, in their order."""
    return tuple(_codec(data, setup) for setup in setups if _is_codec(setup))


def codecs_frame(items: Sequence[SetupCodec]) -> pd.DataFrame:
    """One row for each setup: its params, then numbers with their units in the names."""
    return pd.DataFrame([_row(item) for item in items])


def _is_codec(setup: Setup) -> bool:
    told = (f"{operation}_{what}" for operation in (COMPRESS, DECOMPRESS) for what in ("passes", "bytes", "s"))
    wanted = list(told)
    return bool(setup.trials) and all(trial.results.get(name) for trial in setup.trials for name in wanted)


def _codec(data: StudyData, setup: Setup) -> SetupCodec:
    return SetupCodec(
        setup,
        _operation(data, setup.trials, COMPRESS),
        _operation(data, setup.trials, DECOMPRESS),
        ratio=result_mean(setup, "compression_ratio"),
        ratio_honest=result_mean(setup, "compression_ratio_honest"),
        lossless_ratio=result_mean(setup, "lossless_ratio"),
        r2=result_mean(setup, "r2_table"),
        r2_column_mean=result_mean(setup, "r2_column_mean"),
        r2_column_min=result_mean(setup, "r2_column_min"),
        max_error=result_mean(setup, "max_error_of_range"),
        peak_memory_bytes=result_mean(setup, "peak_memory_bytes"),
        deflate_j_per_gb=mean([_deflate(data, trial) for trial in setup.trials]),
        training_j_per_gb=_training(setup),
    )


def _deflate(data: StudyData, trial: TrialRecord) -> Amount | None:
    spent = activity_j(data, trial, COMPRESS, DEFLATE)
    return None if spent is None else spent.times(GB / (trial.results.get(f"{COMPRESS}_bytes") or math.inf))


def _training(setup: Setup) -> float | None:
    """Mean joules to the last epoch for each GB of the table; ``None`` if those of a repeat are not known."""
    spent = [trial.trajectory[-1].energy_j if trial.trajectory else None for trial in setup.trials]
    known = [joules for joules in spent if joules is not None]
    size = result_mean(setup, f"{COMPRESS}_bytes")
    return statistics.fmean(known) / size * GB if size and len(known) == len(spent) else None


def _operation(data: StudyData, trials: Sequence[TrialRecord], name: str) -> Operation:
    joules: list[Amount | None] = []
    n_bytes = seconds = batches = passes = 0.0
    for trial in trials:
        own = {what: trial.results.get(f"{name}_{what}") or 0.0 for what in ("passes", "bytes", "batches", "s")}
        spent = activity_j(data, trial, name, name)
        joules.append(None if spent is None else spent.times(GB / (own["passes"] * own["bytes"])))
        n_bytes += own["passes"] * own["bytes"]
        batches += own["passes"] * max(own["batches"], 1.0)
        seconds, passes = seconds + own["s"], passes + own["passes"]
    return Operation(mean(joules), seconds / batches, n_bytes / seconds / MB, int(passes))


def result_mean(setup: Setup, name: str) -> float | None:
    """Mean of a result over the repeats; ``None`` if one of them does not tell."""
    found = [trial.results.get(name) for trial in setup.trials]
    known = [each for each in found if each is not None]
    return statistics.fmean(known) if known and len(known) == len(found) else None


def _row(item: SetupCodec) -> dict[str, object]:
    row: dict[str, object] = {f"param.{name}": value for name, value in item.setup.params.items()}
    for name, operation in ((COMPRESS, item.compress), (DECOMPRESS, item.decompress)):
        row |= {
            f"{name}_j_per_gb": operation.j_per_gb and operation.j_per_gb.value,
            f"{name}_u_j_per_gb": operation.j_per_gb and operation.j_per_gb.u,
            f"{name}_latency_s": operation.latency_s,
            f"{name}_mb_per_s": operation.bandwidth_mb_s,
        }
    done = ("setup", COMPRESS, DECOMPRESS, "deflate_j_per_gb")
    named = {name: value for name, value in item._asdict().items() if name not in done}
    return row | named | {"deflate_j_per_gb": item.deflate_j_per_gb and item.deflate_j_per_gb.value}
