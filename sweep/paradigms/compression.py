"""A codec trained, and then used: what compressing and decompressing the whole table costs, and what remains of it.

    supervised     the autoencoder is trained
    compress       compress     passes: normalise, encode, store in the type of the file, until ``min_s``
                   bound        decode once, to know the error that the file promises
                   write        the compressed file
                   deflate      the same bytes by zlib (level 6), lossless: what there is to beat
    decompress     read         the compressed file
                   decompress   passes: decode, undo the normalisation, until ``min_s``
                   write        the decompressed file
                   check        load it, and hold it against the original and the promised bound

Results (numbers by name) that go into the record beside the joules of these rows:

    compression_ratio           bytes of the values / bytes of z
    compression_ratio_honest    bytes of the values / size of the file, which holds decoder, normalisation and names
    lossless_ratio              bytes of the values / their bytes deflated
    r2_table                    R2 of the decompressed file, all rows; the trial's quality is that of validation
    r2_column_mean, _min        R2 of single columns: the mean, and the worst
    max_error_of_range          largest error of a value over the range of its column; rms_error_of_range likewise

Limits: files are written to a temporary folder and removed; the system may keep them in memory, so ``write`` and
``read`` are no joules of a disk. Decoding by zlib is not measured.
"""

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from sweep.codec import R2, Autoencoder, CodecObjective, Range, Table
from sweep.errors import ConfigError
from sweep.objective import Data, Objective
from sweep.paradigms import _codec
from sweep.paradigms._passes import MIN_S, Passes, check_min_s, repeat
from sweep.paradigms.paradigm import Activity, Paradigm, Phase
from sweep.training.memory import PeakMemory
from sweep.training.trainer import Task, device_of

DEFLATE_LEVEL = 6


class Compression(Paradigm):
    """Train, compress, decompress.

    Args:
        stored: type of z in the file. Coarser ones make it smaller; what they lose shows in R2 and the error bound.
        batch_size: rows that go through the network at once.
        min_s: seconds of compressing, and of decompressing, at least; long enough for the meter (``_passes``).

    Raises:
        ConfigError: if the batch size is below 1 or ``min_s`` is negative.
    """

    def __init__(
        self,
        stored: Literal["float64", "float32", "float16"] = "float64",
        batch_size: int = 4096,
        min_s: float = MIN_S,
    ) -> None:
        check_min_s(min_s, "paradigms.compression")
        if batch_size < 1:
            raise ConfigError(
                f"paradigms.compression.batch_size={batch_size} is below 1", "set paradigms.compression.batch_size=4096"
            )
        self._stored, self._batch_size, self._min_s = stored, batch_size, min_s

    def phases(self, objective: Objective, data: Data) -> Iterator[Phase]:
        """``supervised``, ``compress``, ``decompress``."""
        codec_objective = _codec_objective(objective)
        peak = PeakMemory()
        model = codec_objective.model()
        yield Phase("supervised", Task(model, data.train, data.val, objective.loss, objective.metric))
        trained: dict[str, float | None] = {"peak_memory_bytes": peak.peak_bytes(device_of(model))}
        model.eval()
        table, scale = codec_objective.table(), codec_objective.range()
        with tempfile.TemporaryDirectory(prefix="sweep-codec-") as name:
            folder = Path(name)
            yield Phase("compress", work=lambda act: trained | self._compress(model, table, scale, folder, act))
            yield Phase("decompress", work=lambda act: self._decompress(model, table, scale, folder, act))

    def model(self, objective: Objective) -> nn.Module:
        """The autoencoder."""
        return _codec_objective(objective).model()

    def _compress(
        self, model: Autoencoder, table: Table, scale: Range, folder: Path, activity: Activity
    ) -> dict[str, float | None]:
        codec = _codec.Codec(model, scale, self._stored, table.values.dtype, self._batch_size)
        z = codec.encode(table.values)  # warms up, too
        with activity("compress"):
            passes = repeat(lambda: codec.encode(table.values), self._min_s, device_of(model))
        with activity("bound"):
            bound = _codec.error_bound(table.values, codec.decode(z))
        path = _compressed_path(folder)
        with activity("write"):
            codec.write(path, z, table.names, bound)
        with activity("deflate"):
            deflated = zlib.compress(table.values.tobytes(), DEFLATE_LEVEL)
        size = table.values.nbytes
        return {
            **self._told("compress", passes, table),
            "compression_ratio": size / z.nbytes,
            "compression_ratio_honest": size / path.stat().st_size,
            "lossless_ratio": size / len(deflated),
            "stored_bits": 8.0 * z.dtype.itemsize,
        }

    def _decompress(
        self, model: Autoencoder, table: Table, scale: Range, folder: Path, activity: Activity
    ) -> dict[str, float | None]:
        with activity("read"):
            compressed = _codec.read(_compressed_path(folder), model, self._batch_size)
        decoded = compressed.codec.decode(compressed.z)  # warms up, too
        with activity("decompress"):
            passes = repeat(lambda: compressed.codec.decode(compressed.z), self._min_s, device_of(model))
        path = folder / "decompressed.npz"
        with activity("write"):
            np.savez(path, data=decoded, names=np.array(compressed.names))
        with activity("check"):
            values = _codec.check(path, table, compressed)
        return {**self._told("decompress", passes, table), **_remains(table, scale, values)}

    def _told(self, operation: str, passes: Passes, table: Table) -> dict[str, float | None]:
        """What the joules of an operation have to be divided by."""
        return {
            f"{operation}_bytes": float(table.values.nbytes),
            f"{operation}_passes": float(passes.n),
            f"{operation}_batches": float(-(-len(table.values) // self._batch_size)),
            f"{operation}_s": passes.duration_s,
        }


def _codec_objective(objective: Objective) -> CodecObjective:
    if not isinstance(objective, CodecObjective):
        raise ConfigError(
            f"paradigm compression cannot compress with {type(objective).__name__}, which is no CodecObjective",
            "set objective=baler, or take the paradigm out of search.space",
        )
    return objective


def _compressed_path(folder: Path) -> Path:
    return folder / "compressed.npz"


def _remains(table: Table, scale: Range, values: np.ndarray) -> dict[str, float | None]:
    """How much of the table is left, in numbers without a unit."""
    original, decoded = (torch.from_numpy(scale.normalise(each)) for each in (table.values, values))
    metric = R2()
    metric.update(decoded, original)
    columns, error = metric.columns(), (decoded - original).abs()
    known = len(columns) > 0
    return {
        "r2_table": float(metric.compute()) if known else None,
        "r2_column_mean": float(columns.mean()) if known else None,
        "r2_column_min": float(columns.min()) if known else None,
        "max_error_of_range": float(error.max()),
        "rms_error_of_range": float(error.square().mean().sqrt()),
    }
