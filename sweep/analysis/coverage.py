"""Factors by which a standard error becomes half of an interval.

``scipy.special`` has the quantiles that ``scipy.stats`` has, and takes a fifth of the time to import.
"""

from functools import cache

from scipy import special


@cache
def student(confidence: float, df: int) -> float:
    """Student's t of ``df`` degrees of freedom, two-sided."""
    return float(special.stdtrit(df, (1.0 + confidence) / 2.0))


@cache
def normal(confidence: float) -> float:
    """Of the normal distribution, two-sided."""
    return float(special.ndtri((1.0 + confidence) / 2.0))
