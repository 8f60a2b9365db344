"""The contract of a task whose model compresses a table of numbers: rows in, rows out, fewer numbers between.

    values --normalise--> [0, 1] --encoder--> z (n, z_columns) --decoder--> [0, 1] --restore--> values

An autoencoder is trained on normalised rows as inputs and targets; ``compression`` (a paradigm) then compresses the
whole table with it and measures what that costs. Normalisation is by column, (x - low) / (high - low), over the whole
table: whoever compresses a file has all of it, and the two numbers of each column travel with it.

    R2 = 1 - sum (x - x')^2 / sum (x - mean of its column)^2        over all rows and normalised columns

Columns enter R2 with their variance after normalisation ("variance weighted" in scikit-learn): a column whose values
crowd at one end of its range hardly counts, and may be reconstructed badly beside an R2 of 0.98. So the paradigm
reports the R2 of single columns, which no normalisation changes, beside it. Limits: the table is held in memory.
"""

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sweep.objective import Metric, Objective


class Table(NamedTuple):
    """What is compressed.

    Attributes:
        values: shape ``(n, columns)``, finite, in the type of the file.
        names: of the columns.
    """

    values: NDArray[np.floating]
    names: tuple[str, ...]


class Range(NamedTuple):
    """Least value and width of each column, float64, shape ``(columns,)``; a constant column has width 1."""

    low: NDArray[np.float64]
    width: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Range":
        """The range of a table of shape ``(n, columns)``."""
        low = values.min(axis=0).astype(np.float64)
        width = values.max(axis=0).astype(np.float64) - low
        return cls(low, np.where(width > 0, width, 1.0))

    def normalise(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Columns onto [0, 1]."""
        return (values - self.low) / self.width

    def restore(self, normalised: NDArray[np.floating]) -> NDArray[np.float64]:
        """The inverse of ``normalise``."""
        return normalised * self.width + self.low


class Autoencoder(nn.Module):
    """An encoder, and a decoder that undoes it.

    Attributes:
        encoder: rows ``(n, columns)`` to ``(n, z_columns)``.
        decoder: back.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, rows: Tensor) -> Tensor:
        """What remains of the rows."""
        decoded: Tensor = self.decoder(self.encoder(rows))
        return decoded


class R2:
    """Share of the variance of all columns that a reconstruction explains; at most 1.

    Sums are taken about the mean of the first batch, so that a column far from zero loses no digits.
    """

    def __init__(self) -> None:
        self._n = 0
        self._shift: Tensor | None = None
        self._errors: list[Tensor] = []
        self._error = self._sum = self._square = torch.zeros(())

    def update(self, output: Tensor, target: Tensor) -> None:
        """Add a batch: both of shape ``(n, columns)``."""
        if self._shift is None:
            self._shift = target.mean(dim=0)
            self._error, self._sum, self._square = (torch.zeros_like(self._shift) for _ in range(3))
        moved = target - self._shift
        error = (output - target).square()
        self._errors.append(error.sum(dim=1))
        self._error = self._error + error.sum(dim=0)
        self._sum = self._sum + moved.sum(dim=0)
        self._square = self._square + moved.square().sum(dim=0)
        self._n += int(target.shape[0])

    def compute(self) -> Tensor:
        """R2 over all batches so far; minus infinity or NaN if every column is constant."""
        return 1.0 - self._error.sum() / self._total().sum()

    def scores(self) -> Tensor:
        """1 - n e / sum of squares about the mean, for a row of squared error e."""
        total = self._total().sum()
        return 1.0 - self._n * torch.cat(self._errors) / total

    def columns(self) -> Tensor:
        """R2 of each column that is not constant."""
        total = self._total()
        return 1.0 - self._error[total > 0] / total[total > 0]

    def _total(self) -> Tensor:
        return self._square - self._sum.square() / max(self._n, 1)


class CodecObjective(Objective):
    """A task whose model is an ``Autoencoder`` of the rows of a table."""

    quality_name: ClassVar[str] = "R2"

    @abstractmethod
    def table(self) -> Table:
        """The whole table, as the file has it.

        Raises:
            DataError: if it cannot be used.
        """

    @abstractmethod
    def encoder(self) -> nn.Module:
        """A freshly initialised encoder of normalised rows; ``data`` was called before."""

    @abstractmethod
    def decoder(self) -> nn.Module:
        """A freshly initialised decoder."""

    def range(self) -> Range:
        """Of the whole table."""
        return Range.of(self.table().values)

    def model(self) -> Autoencoder:
        """The encoder with the decoder."""
        return Autoencoder(self.encoder(), self.decoder())

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean squared error of the normalised rows."""
        return nn.functional.mse_loss(output, target)

    def metric(self) -> Metric:
        """R2."""
        return R2()
