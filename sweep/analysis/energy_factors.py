"""Why the energy differs: joules per epoch times number of epochs, and which hyperparameter rules which.

    E = (E / epochs) x epochs      ln E = ln(E / epochs) + ln(epochs)

Each logarithm is decomposed over the dimensions that vary (``anova``), on all setups with the paradigm as a factor and,
where there are several paradigms, on each alone. The grid must be full. Beside it stand rank correlations (Spearman)
of the energy of trials with their time, FLOPs and parameters. This is the finding of "The Power of Training" (batch
size rules joules per epoch, learning rate their number), made automatic.

Limits: a run that was capped at ``max_epochs``, or that diverged, would have had another number of epochs: it is used
as it ended, and counted as censored. Joules are those that a trial is charged with, and epochs those of all its phases.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sweep.analysis import wording
from sweep.analysis.anova import Decomposition, decompose
from sweep.analysis.current import current
from sweep.analysis.paired import dimension_of_paradigm, paradigm_of
from sweep.analysis.spearman import spearman
from sweep.records import RESULTS, StopReason, StudyData, TrialRecord
from sweep.records.parts import layer_work

RESPONSES = ("energy_per_epoch", "epochs", "energy")
MAX_CELLS = 20_000
MAX_EPOCHS = "trainer.max_epochs"


class Correlation(NamedTuple):
    """Spearman's rank correlation of the joules of trials with a number; ``rho`` is ``None`` if that does not vary."""

    name: str
    rho: float | None
    n: int


class Decompositions(NamedTuple):
    """The three numbers of one group of trials.

    Attributes:
        paradigm: of the group; ``None`` for all trials.
        factors: dimensions that vary in it, those with one level left out.
        n_trials: that are used.
        by_response: a decomposition for each of ``RESPONSES``; ``None`` where the number does not vary.
        missing: why there is none; ``None`` if there is.
        n_capped: trials that reached ``max_epochs``; 0 where that is a factor, and not a limit.
        n_diverged: trials that diverged.
        from_epochs: share of the variance of ln E that goes with the number of epochs, cov(ln epochs, ln E) /
            var(ln E); the rest goes with the joules per epoch. Outside [0, 1] where the two pull against each other.
    """

    paradigm: str | None
    factors: tuple[str, ...]
    n_trials: int
    by_response: dict[str, Decomposition | None]
    missing: str | None
    n_capped: int
    n_diverged: int
    from_epochs: float | None


class EnergyFactors(NamedTuple):
    """Why the energy differs within a study: all trials first, then each of several paradigms."""

    groups: tuple[Decompositions, ...]
    correlations: tuple[Correlation, ...]


class _Run(NamedTuple):
    trial: TrialRecord
    energy_j: float
    epochs: int


def energy_factors(data: StudyData, confidence: float) -> EnergyFactors | None:
    """The analysis of a study; ``None`` if no dimension varies or no joules are known."""
    runs, names = _runs(data), wording.varying(data)
    if not runs or not names:
        return None
    dimension = dimension_of_paradigm(data)
    groups = [_group(data, None, runs, names, confidence)]
    paradigms = dict.fromkeys(paradigm_of(run.trial, dimension) for run in runs)
    if dimension in names and len(paradigms) > 1:
        others = tuple(name for name in names if name != dimension)
        for paradigm in paradigms:
            own = [run for run in runs if paradigm_of(run.trial, dimension) == paradigm]
            groups.append(_group(data, paradigm, own, others, confidence))
    return EnergyFactors(tuple(groups), _correlations(runs))


def _runs(data: StudyData) -> list[_Run]:
    """Current trials that ended by themselves or diverged, with positive joules and an epoch."""
    kept = RESULTS | {StopReason.DIVERGED}
    found = []
    for trial in current(data):
        epochs = len(trial.trajectory)
        if trial.stop_reason in kept and epochs and trial.energy_j is not None and trial.energy_j > 0:
            found.append(_Run(trial, trial.energy_j, epochs))
    return found


def _group(
    data: StudyData, paradigm: str | None, runs: Sequence[_Run], names: Sequence[str], confidence: float
) -> Decompositions:
    levels = {name: _levels(data, name, runs) for name in names}
    factors = tuple(name for name in names if len(levels[name]) > 1)
    missing = _no_grid(data, factors, levels)
    cells = _cells(runs, factors, levels) if missing is None else []
    missing = missing or _empty_cells(cells, factors, levels)
    by_response: dict[str, Decomposition | None] = {}
    if missing is None:
        shape = [len(levels[name]) for name in factors]
        for name, response in _responses().items():
            numbers = [[math.log(response(run)) for run in cell] for cell in cells]
            by_response[name] = decompose(factors, numbers, shape, confidence)
    return Decompositions(
        paradigm=paradigm,
        factors=factors,
        n_trials=len(runs),
        by_response=by_response,
        missing=missing,
        n_capped=0 if MAX_EPOCHS in factors else sum(run.trial.stop_reason is StopReason.MAX_EPOCHS for run in runs),
        n_diverged=sum(run.trial.stop_reason is StopReason.DIVERGED for run in runs),
        from_epochs=_from_epochs(runs),
    )


def _responses() -> dict[str, Callable[[_Run], float]]:
    numbers: tuple[Callable[[_Run], float], ...] = (
        lambda run: run.energy_j / run.epochs,
        lambda run: float(run.epochs),
        lambda run: run.energy_j,
    )
    return dict(zip(RESPONSES, numbers, strict=True))


def _levels(data: StudyData, name: str, runs: Sequence[_Run]) -> list[Any]:
    """Values of a dimension: those that the search space lists, else those met."""
    listed = next((item.values for item in data.study.dimensions if item.name == name), None)
    found = [run.trial.params.get(name) for run in runs] if listed is None else listed
    return list({repr(item): item for item in found}.values())


def _cells(runs: Sequence[_Run], factors: Sequence[str], levels: dict[str, list[Any]]) -> list[list[_Run]]:
    groups: dict[tuple[str, ...], list[_Run]] = {}
    for run in runs:
        groups.setdefault(tuple(repr(run.trial.params.get(name)) for name in factors), []).append(run)
    places = itertools.product(*([repr(item) for item in levels[name]] for name in factors))
    return [groups.get(place, []) for place in places]


def _no_grid(data: StudyData, factors: Sequence[str], levels: dict[str, list[Any]]) -> str | None:
    """Why the search space is no grid that can be decomposed."""
    ranges = [item.name for item in data.study.dimensions if item.values is None and item.name in factors]
    if ranges:
        return f"{' and '.join(ranges)} was drawn from a range; the shares need a full grid (search.sampler=grid)"
    if not factors:
        return "no dimension varies"
    if math.prod(len(levels[name]) for name in factors) > MAX_CELLS:
        return f"the grid has more than {MAX_CELLS} cells"
    return None


def _empty_cells(cells: Sequence[Sequence[_Run]], factors: Sequence[str], levels: dict[str, list[Any]]) -> str | None:
    """Why the grid is not full."""
    places = itertools.product(*(levels[name] for name in factors))
    empty = [dict(zip(factors, place, strict=True)) for place, cell in zip(places, cells, strict=True) if not cell]
    if not empty:
        return None
    told = "; ".join(wording.setup(params, factors) for params in empty[:3])
    more = "" if len(empty) <= 3 else f" and {len(empty) - 3} more"
    return f"the grid is not full: no finished trial with known joules of {told}{more}"


def _from_epochs(runs: Sequence[_Run]) -> float | None:
    energies = [math.log(run.energy_j) for run in runs]
    epochs = [math.log(run.epochs) for run in runs]
    mean, mean_epochs = math.fsum(energies) / len(runs), math.fsum(epochs) / len(runs)
    variance = math.fsum((item - mean) ** 2 for item in energies)
    if variance <= 0:
        return None
    shared = math.fsum((a - mean) * (b - mean_epochs) for a, b in zip(energies, epochs, strict=True))
    return shared / variance


def _correlations(runs: Sequence[_Run]) -> tuple[Correlation, ...]:
    numbers: dict[str, Callable[[TrialRecord], float | None]] = {
        "time": _duration_s,
        "FLOPs": _flops,
        "parameters": _parameters,
    }
    found = (_correlation(name, number, runs) for name, number in numbers.items())
    return tuple(item for item in found if item is not None)


def _correlation(name: str, number: Callable[[TrialRecord], float | None], runs: Sequence[_Run]) -> Correlation | None:
    """``None`` if fewer than three trials know the number."""
    known = [(run.energy_j, item) for run in runs if (item := number(run.trial)) is not None]
    if len(known) < 3:
        return None
    energies, items = zip(*known, strict=True)
    return Correlation(name, spearman(energies, items), len(known))


def _duration_s(trial: TrialRecord) -> float:
    """Seconds of all that the trial rests on, a pretraining that another trial ran included."""
    reused = trial.pretraining is not None and trial.pretraining.reused
    return trial.duration_s + (trial.pretraining.duration_s if reused and trial.pretraining else 0.0)


def _flops(trial: TrialRecord) -> float | None:
    """Of all steps; not known without layers, nor of a trial whose pretraining has its layers elsewhere."""
    if trial.pretraining is not None and trial.pretraining.reused:
        return None
    return layer_work(trial.layers).flops


def _parameters(trial: TrialRecord) -> float | None:
    """Of the model of the last phase."""
    return layer_work(trial.layers).parameters
