"""Baler: compress a table of numbers by an autoencoder, and pay for it in training.

The network of the Baler collaboration (https://github.com/baler-collaboration/baler, Apache-2.0), in double precision:

    columns -> 200 -> 100 -> 50 -> z -> 50 -> 100 -> 200 -> columns        z = ceil(columns / compression_ratio)

with leaky ReLU (slope 0.01) between the layers, but not at z and not at the end. Its loss is the sum of squared errors
over the number of columns; ours is that over the number of rows of the batch, too, because every loss here is a mean
over samples. The minimum is the same, and so are the steps of Adam, which do not depend on the scale of the loss; plain
SGD would need its learning rate multiplied by the batch size. Its L1 term is switched off in Baler as well. Quality is
R2 on validation rows (``sweep.codec``).

    file -> Table -> shuffled once (split_seed): validation | test | training, of which the first ``rows``

Validation and test rows are the same whatever ``rows`` is, and the paradigm ``compression`` compresses the whole file:
so setups that were trained on fewer rows are judged on the same ones. Limits: the Apple GPU has no double precision, so
set ``objective.dtype=float32`` there.
"""

import itertools
import math
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from objectives._baler_files import read_table
from sweep.codec import CodecObjective, Range, Table
from sweep.errors import ConfigError, DataError
from sweep.objective import Data, Split

HIDDEN = (200, 100, 50)
"""Widths of the encoder's layers between the columns and z; the decoder mirrors them."""

DTYPES = {"float64": torch.float64, "float32": torch.float32}


class Baler(CodecObjective):
    """Rows of an npz or ROOT file, encoded and decoded.

    Args:
        path: the file; npz with ``data (rows, columns)`` and ``names (columns,)``, or ROOT.
        compression_ratio: columns over numbers kept of each row; at least 1.
        rows: to train on; ``None`` for all that are not validated or tested on.
        val_share: share of the rows to validate on; in (0, 1).
        test_share: share of the rows to test on; 0 for no test.
        split_seed: of the shuffling, the same in all trials.
        tree: of a ROOT file; ``None`` for the only one.
        columns: names of those to take; ``None`` for all that are flat numbers.
        dtype: of the network and what it is fed.

    Raises:
        ConfigError: if a number is out of range.
    """

    def __init__(
        self,
        path: str | None = None,
        compression_ratio: float = 1.6,
        rows: int | None = None,
        val_share: float = 0.15,
        test_share: float = 0.15,
        split_seed: int = 0,
        tree: str | None = None,
        columns: list[str] | None = None,
        dtype: Literal["float64", "float32"] = "float64",
    ) -> None:
        if not 1 <= compression_ratio < math.inf:
            raise ConfigError(
                f"objective.compression_ratio={compression_ratio} is below 1 or not finite",
                "set objective.compression_ratio to 1 or more",
            )
        if not (0 < val_share < 1 and 0 <= test_share < 1 and val_share + test_share < 1):
            raise ConfigError(
                f"objective.val_share={val_share} and objective.test_share={test_share} leave no rows for a part",
                "set val_share above 0, test_share to 0 or more, and their sum below 1",
            )
        if rows is not None and rows < 1:
            raise ConfigError(f"objective.rows={rows} is below 1", "set objective.rows to 1 or more, or null for all")
        self._path, self._tree, self._columns = path, tree, columns
        self._ratio, self._rows = compression_ratio, rows
        self._shares, self._split_seed = (val_share, test_share), split_seed
        self._dtype = DTYPES[dtype]
        self._table: Table | None = None

    def table(self) -> Table:
        """The file's rows, read once."""
        if self._table is None:
            if self._path is None:
                raise DataError("objective.path is not set", "set it to an npz or ROOT file")
            self._table = read_table(Path(self._path).expanduser(), self._tree, self._columns)
        return self._table

    @property
    def z_columns(self) -> int:
        """Numbers kept of each row."""
        return math.ceil(len(self.table().names) / self._ratio)

    def data(self) -> Data:
        """Normalised rows as inputs and as targets."""
        table = self.table()
        n = len(table.values)
        val, test = (round(share * n) for share in self._shares)
        spare = n - val - test
        if val < 2 or spare < 1 or (self._rows or 1) > spare:
            raise DataError(
                f"{self._path} has {n} rows: {val} to validate, {test} to test and {spare} to train on, "
                f"and objective.rows={self._rows}",
                "set objective.rows, val_share and test_share so that at least 2 are validated and 1 is trained on",
            )
        order = np.random.default_rng(self._split_seed).permutation(n)
        wanted = spare if self._rows is None else self._rows
        normalised = torch.from_numpy(Range.of(table.values).normalise(table.values)).to(self._dtype)
        parts = [normalised[torch.from_numpy(order[a:b])] for a, b in _bounds(val, test, wanted)]
        return Data(
            train=Split(parts[0], parts[0]),
            val=Split(parts[1], parts[1]),
            test=Split(parts[2], parts[2]) if test else None,
            description=f"{n} rows of {len(table.names)} columns, {table.values.dtype}",
            split=f"random over rows (seed {self._split_seed}): {wanted} train, {val} validation, {test} test",
        )

    def encoder(self) -> nn.Sequential:
        """Columns to z."""
        return _perceptron((len(self.table().names), *HIDDEN, self.z_columns), self._dtype)

    def decoder(self) -> nn.Sequential:
        """Columns from z."""
        return _perceptron((self.z_columns, *reversed(HIDDEN), len(self.table().names)), self._dtype)


def _bounds(val: int, test: int, train: int) -> list[tuple[int, int]]:
    """Where training, validation and test rows stand in the shuffled order."""
    return [(val + test, val + test + train), (0, val), (val, val + test)]


def _perceptron(widths: tuple[int, ...], dtype: torch.dtype) -> nn.Sequential:
    """Linear layers with leaky ReLU between them."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Linear(before, after, dtype=dtype), nn.LeakyReLU()]
    return nn.Sequential(*layers[:-1])
