"""The search space: from config entries to dimensions, grids and setups. Pure; imports neither torch nor optuna.

    search.space:  {batch_size: [64, 256], lr: {low: 1e-4, high: 0.1, log: true}, paradigm: [baseline]}
    search.vary:   {trainer: {weight_decay: [0, 0.1]}, lr: null}

An entry is a list of values or a range ``{low, high, log, step}``; null removes the dimension. A name without a
dot is a trainer option (``lr`` sets ``trainer.lr``), any other name is the config key itself; ``paradigm`` picks one of
the composed paradigms. Entries of ``vary`` replace those of ``space`` whole, because a list cannot be overridden by
a mapping, nor a mapping by a list, in Hydra's grammar.
"""

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sweep.config import SearchConfig, SweepConfig, TrainerConfig, with_value
from sweep.errors import ConfigError
from sweep.records import Dimension
from sweep.typed import unknown_mend

PARADIGM = "paradigm"
RANGE_KEYS = frozenset({"low", "high", "log", "step"})
FIXED_SECTIONS = ("meter", "search", "study", "report", "paradigms")

Params = dict[str, Any]
"""A setup: the value of each dimension by its name."""


def dimensions(config: SweepConfig) -> list[Dimension]:
    """The dimensions of a config, checked value by value.

    Raises:
        ConfigError: for an entry that is neither list nor range, an unknown key, a value the key refuses, or no
            dimension at all.
    """
    entries = {key_of(name): (name, entry) for name, entry in _leaves(config.search.space)}
    for name, entry in _leaves(config.search.vary):
        known = entries.get(key_of(name))
        entries[key_of(name)] = (known[0] if known else name, entry)
    found = [_dimension(name, key, entry) for key, (name, entry) in entries.items() if entry is not None]
    if not found:
        raise ConfigError("the search space is empty", "give a dimension, e.g. search.space.lr=[0.1,0.01]")
    for dimension in found:
        _check(config, dimension)
    return found


def key_of(name: str) -> str:
    """The config key that a dimension's name stands for."""
    if name == PARADIGM or "." in name:
        return name
    return f"trainer.{name}"


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, entry in tree.items():
        name = f"{prefix}{key}"
        if isinstance(entry, Mapping) and not RANGE_KEYS & set(entry):
            yield from _leaves(entry, f"{name}.")
        else:
            yield name, entry


def _dimension(name: str, key: str, entry: Any) -> Dimension:
    if isinstance(entry, list):
        return _choice(name, key, entry)
    if isinstance(entry, Mapping):
        return _range(name, key, entry)
    raise ConfigError(
        f"search.space.{name}={entry!r} is neither a list nor a range",
        f"write [{entry}] for one value, or ++search.vary.{name}={{low:...,high:...}}",
    )


def _choice(name: str, key: str, values: list[Any]) -> Dimension:
    if not values:
        raise ConfigError(f"search.space.{name} is an empty list", "give values, or null to take it out")
    for value in values:
        if not isinstance(value, bool | int | float | str | None):
            raise ConfigError(
                f"search.space.{name} holds {value!r}", "use numbers, strings, booleans or null as values"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"search.space.{name} holds {value}", "use finite numbers")
    if len({json.dumps(value) for value in values}) < len(values):
        raise ConfigError(f"search.space.{name}={values} holds a value twice", "give each value once")
    return Dimension(name=name, key=key, values=values)


def _range(name: str, key: str, entry: Mapping[str, Any]) -> Dimension:
    where = f"search.space.{name}"
    for part in entry:
        if part not in RANGE_KEYS:
            raise ConfigError(f"{where}.{part} is not part of a range", unknown_mend(part, RANGE_KEYS))
    step, log = entry.get("step"), entry.get("log", False)
    low, high = (_number(entry, part, where) for part in ("low", "high"))
    if not low < high:
        raise ConfigError(f"{where} has low={low} and high={high}", "make low the smaller one")
    if log and (step is not None or low <= 0):
        raise ConfigError(f"{where} has log=true with low={low}, step={step}", "give a log range low > 0 and no step")
    if step is not None and not step > 0:
        raise ConfigError(f"{where}.step={step} is not above 0", "give a positive step")
    return Dimension(name=name, key=key, low=low, high=high, log=bool(log), step=step)


def _number(entry: Mapping[str, Any], part: str, where: str) -> int | float:
    number = entry.get(part)
    if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
        raise ConfigError(f"{where}.{part}={number} is not a number", "a range needs the numbers low and high")
    return number


def _check(config: SweepConfig, dimension: Dimension) -> None:
    section = dimension.key.split(".")[0]
    if section in FIXED_SECTIONS:
        raise ConfigError(
            f"{dimension.key} cannot be a dimension",
            f"one study has one {section}; run a study for each value",
        )
    if dimension.key == "trainer.wait_policy":
        raise ConfigError(
            "trainer.wait_policy cannot be a dimension: a process reads it once, when torch loads",
            "run a study for each value",
        )
    trainer = [f.name for f in fields(TrainerConfig)]
    if section == "trainer" and dimension.key.removeprefix("trainer.") not in trainer:
        raise ConfigError(
            f"{dimension.name} is not a trainer option",
            unknown_mend(dimension.name.removeprefix("trainer."), trainer),
        )
    for value in dimension.values or [dimension.low, dimension.high]:
        apply(config, {dimension.name: value}, [dimension])


def apply(config: SweepConfig, params: Params, dims: Sequence[Dimension]) -> SweepConfig:
    """The config of one setup.

    Raises:
        ConfigError: if a value does not fit its key.
    """
    for dimension in dims:
        if dimension.name not in params:
            continue
        value = params[dimension.name]
        if dimension.key == PARADIGM:
            name = str(value).partition(".")[0]
            if name not in config.paradigms:
                raise ConfigError(
                    f"paradigm={value} is not composed",
                    f"add +paradigm@paradigms.{name}={name}, or use one of: {', '.join(sorted(config.paradigms))}",
                )
        else:
            config = with_value(config, dimension.key, value)
    return config


def paradigm_of(config: SweepConfig, params: Params) -> str:
    """Name of the paradigm of a setup: the dimension's value, or the only one composed.

    Raises:
        ConfigError: if several are composed and none is chosen.
    """
    if PARADIGM in params:
        return str(params[PARADIGM])
    if len(config.paradigms) != 1:
        raise ConfigError(
            f"{len(config.paradigms)} paradigms are composed and none is chosen",
            "set search.space.paradigm=[<name>]",
        )
    return next(iter(config.paradigms))


def paradigms_of(config: SweepConfig, dims: Sequence[Dimension]) -> list[str]:
    """All values of the dimension ``paradigm``, or the only paradigm composed.

    Raises:
        ConfigError: as ``paradigm_of``.
    """
    swept = next((dimension.values for dimension in dims if dimension.key == PARADIGM), None)
    return [paradigm_of(config, {})] if swept is None else [str(value) for value in swept]


def paradigm_spec(config: SweepConfig, value: str) -> tuple[dict[str, Any], str]:
    """The config section of a paradigm with the head that follows a dot, and its name for errors.

    ``singletask.identity`` is the section ``paradigms.singletask`` with ``head: identity``.
    """
    name, dot, head = value.partition(".")
    section = config.paradigms[name]
    return ({**section, "head": head} if dot else section), f"paradigms.{name}"


def is_int(dimension: Dimension) -> bool:
    """Whether a range runs over integers: all its numbers are."""
    return all(isinstance(n, int) for n in (dimension.low, dimension.high, dimension.step) if n is not None)


def grid(dims: Sequence[Dimension]) -> list[Params]:
    """Every setup of the space, in the order of the config.

    Raises:
        ConfigError: for a range without step.
    """
    return [
        dict(zip([d.name for d in dims], values, strict=True))
        for values in itertools.product(*(_grid_values(d) for d in dims))
    ]


def _grid_values(dimension: Dimension) -> list[Any]:
    if dimension.values is not None:
        return dimension.values
    if dimension.step is None or dimension.low is None or dimension.high is None:
        raise ConfigError(
            f"search.sampler=grid cannot enumerate the range of {dimension.name}",
            f"give {dimension.name} a list or a step, or set search.sampler=tpe",
        )
    count = math.floor((dimension.high - dimension.low) / dimension.step + 1e-9) + 1
    return [dimension.low + i * dimension.step for i in range(count)]


def planned_runs(dims: Sequence[Dimension], repeats: int, seed: int) -> list[tuple[Params, int]]:
    """(setup, repeat) pairs of a grid study: each repeat is one block, shuffled by seed.

    Randomised complete blocks: a slow drift of the machine does not look like an effect, and any prefix of the
    plan is balanced.
    """
    runs = []
    for repeat in range(repeats):
        block = [(params, repeat) for params in grid(dims)]
        random.Random(f"{seed}:{repeat}").shuffle(block)  # noqa: S311 - an order, not a secret
        runs += block
    return runs


def setup_key(params: Params) -> str:
    """Canonical text of a setup, for comparing and hashing."""
    return json.dumps(params, sort_keys=True)


def trial_seed(study_seed: int, params: Params, repeat: int) -> int:
    """Seed of one run: a function of study seed, setup and repeat alone, whatever ran before it.

    The paradigm is left out: paradigms are compared on the same random numbers, as blocks.
    """
    block = {name: value for name, value in params.items() if name != PARADIGM}
    text = f"{study_seed}|{setup_key(block)}|{repeat}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % 2**31


def refuse_overridden(dims: Sequence[Dimension], overrides: Sequence[str]) -> None:
    """Refuse a command line that sets a key which is also a dimension.

    Args:
        dims: the dimensions.
        overrides: Hydra overrides as written.

    Raises:
        ConfigError: with the two ways out.
    """
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        for dimension in dims:
            if dimension.key == key or (dimension.key.startswith(f"{key}.") and key.count(".")):
                raise ConfigError(
                    f"{override} sets {key}, which the search varies over {_shown(dimension)}",
                    f"fix it with ++search.vary.{dimension.name}=[{value}], or take it out of the search with "
                    f"++search.vary.{dimension.name}=null",
                )


def _shown(dimension: Dimension) -> str:
    return str(dimension.values) if dimension.values is not None else f"{dimension.low} to {dimension.high}"


def total_trials(search: SearchConfig, dims: Sequence[Dimension], repeats: int) -> int | None:
    """Trials after which a study is finished; ``None`` for a sampler without ``search.n_trials``."""
    if search.sampler != "grid":
        return search.n_trials
    count = len(grid(dims)) * repeats
    return min(count, search.n_trials) if search.n_trials else count
