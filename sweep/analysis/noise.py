"""How large a difference must be before it means something.

Repeats show the noise. Their variance is pooled over setups, because two or three repeats say little:

    s_q^2 = sum (n_s - 1) sd_s^2 / sum (n_s - 1)       over the better half of the setups, at their ends
    c_e^2 = the same with (sd_s / mean_s)^2             over all setups, at the last epoch all repeats reached

The choice of the validation samples is noise too: repeats share it, so it is not in s_q. Where trials keep a score of
each sample, ``bootstrap`` tells its standard error, b. Two points A and B with n_A and n_B repeats then differ by
(Student's t, degrees of freedom of the pool, and of the resampled subjects or samples)

    q_A - q_B      +- sqrt( (t s_q)^2 (1/n_A + 1/n_B) + (t_b b)^2 )
    1 - E_A / E_B  +- t (E_A / E_B) sqrt(c_A^2/n_A + c_B^2/n_B),    c = max(c_e, its own, the meter's)

The better half: setups that do not learn scatter more, and say nothing about those that do. Relative joules:
the meter's scale error is the same factor for both and cancels.

Limits: with one repeat nothing is known about the noise of training. Then only floors are: b, or where no scores are
kept the standard error of an accuracy on n_val samples (after Agresti and Coull, The American Statistician 52 (1998)
119: z^2 / 2 right and as many wrong ones added, so that an accuracy of 1 is not taken for certain); and the meter's own
repeatability. Scores are those of the best epoch, whichever epoch a point is of; two points of one setup have the same
scores, so that b says nothing of them. Points of one setup are treated as independent, which errs wide. What single
samples scatter from run to run is in s_q and in b both, which errs wide too.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sweep.analysis.bootstrap import Sampling, Trials, sampling
from sweep.analysis.coverage import normal, student
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
        sampling: what the choice of the validation samples does; ``None`` where no trial has scores of samples.
    """

    confidence: float
    quality_sd: float | None
    quality_df: int
    energy_rel_sd: float | None
    energy_df: int
    quality_floor: float | None
    energy_rel_floor: float
    sampling: Sampling | None = None

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
    common = [common_point(setup) for setup in usable]
    energy_sd, energy_df = _pool((_relative_sd(point), point.n) for point in common)
    best = usable[0].candidates[-1].quality if usable else None
    return Noise(
        confidence=confidence,
        quality_sd=quality_sd,
        quality_df=quality_df,
        energy_rel_sd=energy_sd,
        energy_df=energy_df,
        quality_floor=_binomial(data, best, confidence),
        energy_rel_floor=_meter_repeatability(data),
        sampling=sampling(data),
    )


def compare(point: FrontPoint, reference: FrontPoint, noise: Noise) -> Difference:
    """What training ``point`` instead of ``reference`` changes, with its uncertainty."""
    ratio = point.energy_j / reference.energy_j if reference.energy_j > 0 else 1.0
    energy_u = ratio * _energy_rel_u(point, reference, noise)
    spread = _quality_spread(noise, point.n, reference.n, (point.trials, reference.trials))
    quality_u = 0.0 if spread is None else spread.u
    gain = point.quality - reference.quality
    return Difference(
        saving_j=reference.energy_j - point.energy_j,
        saving_rel=1.0 - ratio,
        saving_rel_u=energy_u if noise.is_known else None,
        quality=gain,
        quality_u=quality_u if noise.is_known else None,
        saves=1.0 - ratio > energy_u,
        same_quality=abs(gain) <= quality_u,
        within_one_se=gain >= -(0.0 if spread is None else spread.se),
    )


def mean_u(noise: Noise, n: int, trials: Trials = ()) -> float | None:
    """Half-width of the interval of one setup's mean quality; ``None`` without repeats.

    Args:
        noise: of the study.
        n: repeats of the setup.
        trials: their numbers; without them the choice of the validation samples is left out.
    """
    if noise.quality_sd is None:
        return None
    chosen = noise.sampling.mean_se(trials) if noise.sampling is not None and trials else None
    return _combined(noise, noise.quality_sd / math.sqrt(n), chosen).u


def gap_u(noise: Noise, n: int, n_reference: int, trials: tuple[Trials, Trials] | None = None) -> float | None:
    """Half-width of the interval of a difference of two mean qualities.

    Without repeats it is what the validation samples alone give, a floor; ``None`` if that is not known.

    Args:
        noise: of the study.
        n: repeats of the one setup.
        n_reference: of the other.
        trials: numbers of the trials of both; without them the choice of the validation samples is left out.
    """
    spread = _quality_spread(noise, n, n_reference, trials)
    return None if spread is None else spread.u


class _Spread(NamedTuple):
    """Standard error and half-width of an interval."""

    se: float
    u: float


def _quality_spread(noise: Noise, n: int, n_reference: int, trials: tuple[Trials, Trials] | None) -> _Spread | None:
    chosen = noise.sampling.difference_se(*trials) if noise.sampling is not None and trials is not None else None
    if noise.quality_sd is not None:
        return _combined(noise, noise.quality_sd * math.sqrt(1 / n + 1 / n_reference), chosen)
    if chosen is not None:
        return _combined(noise, 0.0, chosen)
    floor = noise.quality_floor
    return None if floor is None else _Spread(floor, normal(noise.confidence) * floor)


def _combined(noise: Noise, repeats_se: float, chosen_se: float | None) -> _Spread:
    """What repeats and the choice of the validation samples make together, each part with its own t."""
    repeats_u = student(noise.confidence, noise.quality_df) * repeats_se if repeats_se else 0.0
    if chosen_se is None or noise.sampling is None:
        return _Spread(repeats_se, repeats_u)
    chosen_u = student(noise.confidence, noise.sampling.df) * chosen_se
    return _Spread(math.hypot(repeats_se, chosen_se), math.hypot(repeats_u, chosen_u))


def _energy_rel_u(point: FrontPoint, reference: FrontPoint, noise: Noise) -> float:
    least = max(noise.energy_rel_sd or 0.0, noise.energy_rel_floor)
    variances = (max(least, _relative_sd(item) or 0.0) ** 2 / item.n for item in (point, reference))
    factor = normal(noise.confidence) if noise.energy_rel_sd is None else student(noise.confidence, noise.energy_df)
    return factor * math.sqrt(math.fsum(variances))


def _pool(groups: Iterable[tuple[float | None, int]]) -> tuple[float | None, int]:
    known = [(sd, n - 1) for sd, n in groups if sd is not None]
    df = sum(weight for _, weight in known)
    if df == 0:
        return None, 0
    return math.sqrt(math.fsum(weight * sd**2 for sd, weight in known) / df), df


def common_point(setup: Setup) -> SetupPoint:
    """The last point before a repeat ended: from there on the joules also scatter with the length."""
    shortest = min(len(trial.trajectory) for trial in setup.trials)
    return next((point for point in reversed(setup.points) if point.epoch <= shortest), setup.points[-1])


def _relative_sd(point: SetupPoint | FrontPoint) -> float | None:
    if point.energy_sd_j is None or point.energy_j <= 0:
        return None
    return point.energy_sd_j / point.energy_j


def _binomial(data: StudyData, quality: float | None, confidence: float) -> float | None:
    """Standard error of an accuracy by Agresti and Coull; never 0."""
    study = data.study
    if quality is None or not study.quality_name.endswith("accuracy") or not 0.0 <= quality <= 1.0:
        return None
    z2 = normal(confidence) ** 2
    n = study.data.n_val + z2
    share = (quality * study.data.n_val + z2 / 2) / n
    return math.sqrt(share * (1.0 - share) / n)


def _meter_repeatability(data: StudyData) -> float:
    shares = [
        trial.energy_u_random_j / trial.energy_j
        for trial in current(data)
        if trial.energy_u_random_j is not None and trial.energy_j
    ]
    return statistics.median(shares) if shares else 0.0
