"""Optuna's samplers and distributions for our search spaces."""

import hashlib
import warnings
from collections.abc import Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sweep.config import Sampler
from sweep.records import Dimension
from sweep.study.search_space import is_int


def distributions(dims: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Optuna's description of the space."""
    return {d.name: _distribution(d) for d in dims}


def _distribution(dimension: Dimension) -> BaseDistribution:
    low, high, step = dimension.low, dimension.high, dimension.step
    if dimension.values is not None:
        return CategoricalDistribution(dimension.values)
    if low is None or high is None:
        raise AssertionError(dimension)
    if is_int(dimension):
        return IntDistribution(int(low), int(high), log=dimension.log, step=int(step or 1))
    return FloatDistribution(low, high, log=dimension.log, step=step)


def make_sampler(kind: Sampler, seed: int, past: int) -> optuna.samplers.BaseSampler:
    """The sampler of a session.

    Args:
        kind: as configured; a grid is enqueued, so its sampler is never asked.
        seed: of the study.
        past: trials before this session; a resumed study must not draw the same setups again.
    """
    mixed = int.from_bytes(hashlib.sha256(f"{seed}:{past}".encode()).digest()[:4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        match kind:
            case Sampler.tpe:
                return optuna.samplers.TPESampler(seed=mixed)
            case Sampler.nsga2:
                return optuna.samplers.NSGAIISampler(seed=mixed)
            case Sampler.qmc:
                return optuna.samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
            case _:
                return optuna.samplers.RandomSampler(seed=mixed)
