"""After how many trainings a pretraining has paid for itself: equation 2 of "The Power of Training".

    x = E_enc / (E_enc+class - E_class)

    E_enc        joules of the pretraining, trained once
    E_class      joules of what follows it, the downstream training (``paired.downstream_j``)
    E_enc+class  joules of a baseline training, encoder and classifier from random weights

Each is a mean over the repeats that both paradigms completed. Where the denominator is not positive a downstream
training saves nothing, and x is "never". Intervals are from pooled residuals of the repeats (``resample``): repeats
that share a pretraining are drawn together, "never" counts as infinite, so an interval may be one-sided. Beside x
stands the quality gap with its interval (``noise``): joules of trainings of unlike quality are not comparable.

Limits: a pretrained paradigm is one whose name begins with ``pretrain_``. The mean of x over setups leaves out
"never"; x of the mean joules does not, and is what reusing every setup once each would give.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.analysis import paired
from sweep.analysis.noise import Noise, gap_u
from sweep.analysis.paired import PairedSetup
from sweep.analysis.resample import Repeated, all_bounds, draws
from sweep.records import TrialRecord


class Verdict(StrEnum):
    """Whether the qualities of the two paradigms allow their joules to be compared; a divergence forbids it."""

    COMPARABLE = "comparable"
    BETTER = "better"
    INCOMPARABLE = "not comparable"
    UNKNOWN = "unknown"


class Interval(NamedTuple):
    """An interval of trainings; ``None`` stands for never.

    ``never_share`` is the share of the draws in which the pretraining never pays.
    """

    low: float | None
    high: float | None
    never_share: float


class Joules(NamedTuple):
    """Means over repeats, in joules: the three energies of equation 2."""

    pretraining_j: float
    downstream_j: float
    baseline_j: float

    @property
    def saving_j(self) -> float:
        """The denominator: what each downstream training saves."""
        return self.baseline_j - self.downstream_j

    @property
    def trainings(self) -> float | None:
        """Equation 2; ``None`` for never."""
        return self.pretraining_j / self.saving_j if self.saving_j > 0 else None


@dataclass(frozen=True, slots=True)
class BreakEven:
    """One setup in one pretrained paradigm, against the baseline.

    Attributes:
        params: of the setup, without the paradigm.
        paradigm: the pretrained one.
        is_cached: whether features of the frozen encoder were computed once.
        n: repeats that both paradigms completed; ``trials`` are their numbers.
        joules: ``None`` if they are not known; then ``reason`` says why.
        interval: of the trainings; ``None`` with one repeat.
        quality_gap: of the pretrained paradigm against the baseline, positive if better; ``quality_gap_u`` is the
            half-width of its interval, ``None`` without repeats.
        diverged: numbers of the trials of either that diverged.
    """

    params: dict[str, Any]
    paradigm: str
    is_cached: bool
    n: int
    trials: tuple[int, ...]
    joules: Joules | None
    reason: str | None
    interval: Interval | None
    quality_gap: float | None
    quality_gap_u: float | None
    verdict: Verdict
    diverged: tuple[int, ...]

    @property
    def trainings(self) -> float | None:
        """Break-even; ``None`` for never, or if it is not known (``joules`` is ``None``)."""
        return None if self.joules is None else self.joules.trainings

    @property
    def is_never(self) -> bool:
        """Whether it is known that it never pays."""
        return self.joules is not None and self.joules.trainings is None


@dataclass(frozen=True, slots=True)
class Extremes:
    """Break-even over setups.

    Attributes:
        best: the setup of fewest trainings; ``None`` if none pays.
        worst: of most, among those that pay.
        mean: of those that pay; ``mean_interval`` where repeats give one.
        joules: means over all setups, those included that never pay.
        interval: of the break-even of ``joules``.
    """

    n: int
    n_never: int
    best: BreakEven | None
    worst: BreakEven | None
    mean: float | None
    mean_interval: Interval | None
    joules: Joules
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class BreakEvenLine:
    """One pretrained paradigm against the baseline.

    Attributes:
        items: one for each setup in which either paradigm was tried.
        all: over the setups whose joules are known; ``None`` without any.
        comparable: over those of them that are not worse by more than the noise.
    """

    paradigm: str
    is_cached: bool
    items: tuple[BreakEven, ...]
    all: Extremes | None
    comparable: Extremes | None


class _Level(NamedTuple):
    """Level of the intervals, and the degrees of freedom of the draws."""

    confidence: float
    df: int


class _Drawn(NamedTuple):
    """A setup with its draws of the three energies, shape ``(n_draws, 3)``; ``None`` without repeats."""

    item: BreakEven
    means: NDArray[np.float64] | None


def break_even(setups: Sequence[PairedSetup], noise: Noise) -> tuple[BreakEvenLine, ...]:
    """A line for each pretrained paradigm; empty without one, or without a baseline."""
    names = paired.paradigms(setups)
    if paired.BASELINE not in names:
        return ()
    return tuple(_line(setups, name, noise) for name in names if name.startswith(paired.PRETRAINED))


def trainings_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equation 2 for many triples, shape ``(..., 3)``; infinite for never."""
    saving = values[..., 2] - values[..., 1]
    return np.where(saving > 0, values[..., 0] / np.where(saving > 0, saving, 1.0), np.inf)


def _line(setups: Sequence[PairedSetup], paradigm: str, noise: Noise) -> BreakEvenLine:
    tried = [s for s in setups if {paradigm, paired.BASELINE} & (s.runs.keys() | s.diverged.keys())]
    values = [_repeated(setup, paradigm) for setup in tried]
    drawn = draws([item for item in values if not isinstance(item, str)])
    level = _Level(noise.confidence, drawn.df if drawn else 0)
    drawings = iter(
        [] if drawn is None else zip(drawn.means, _intervals(trainings_of(drawn.means), level), strict=True)
    )
    found = [
        _Drawn(_item(setup, paradigm, value, interval, noise), own)
        for setup, value in zip(tried, values, strict=True)
        for own, interval in [(None, None) if isinstance(value, str) else next(drawings, (None, None))]
    ]
    kept = [item for item in found if item.item.joules is not None]
    fair = [item for item in kept if item.item.verdict in (Verdict.COMPARABLE, Verdict.BETTER)]
    return BreakEvenLine(
        paradigm=paradigm,
        is_cached=any(item.is_cached for item, _ in found),
        items=tuple(item for item, _ in found),
        all=_extremes(kept, level),
        comparable=_extremes(fair, level),
    )


def _repeated(setup: PairedSetup, paradigm: str) -> Repeated | str:
    """The three energies of each repeat, or why they are not known."""
    for name in (paired.BASELINE, paradigm):
        if name not in setup.runs:
            return f"no {name} trial was completed"
    pairs = setup.together(paradigm, paired.BASELINE)
    if not pairs:
        return f"no repeat was completed both as {paired.BASELINE} and as {paradigm}"
    rows = []
    for trained, base in pairs:
        if trained.pretraining is None:
            return f"trial {trained.number} has no pretraining phase"
        row = (trained.pretraining.energy_j, paired.downstream_j(trained), base.energy_spent_j)
        if None in row:
            return f"joules of trial {trained.number} or {base.number} are not known"
        rows.append(row)
    keys = [trained.pretraining.key for trained, _ in pairs if trained.pretraining is not None]
    return Repeated(np.array(rows, dtype=float), keys)


def _item(
    setup: PairedSetup,
    paradigm: str,
    value: Repeated | str,
    interval: Interval | None,
    noise: Noise,
) -> BreakEven:
    pairs = setup.together(paradigm, paired.BASELINE)
    joules = None if isinstance(value, str) else Joules(*value.values.mean(axis=0).tolist())
    several = not isinstance(value, str) and value.n > 1
    quality_gap, quality_gap_u, verdict = _gap(pairs, noise)
    numbers = sorted(number for name in (paradigm, paired.BASELINE) for number in setup.diverged.get(name, ()))
    return BreakEven(
        params=setup.params,
        paradigm=paradigm,
        is_cached=paired.cached(trained for trained, _ in pairs),
        n=len(pairs),
        trials=tuple(sorted(trial.number for pair in pairs for trial in pair)),
        joules=joules,
        reason=value if isinstance(value, str) else None,
        interval=interval if several else None,
        quality_gap=quality_gap,
        quality_gap_u=quality_gap_u,
        verdict=Verdict.INCOMPARABLE if numbers else verdict,
        diverged=tuple(numbers),
    )


def _gap(pairs: Sequence[tuple[TrialRecord, ...]], noise: Noise) -> tuple[float | None, float | None, Verdict]:
    differences = [
        trained.quality - base.quality
        for trained, base in pairs
        if trained.quality is not None and base.quality is not None
    ]
    if not pairs or len(differences) < len(pairs):
        return None, None, Verdict.UNKNOWN
    mean = statistics.fmean(differences)
    numbers = tuple(run.number for run, _ in pairs), tuple(run.number for _, run in pairs)
    u = gap_u(noise, len(pairs), len(pairs), numbers)
    if u is None:
        return mean, None, Verdict.UNKNOWN
    verdict = Verdict.COMPARABLE if abs(mean) <= u else Verdict.BETTER if mean > 0 else Verdict.INCOMPARABLE
    return mean, u if noise.is_known else None, verdict


def _interval(values: NDArray[np.float64], level: _Level) -> Interval:
    return _intervals(values[None], level)[0]


def _intervals(values: NDArray[np.float64], level: _Level) -> list[Interval]:
    """An interval for each row of draws, shape ``(n_setups, n_draws)``."""
    limits = all_bounds(values, *level).tolist()
    nevers = np.mean(np.isinf(values), axis=-1).tolist()
    return [
        Interval(low if math.isfinite(low) else None, high if math.isfinite(high) else None, never)
        for low, high, never in zip(*limits, nevers, strict=True)
    ]


def _extremes(kept: Sequence[_Drawn], level: _Level) -> Extremes | None:
    if not kept:
        return None
    items = [item for item, _ in kept]
    paying = sorted((item for item in items if item.trainings is not None), key=lambda item: item.trainings or 0.0)
    finite = [item.trainings for item in paying if item.trainings is not None]
    known = [item.joules for item in items if item.joules is not None]
    drawn = [own for _, own in kept if own is not None]
    whole = np.stack(drawn) if drawn else None
    return Extremes(
        n=len(items),
        n_never=len(items) - len(paying),
        best=paying[0] if paying else None,
        worst=paying[-1] if paying else None,
        mean=statistics.fmean(finite) if finite else None,
        mean_interval=None if whole is None or not finite else _mean_interval(trainings_of(whole), level),
        joules=Joules(*(statistics.fmean(column) for column in zip(*known, strict=True))),
        interval=None if whole is None else _interval(trainings_of(whole.mean(axis=0)), level),
    )


def _mean_interval(values: NDArray[np.float64], level: _Level) -> Interval:
    """Of the mean over the setups that pay in a draw; values of shape ``(n_setups, n_draws)``."""
    paying = np.isfinite(values)
    n = paying.sum(axis=0)
    total = np.where(paying, values, 0.0).sum(axis=0)
    return _interval(np.where(n > 0, total / np.maximum(n, 1), np.inf), level)
