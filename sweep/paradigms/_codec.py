"""A trained autoencoder as a codec of tables, and the file that it writes.

    compressed file (npz, not deflated)
      z              (n, z_columns), in the stored type
      low, width     (columns,) float64, undo the normalisation
      names          (columns,)
      error_bound    (columns,) float64: no value differs by more from its original
      like           (0,) in the type of the original values
      decoder.*      weights of the decoder

The file is all that decoding needs beside the decoder's architecture, so its size is the honest one. Beyond the
autoencoder nothing is lost but the digits of z that the stored type does not have: z is read back bit by bit.

Limits: the error bound is what decoding found when the file was written. Another device may round the last digits
differently; ``SLACK`` covers that.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sweep.codec import Autoencoder, Range, Table
from sweep.errors import DataError

SLACK = 1e-6
"""Of a column's width: how much a value may differ beyond the bound."""
WEIGHTS = "decoder."


class Codec:
    """Encodes and decodes whole tables.

    Args:
        model: trained; on its device, in evaluation mode.
        scale: of the columns.
        stored: type of z in the file, e.g. ``float64``.
        like: type of the original values.
        batch_size: rows that go through the network at once.
    """

    def __init__(self, model: Autoencoder, scale: Range, stored: str, like: np.dtype[Any], batch_size: int) -> None:
        self._model, self._scale = model, scale
        self._stored, self._like = np.dtype(stored), like
        self._batch_size = batch_size
        first = next(model.parameters())
        self._dtype, self._device = first.dtype, first.device

    @torch.inference_mode()
    def encode(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rows ``(n, columns)`` to z ``(n, z_columns)`` in the stored type."""
        return self._through(self._model.encoder, self._scale.normalise(values)).astype(self._stored)

    @torch.inference_mode()
    def decode(self, z: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rows from z, in the type of the original."""
        return self._scale.restore(self._through(self._model.decoder, z)).astype(self._like)

    def _through(self, network: nn.Module, rows: NDArray[np.floating]) -> NDArray[np.floating]:
        """Batch by batch to the device, through a network, and back."""
        batches = torch.split(torch.from_numpy(rows).to(self._dtype), self._batch_size)
        return torch.cat([network(batch.to(self._device)).cpu() for batch in batches]).numpy()

    def write(self, path: Path, z: NDArray[np.floating], names: tuple[str, ...], bound: NDArray[np.float64]) -> None:
        """Write the compressed file."""
        weights = {f"{WEIGHTS}{key}": t.cpu().numpy() for key, t in self._model.decoder.state_dict().items()}
        np.savez(
            path,
            z=z,
            low=self._scale.low,
            width=self._scale.width,
            names=np.array(names),
            error_bound=bound,
            like=np.zeros(0, self._like),
            **weights,
        )


class Compressed(NamedTuple):
    """A compressed file, read.

    Attributes:
        codec: decodes with what stands in the file.
        z: shape ``(n, z_columns)``, in the stored type.
        names: of the columns.
        error_bound: of each column.
        width: of each column.
    """

    codec: Codec
    z: NDArray[np.floating]
    names: tuple[str, ...]
    error_bound: NDArray[np.float64]
    width: NDArray[np.float64]


def read(path: Path, like: Autoencoder, batch_size: int) -> Compressed:
    """Read a compressed file; of ``like`` the architecture and the device are taken, not the weights.

    Raises:
        DataError: if the weights in the file are not those of such a decoder.
    """
    with np.load(path, allow_pickle=False) as arrays:
        found = {key: arrays[key] for key in arrays}
    decoder = copy.deepcopy(like.decoder)
    weights = {key.removeprefix(WEIGHTS): torch.from_numpy(a) for key, a in found.items() if key.startswith(WEIGHTS)}
    try:
        decoder.load_state_dict(weights)
    except RuntimeError as err:
        raise DataError(f"{path} holds another decoder ({err})", "decode it with the one that wrote it") from err
    scale, z = Range(found["low"], found["width"]), found["z"]
    model = Autoencoder(like.encoder, decoder)
    codec = Codec(model, scale, z.dtype.name, found["like"].dtype, batch_size)
    return Compressed(codec, z, tuple(str(name) for name in found["names"]), found["error_bound"], scale.width)


def error_bound(original: NDArray[np.floating], decoded: NDArray[np.floating]) -> NDArray[np.float64]:
    """Largest absolute difference of each column, shape ``(columns,)``."""
    difference: NDArray[np.float64] = np.abs(original.astype(np.float64) - decoded.astype(np.float64))
    return np.asarray(difference.max(axis=0))


def check(path: Path, original: Table, compressed: Compressed) -> NDArray[np.floating]:
    """Read the decompressed file, and hold it against the original and the promise of the compressed one.

    Returns:
        What the file holds.

    Raises:
        DataError: if names, shape or type differ, or a value is off by more than its column's bound.
    """
    with np.load(path, allow_pickle=False) as arrays:
        values: NDArray[np.floating] = np.asarray(arrays["data"])
        names = tuple(str(name) for name in arrays["names"])
    if names != original.names or values.shape != original.values.shape or values.dtype != original.values.dtype:
        raise DataError(
            f"the decompressed table is {values.dtype} {values.shape}, the original {original.values.dtype} "
            f"{original.values.shape}, or its columns are others",
            "report this with the table: the codec lost more than digits",
        )
    allowed = compressed.error_bound + SLACK * compressed.width
    over = error_bound(original.values, values) - allowed
    if not (over <= 0).all():
        worst = int(np.argmax(np.nan_to_num(over, nan=np.inf)))
        raise DataError(
            f"column {names[worst]} is off by more than the {compressed.error_bound[worst]:.3g} that the file promises",
            "decode on the device that encoded, or train again",
        )
    return values
