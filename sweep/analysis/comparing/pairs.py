"""Setups of two studies, matched by what was trained, with the ratio of their joules.

A setup is known by the values of every config key that is a dimension in one of the studies; where a study did not
sweep a key, its config tells the value. The ratio of joules of a pair has the interval

    ratio exp(+- t sqrt(c_A^2 / n_A + c_B^2 / n_B)),    c as in ``sweep.analysis.noise``, t of the smaller pool

which is of the scatter from run to run alone. The scales of two meters do not cancel: they are one factor for all
pairs, and stand apart (``Overall``).

Limits: means of whole trainings, each to its own end. The scales of the meters count as independent; those of two
modelled machines may err alike.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sweep.analysis.coverage import student
from sweep.analysis.footprint import scale_u_rel_of
from sweep.analysis.noise import Noise
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary
from sweep.errors import StudyError
from sweep.records import StudyRecord, TrialRecord

PARADIGM = "paradigm"


class Cell(NamedTuple):
    """A setup in one study; means over its repeats, standard deviations ``None`` with one.

    Attributes:
        epochs: of the whole trial.
        epoch_j: joules of a whole trial over its epochs.
        excluded: why the setup is off that study's front; ``None`` if it is not.
    """

    n: int
    quality: float
    quality_sd: float | None
    energy_j: float
    energy_sd_j: float | None
    epochs: float
    epoch_j: float
    excluded: str | None


class Ratio(NamedTuple):
    """Joules in B over those in A; the interval is ``None`` without repeats in both."""

    value: float
    low: float | None
    high: float | None


class Pair(NamedTuple):
    """One setup in both studies.

    Attributes:
        params: by the names of the first study's dimensions, then the second's.
    """

    params: dict[str, Any]
    a: Cell
    b: Cell
    ratio: Ratio


class Alone(NamedTuple):
    """A setup that has no number in one of the studies.

    Attributes:
        study: in which it has none, ``A`` or ``B``.
    """

    params: dict[str, Any]
    study: str
    reason: str


class Overall(NamedTuple):
    """Joules in B over those in A, over all pairs.

    Attributes:
        mean: geometric.
        scale_u_rel: relative standard uncertainty of the one factor in all ratios, from the scales of both meters;
            ``None`` if one is not known.
    """

    mean: float
    low: float
    high: float
    scale_u_rel: float | None


Key = bytes


def keyed(summary: Summary, other: Summary) -> dict[Key, Setup]:
    """The setups of a study by the values of every key that one of the studies swept.

    Raises:
        StudyError: if the other study swept a key whose value this one's config does not tell.
    """
    study = summary.data.study
    names = {dimension.key: dimension.name for dimension in study.dimensions}
    keys = sorted({*names, *(dimension.key for dimension in other.data.study.dimensions)})
    fixed = {key: _fixed(study, key) for key in keys if key not in names}
    found = {}
    for setup in summary.setups:
        values = fixed | {key: setup.params.get(name) for key, name in names.items()}
        found[msgspec.json.encode({key: _plain(value) for key, value in values.items()}, order="sorted")] = setup
    return found


def match(a: Mapping[Key, Setup], b: Mapping[Key, Setup], noises: tuple[Noise, Noise]) -> list[Pair]:
    """The setups that have numbers in both studies, in the order of the first."""
    pairs = []
    for key, setup in a.items():
        cells = _cell(setup), _cell(b[key]) if key in b else None
        if cells[0] is not None and cells[1] is not None:
            params = setup.params | b[key].params
            pairs.append(Pair(params, cells[0], cells[1], _ratio(cells[0], cells[1], noises)))
    return pairs


def unmatched(a: Mapping[Key, Setup], b: Mapping[Key, Setup]) -> list[Alone]:
    """The setups that have no number in one of the studies, or in both."""
    found = []
    for study, own, other in (("A", a, b), ("B", b, a)):
        for key, setup in {**other, **own}.items():
            if key not in own:
                found.append(Alone(setup.params, study, "was not trained there"))
            elif _cell(setup) is None:
                found.append(Alone(setup.params, study, setup.excluded or "joules are not known"))
    return found


def overall(pairs: Sequence[Pair], a: Summary, b: Summary) -> Overall:
    """Of one pair or more."""
    ratios = [pair.ratio.value for pair in pairs]
    scales = scale_u_rel_of(a.data), scale_u_rel_of(b.data)
    u_rel = None if scales[0] is None or scales[1] is None else math.hypot(scales[0], scales[1])
    return Overall(statistics.geometric_mean(ratios), min(ratios), max(ratios), u_rel)


def _cell(setup: Setup) -> Cell | None:
    final = setup.final
    if final is None or not final.energy_j > 0.0:
        return None
    lengths = [len(trial.trajectory) for trial in setup.trials]
    return Cell(
        n=final.n,
        quality=final.quality,
        quality_sd=final.quality_sd,
        energy_j=final.energy_j,
        energy_sd_j=final.energy_sd_j,
        epochs=statistics.fmean(lengths),
        epoch_j=statistics.fmean(_epoch_j(trial, final.energy_j) for trial in setup.trials),
        excluded=setup.excluded,
    )


def _epoch_j(trial: TrialRecord, mean_j: float) -> float:
    energy_j = mean_j if trial.energy_j is None else trial.energy_j
    return energy_j / len(trial.trajectory)


def _ratio(a: Cell, b: Cell, noises: tuple[Noise, Noise]) -> Ratio:
    value = b.energy_j / a.energy_j
    if not all(noise.is_known for noise in noises):
        return Ratio(value, None, None)
    variance = math.fsum(_rel_sd(cell, noise) ** 2 / cell.n for cell, noise in zip((a, b), noises, strict=True))
    df = min(noise.energy_df for noise in noises)
    half = student(noises[0].confidence, df) * math.sqrt(variance)
    return Ratio(value, value * math.exp(-half), value * math.exp(half))


def _rel_sd(cell: Cell, noise: Noise) -> float:
    return max(noise.energy_rel_sd or 0.0, noise.energy_rel_floor, (cell.energy_sd_j or 0.0) / cell.energy_j)


def _fixed(study: StudyRecord, key: str) -> Any:
    """The value of a key that a study did not sweep."""
    if key == PARADIGM:
        names = list(study.config.get("paradigms", {}))
        if len(names) == 1:
            return names[0]
    value: Any = study.config
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise StudyError(
                f"{key} is a dimension of one study, and the config of {study.name} does not tell its value",
                "compare two studies of the same experiment",
            )
        value = value[name]
    return value


def _plain(value: Any) -> Any:
    """1 and 1.0 are one value."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
