"""Classify windows of sensor signals from a user's own file.

``objective.path=FILE.npz`` holds ``X (n, time, channels)``, ``y (n,)`` with integer or string labels and,
optionally, ``subject (n,)``. The split is by subject; a random one must be asked for. Which subjects, where
none are named: ``objectives._window_split``. The network: ``objectives._window_model``.
"""

from abc import abstractmethod
from pathlib import Path
from typing import Literal

from torch import nn

from objectives._window_data import Parts, WindowArrays, read_npz, to_data
from objectives._window_model import WindowModel, WindowShape, make_classifier, make_decoder, make_encoder
from objectives._window_split import Subject, split_at_random, split_by_subject
from sweep.errors import ConfigError, DataError
from sweep.objective import Data, EncoderObjective


class WindowTask(EncoderObjective):
    """Window classification, whatever the source of the windows.

    Subclasses say where the windows come from (``arrays``) and how they are split (``parts``).
    """

    def __init__(self, model: WindowModel | None = None) -> None:
        self._size = model if model is not None else WindowModel()
        self._shape: WindowShape | None = None

    @abstractmethod
    def arrays(self) -> WindowArrays:
        """The windows, checked.

        Raises:
            DataError: if they cannot be read.
        """

    @abstractmethod
    def parts(self, arrays: WindowArrays) -> Parts:
        """Which windows are trained, validated and tested on.

        Raises:
            DataError: if the choice does not fit the data.
        """

    def data(self) -> Data:
        """Standardised windows of shape ``(n, channels, time)``, float32."""
        arrays = self.arrays()
        data = to_data(arrays, self.parts(arrays))
        self._shape = WindowShape(arrays.x.shape[2], arrays.x.shape[1], len(arrays.classes))
        return data

    def encoder(self) -> nn.Module:
        """Convolutional blocks that fit the data."""
        return make_encoder(self._known_shape(), self._size)

    def classifier(self) -> nn.Module:
        """A linear classifier on their mean over time."""
        return make_classifier(self._known_shape(), self._size)

    def decoder(self) -> nn.Module:
        """The blocks backwards."""
        return make_decoder(self._known_shape(), self._size)

    def _known_shape(self) -> WindowShape:
        if self._shape is None:
            self.data()
        assert self._shape is not None
        return self._shape


class Windows(WindowTask):
    """Windows from an npz file.

    Args:
        path: the file.
        split: ``subject``, or ``random`` over windows (only for windows that are independent of each other).
        val_subjects: whom to validate on; ``None`` for the rule of ``split_by_subject``.
        test_subjects: whom to test on; ``[]`` for nobody, ``None`` for the rule.
        val_share: share of subjects (or of windows) to validate on, where no subjects are named; in (0, 1).
        test_share: share to test on; 0 for no test.
        split_seed: seed of the random split, the same in all trials.
        model: size of the network.

    Raises:
        ConfigError: if a share is out of range.
    """

    def __init__(
        self,
        path: str | None = None,
        split: Literal["subject", "random"] = "subject",
        val_subjects: list[Subject] | None = None,
        test_subjects: list[Subject] | None = None,
        val_share: float = 0.15,
        test_share: float = 0.2,
        split_seed: int = 0,
        model: WindowModel | None = None,
    ) -> None:
        super().__init__(model)
        check_shares(val_share, test_share)
        self._path = path
        self._split = split
        self._subjects = (val_subjects, test_subjects)
        self._shares = (val_share, test_share)
        self._split_seed = split_seed
        if split == "random" and self._subjects != (None, None):
            raise ConfigError(
                "objective.split=random has no use for val_subjects and test_subjects",
                "drop them, or drop objective.split=random",
            )

    def arrays(self) -> WindowArrays:
        """The windows of the file."""
        if self._path is None:
            raise DataError("objective.path is not set", "set it to an npz file with X, y and subject")
        return read_npz(Path(self._path).expanduser())

    def parts(self, arrays: WindowArrays) -> Parts:
        """By subject, or at random if that was asked for."""
        if self._split == "random":
            return split_at_random(arrays, *self._shares, self._split_seed)
        return split_by_subject(arrays, *self._subjects, *self._shares)


def check_shares(val_share: float, test_share: float) -> None:
    """Refuse shares that cannot be.

    Raises:
        ConfigError: unless 0 < val_share, 0 <= test_share and their sum is below 1.
    """
    if not (0 < val_share < 1 and 0 <= test_share < 1 and val_share + test_share < 1):
        raise ConfigError(
            f"objective.val_share={val_share} and objective.test_share={test_share} do not leave a part "
            "to train on and one to validate on",
            "set val_share above 0, test_share to 0 or more, and their sum below 1",
        )
