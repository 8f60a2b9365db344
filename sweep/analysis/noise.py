"""How large a difference must be before it means something.

Repeats show the noise. Their variance is pooled over setups, because two or three repeats say little:

    s_q^2 = sum (n_s - 1) sd_s^2 / sum (n_s - 1)       over the better half of the setups, at their ends
    c_e^2 = the same with (sd_s / mean_s)^2             over all setups, at the last epoch all repeats reached

Two points A and B with n_A and n_B repeats then differ by (Student's t, degrees of freedom of the pool)

    q_A - q_B      +- t s_q sqrt(1/n_A + 1/n_B)
    1 - E_A / E_B  +- t (E_A / E_B) sqrt(c_A^2/n_A + c_B^2/n_B),    c = max(c_e, its own, the meter's)

The better half: setups that do not learn scatter more, and say nothing about those that do. Relative joules:
the meter's scale error is the same factor for both and cancels.

Limits: with one repeat nothing is known about the noise of training. Then only a floor is: the standard error
of an accuracy on n_val samples, sqrt(q (1 - q) / n_val), and the meter's own repeatability. Repeats share one
validation set, so its choice is not in s_q. Points of one setup are treated as independent, which errs wide.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scipy import stats

from sweep.analysis.current import current
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup, SetupPoint
from sweep.records import StudyData


class Noise(NamedTuple):
    """Pooled noise of a study.

    Attributes:
        confidence: two-sided level of every interval made from it.
        quality_sd: pooled standard deviation of the quality; ``None`` without repeats.
        quality_df: its degrees of freedom; 0 without repeats.
        energy_rel_sd: pooled relative standard deviation of the joules; ``None`` without repeats.
        energy_df: its degrees of freedom.
        quality_floor: standard error of the best accuracy from the size of the validation split; ``None`` if
            the quality is not an accuracy.
        energy_rel_floor: the meter's own relative repeatability.
    """

    confidence: float
    quality_sd: float | None
    quality_df: int
    energy_rel_sd: float | None
    energy_df: int
    quality_floor: float | None
    energy_rel_floor: float

    @property
    def is_known(self) -> bool:
        """Whether repeats say anything."""
        return self.quality_sd is not None and self.energy_rel_sd is not None


class Difference(NamedTuple):
    """What changes when a setup is trained instead of a reference.

    Attributes:
        saving_j: joules saved by one training; negative if it costs more.
        saving_rel: the same over the joules of the reference.
        saving_rel_u: half-width of its interval; ``None`` without repeats.
        quality: quality gained; negative if lost.
        quality_u: half-width of its interval; ``None`` without repeats.
        saves: whether the saving is larger than the noise.
        same_quality: whether the difference of quality is inside the noise.
        within_one_se: whether no more quality is lost than one standard error of the difference.
    """

    saving_j: float
    saving_rel: float
    saving_rel_u: float | None
    quality: float
    quality_u: float | None
    saves: bool
    same_quality: bool
    within_one_se: bool


def measure(data: StudyData, setups: Sequence[Setup], confidence: float) -> Noise:
    """Noise of a study from its repeats, with the floors that hold without any."""
    usable = [setup for setup in setups if setup.candidates]
    usable.sort(key=lambda setup: -setup.candidates[-1].quality)
    better = usable[: math.ceil(len(usable) / 2)]
    quality_sd, quality_df = _pool((setup.candidates[-1].quality_sd, setup.candidates[-1].n) for setup in better)
    common = [_common_point(setup) for setup in usable]
    energy_sd, energy_df = _pool((_relative_sd(point), point.n) for point in common)
    best = usable[0].candidates[-1].quality if usable else None
    return Noise(
        confidence=confidence,
        quality_sd=quality_sd,
        quality_df=quality_df,
        energy_rel_sd=energy_sd,
        energy_df=energy_df,
        quality_floor=_binomial(data, best),
        energy_rel_floor=_meter_repeatability(data),
    )


def compare(point: FrontPoint, reference: FrontPoint, noise: Noise) -> Difference:
    """What training ``point`` instead of ``reference`` changes, with its uncertainty."""
    ratio = point.energy_j / reference.energy_j if reference.energy_j > 0 else 1.0
    energy_u = ratio * _energy_rel_u(point, reference, noise)
    quality_u = _quality_u(point, reference, noise)
    gain = point.quality - reference.quality
    return Difference(
        saving_j=reference.energy_j - point.energy_j,
        saving_rel=1.0 - ratio,
        saving_rel_u=energy_u if noise.is_known else None,
        quality=gain,
        quality_u=quality_u if noise.is_known else None,
        saves=1.0 - ratio > energy_u,
        same_quality=abs(gain) <= quality_u,
        within_one_se=gain >= -quality_u / _quality_factor(noise),
    )


def mean_u(noise: Noise, n: int) -> float | None:
    """Half-width of the interval of one setup's mean quality; ``None`` without repeats."""
    if noise.quality_sd is None:
        return None
    return _student(noise.confidence, noise.quality_df) * noise.quality_sd / math.sqrt(n)


def gap_u(noise: Noise, n: int, n_reference: int) -> float | None:
    """Half-width of the interval of a difference of two mean qualities.

    Without repeats it is what the size of the validation split alone gives, a floor; ``None`` if that is not known.
    """
    if noise.quality_sd is None:
        return None if noise.quality_floor is None else _quality_factor(noise) * noise.quality_floor
    return _quality_factor(noise) * noise.quality_sd * math.sqrt(1 / n + 1 / n_reference)


def _quality_u(point: FrontPoint, reference: FrontPoint, noise: Noise) -> float:
    return gap_u(noise, point.n, reference.n) or 0.0


def _quality_factor(noise: Noise) -> float:
    if noise.quality_sd is None:
        return _normal(noise.confidence)
    return _student(noise.confidence, noise.quality_df)


def _energy_rel_u(point: FrontPoint, reference: FrontPoint, noise: Noise) -> float:
    least = max(noise.energy_rel_sd or 0.0, noise.energy_rel_floor)
    variances = (max(least, _relative_sd(item) or 0.0) ** 2 / item.n for item in (point, reference))
    factor = _normal(noise.confidence) if noise.energy_rel_sd is None else _student(noise.confidence, noise.energy_df)
    return factor * math.sqrt(math.fsum(variances))


def _pool(groups: Iterable[tuple[float | None, int]]) -> tuple[float | None, int]:
    known = [(sd, n - 1) for sd, n in groups if sd is not None]
    df = sum(weight for _, weight in known)
    if df == 0:
        return None, 0
    return math.sqrt(math.fsum(weight * sd**2 for sd, weight in known) / df), df


def _common_point(setup: Setup) -> SetupPoint:
    """The last point before a repeat ended: from there on the joules also scatter with the length."""
    shortest = min(len(trial.trajectory) for trial in setup.trials)
    return next((point for point in reversed(setup.points) if point.epoch <= shortest), setup.points[-1])


def _relative_sd(point: SetupPoint | FrontPoint) -> float | None:
    if point.energy_sd_j is None or point.energy_j <= 0:
        return None
    return point.energy_sd_j / point.energy_j


def _binomial(data: StudyData, quality: float | None) -> float | None:
    study = data.study
    if quality is None or not study.quality_name.endswith("accuracy") or not 0.0 <= quality <= 1.0:
        return None
    return math.sqrt(quality * (1.0 - quality) / study.data.n_val) if study.data.n_val else None


def _meter_repeatability(data: StudyData) -> float:
    shares = [
        trial.energy_u_random_j / trial.energy_j
        for trial in current(data.trials)
        if trial.energy_u_random_j is not None and trial.energy_j
    ]
    return statistics.median(shares) if shares else 0.0


def _student(confidence: float, df: int) -> float:
    return float(stats.t.ppf((1.0 + confidence) / 2.0, df))


def _normal(confidence: float) -> float:
    return float(stats.norm.ppf((1.0 + confidence) / 2.0))
