"""Training tasks with the mistakes that users make."""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from toy_tasks import Blobs

from sweep.errors import DataError
from sweep.objective import Data, Metric, Split


class ConstructorRaises(Blobs):
    """Cannot be made."""

    def __init__(self) -> None:
        raise RuntimeError("no sensor plugged in")


class DataRaises(Blobs):
    """Has a bug in its reader."""

    def data(self) -> Data:
        raise KeyError("acc_x")


class ReturnsTuple(Blobs):
    """Returns its splits bare."""

    def data(self) -> Any:
        return super().data()[:2]


class ReturnsLoaders(Blobs):
    """Takes a split for a DataLoader."""

    def data(self) -> Data:
        loader: Any = DataLoader(TensorDataset(*super().data().train))
        return Data(loader, loader)


class ReturnsArrays(Blobs):
    """Forgets to make tensors."""

    def data(self) -> Data:
        arrays: Any = [Split(part.inputs.numpy(), part.targets.numpy()) for part in super().data()[:2]]  # type: ignore[union-attr]
        return Data(*arrays)


class ReturnsScalars(Blobs):
    """Has no axis of samples."""

    def data(self) -> Data:
        return Data(Split(torch.tensor(1.0), torch.tensor(1)), super().data().val)


class NoValidation(Blobs):
    """Has nothing to choose on."""

    def data(self) -> Data:
        nothing: Any = None
        return Data(super().data().train, nothing)


class OneStridedSample(Blobs):
    """One sample cut from a larger tensor: contiguous, yet with a stride."""

    def data(self) -> Data:
        return Data(*(Split(part.inputs[:1], part.targets[::3][:1]) for part in super().data()[:2]))  # type: ignore[union-attr]


class UnfitTestSplit(Blobs):
    """Test samples of another width."""

    def data(self) -> Data:
        return super().data()._replace(test=Split(torch.zeros(5, 7), torch.zeros(5, dtype=torch.int64)))


class NoParameters(Blobs):
    """Nothing to train."""

    def model(self) -> nn.Module:
        return nn.Identity()


class _Constant:
    """A quality that is always the same."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def update(self, output: Tensor, target: Tensor) -> None:
        """Look at nothing."""

    def compute(self) -> Any:
        return self._value


class NanQuality(Blobs):
    """Divides by zero somewhere."""

    def metric(self) -> Metric:
        return _Constant(torch.tensor(torch.nan))


class FloatQuality(Blobs):
    """Returns a Python number as its quality, and one that is negative."""

    def metric(self) -> Metric:
        return _Constant(-3.5)


class SecondSetupHasNoData(Blobs):
    """Its data depend on an option, and are there for one value only."""

    def __init__(self, n: int = 60, variant: int = 0) -> None:
        super().__init__(n)
        self.variant = variant

    def data(self) -> Data:
        if self.variant == 1:
            raise DataError("variant 1 is not recorded", "choose another")
        return super().data()


class SlowToLoad(Blobs):
    """Says that it loads, then takes long."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker = Path(marker)

    def data(self) -> Data:
        self.marker.touch()
        time.sleep(60)
        return super().data()
