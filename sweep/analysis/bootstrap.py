"""How much of a difference of quality is the choice of the validation samples: a bootstrap over subjects or samples.

Two setups A and B are validated on the same n samples. With scores a_i and b_i, averaged over repeats, and the groups
g (subjects, say) that the samples fall into, drawing G groups anew with replacement moves the difference of the means,
for each time that g is drawn, by

    u_g = sum over i in g of [(a_i - mean a) - (b_i - mean b)] / n
    SE(mean a - mean b) = sqrt( G / (G - 1) sum u_g^2 )

This is the bootstrap's standard error in closed form: exactly (but for the factor G / (G - 1), which corrects what few
draws understate) where groups have one size, as single samples have; to first order where they differ, for then the
resampled mean is a ratio. The pairing is in it: what both setups get wrong says nothing about which one is better.

Groups are resampled if there are at least 5, else single samples. With fewer groups it is not known how much they
differ from each other, and what single samples give is a floor. Setups that were validated on different samples
(another option of the task) are taken as independent.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 5 and 6 (a mean has a closed form);
Field and Welsh, Bootstrapping clustered data, J. R. Statist. Soc. B 69 (2007) 369 (resample whole clusters).
Limits: a trial keeps the scores of its best epoch, and they stand for all its epochs; for two epochs of the same
training they say nothing. Neighbours in a recording are alike, so single samples of one subject give too little.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sweep.analysis.once import once
from sweep.records import SampleScores, StudyData

MIN_GROUPS = 5
"""Groups from which on these, not samples, are resampled."""
KEPT = 256
"""Setups whose influences are kept in memory; single samples take 8 bytes each."""

Trials = tuple[int, ...]
"""Numbers of the trials of one setup."""


class Sampling:
    """What the choice of the validation samples does to the qualities of a study; worked out as it is asked for.

    Attributes:
        unit: what is resampled, e.g. ``subject``, or ``sample``.
        n_units: how many there are.
        group: what the samples belong to; ``None`` if the task does not say.
        n_groups: how many of these there are; below ``MIN_GROUPS`` they are not resampled.
    """

    def __init__(self, data: StudyData) -> None:
        info = data.study.data
        groups = info.val_groups
        self.group = None if groups is None else groups.of
        self.n_groups = None if groups is None else groups.n
        self._split = info.val_digest
        self._codes = groups.codes() if groups is not None and groups.n >= MIN_GROUPS else None
        self.unit = "sample" if self._codes is None or groups is None else groups.of
        self.n_units = info.n_val if self._codes is None or groups is None else groups.n
        self._scores = {trial.number: trial.scores for trial in data.trials if trial.scores is not None}
        self._influence: Callable[[Trials], NDArray[np.float64] | None] = lru_cache(KEPT)(self._influence_of)
        self._pair: Callable[[Trials, Trials], float | None] = lru_cache(None)(self._pair_se)

    @property
    def is_known(self) -> bool:
        """Whether any trial has scores."""
        return bool(self._scores)

    @property
    def df(self) -> int:
        """Degrees of freedom of its standard errors."""
        return max(self.n_units - 1, 1)

    def mean_se(self, trials: Trials) -> float | None:
        """Standard error of the mean quality of a setup; ``None`` if a trial has no scores."""
        return _se(self._influence(trials))

    def difference_se(self, trials: Trials, reference: Trials) -> float | None:
        """Standard error of the difference of the mean qualities of two setups.

        ``None`` if a trial has no scores, or both are the same.
        """
        return None if trials == reference else self._pair(trials, reference)

    def _pair_se(self, trials: Trials, reference: Trials) -> float | None:
        one, other = self._influence(trials), self._influence(reference)
        if one is None or other is None:
            return None
        if self._scores[trials[0]].split == self._scores[reference[0]].split:
            return _se(one - other)
        return math.hypot(*(_se(item) or 0.0 for item in (one, other)))

    def _influence_of(self, trials: Trials) -> NDArray[np.float64] | None:
        """What each unit adds to the mean of a setup, less what it would if all were alike; shape ``(n_units,)``."""
        known = [self._scores[number] for number in trials if number in self._scores]
        if not known or len(known) < len(trials) or len({(scores.split, scores.n) for scores in known}) > 1:
            return None
        mean = _mean_scores(known)
        centred: NDArray[np.float64] = (mean - mean.mean()) / len(mean)
        if self._codes is None or known[0].split != self._split:
            return centred
        return np.bincount(self._codes, weights=centred).astype(np.float64)


@once
def sampling(data: StudyData) -> Sampling | None:
    """Of a study; ``None`` if no trial has scores."""
    found = Sampling(data)
    return found if found.is_known else None


def _mean_scores(known: list[SampleScores]) -> NDArray[np.float64]:
    """Scores of each sample, averaged over repeats."""
    total = known[0].values()
    for scores in known[1:]:
        total = total + scores.values()
    return total / len(known)


def _se(influence: NDArray[np.float64] | None) -> float | None:
    """Standard error from influences of units; ``None`` for a single unit, which has no spread."""
    if influence is None or len(influence) < 2:
        return None
    n = len(influence)
    return math.sqrt(n / (n - 1) * float(influence @ influence))
