"""What a model made of each validation sample, and which samples belong together; packed, for every trial has them.

    values  ->  levels (at most 256 distinct) and codes: 1 bit a sample for two levels, 1 byte for more
            ->  float32, little-endian, for more than 256 distinct values

In JSON the bytes are base64: 10,000 right-or-wrong scores take 1.7 kB. Limits: 5.3 bytes a sample where the scores are
of no few levels; values have the precision of float32. NumPy is imported where arrays are asked for.
"""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import msgspec

from sweep.errors import RecordError
from sweep.records.base import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_LEVELS = 256


class SampleScores(Record, frozen=True, kw_only=True):
    """One number for each sample of the validation split, in its order; their mean is the quality.

    Attributes:
        split: digest of the split (``DataInfo.val_digest``); samples of different splits are not compared one by one.
        n: number of samples.
        levels: the distinct scores, ascending; empty if there are more than 256.
        data: indices into ``levels``, or the scores themselves.
    """

    split: str
    n: int
    levels: list[float] = msgspec.field(default_factory=list)
    data: bytes

    @classmethod
    def pack(cls, values: "NDArray[np.floating]", split: str) -> "SampleScores":
        """Scores of shape ``(n,)``, finite, in as few bytes as they need."""
        import numpy as np

        levels, codes = np.unique(values.astype("<f4"), return_inverse=True)
        if len(levels) > MAX_LEVELS:
            return cls(split=split, n=len(values), data=values.astype("<f4").tobytes())
        packed = np.packbits(codes.astype(np.uint8)) if len(levels) <= 2 else codes.astype(np.uint8)
        return cls(split=split, n=len(values), levels=levels.tolist(), data=packed.tobytes())

    def values(self) -> "NDArray[np.float64]":
        """The scores, shape ``(n,)``.

        Raises:
            RecordError: if the bytes are not those of ``n`` scores.
        """
        import numpy as np

        needed = 4 * self.n if not self.levels else (self.n + 7) // 8 if len(self.levels) <= 2 else self.n
        if len(self.data) != needed:
            raise RecordError(
                f"a record holds {len(self.data)} bytes of scores, {self.n} validation samples need {needed}",
                "restore it from a copy of the study",
            )
        if not self.levels:
            return np.frombuffer(self.data, "<f4").astype(np.float64)
        codes = np.frombuffer(self.data, np.uint8)
        if len(self.levels) <= 2:
            codes = np.unpackbits(codes, count=self.n)
        return np.asarray(self.levels)[codes]


class SampleGroups(Record, frozen=True, kw_only=True):
    """Which samples of the validation split belong together; who the groups are is not kept.

    Attributes:
        of: what one group is, e.g. ``subject``.
        n: number of groups.
        data: index of the group of each sample, little-endian, in 1, 2 or 4 bytes as ``n`` needs.
    """

    of: str
    n: int
    data: bytes

    @classmethod
    def pack(cls, labels: Sequence[Hashable], of: str) -> "SampleGroups":
        """One label for each sample; equal ones are a group."""
        import numpy as np

        index = {label: number for number, label in enumerate(dict.fromkeys(labels))}
        codes = np.array([index[label] for label in labels], _code_type(len(index)))
        return cls(of=of, n=len(index), data=codes.tobytes())

    def codes(self) -> "NDArray[np.int64]":
        """Index of the group of each sample, shape ``(n_samples,)``."""
        import numpy as np

        return np.frombuffer(self.data, _code_type(self.n)).astype(np.int64)


def _code_type(n_groups: int) -> str:
    """The shortest unsigned integer that numbers the groups."""
    return "<u1" if n_groups <= 1 << 8 else "<u2" if n_groups <= 1 << 16 else "<u4"
