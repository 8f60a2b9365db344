"""Spearman's rank correlation: Pearson's of the ranks, equal numbers sharing their mean rank (Spearman 1904)."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def spearman(one: ArrayLike, other: ArrayLike) -> float | None:
    """The correlation of pairs; ``None`` if one of both never changes.

    Args:
        one: shape ``(n,)``.
        other: shape ``(n,)``.
    """
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if not (first.min() < first.max() and second.min() < second.max()):
        return None
    return float(np.corrcoef(pd.Series(first).rank(), pd.Series(second).rank())[0, 1])
