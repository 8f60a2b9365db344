"""The change of the config that a recommendation asks for, as Hydra overrides.

    a dimension        search.space.<name>=[value], or ++search.vary.<name>=[value] where the study wrote a range or
                       used ``search.vary``: a list cannot replace a mapping
    the epochs         trainer.max_epochs=<epoch of the last phase>
    a pretraining      paradigms.<name>.max_epochs=<that of the study>, so that it is not cut short with the rest

``typed`` adds what makes it a study of its own, since a study's folder holds one search space only.

Limits: a dimension that the study's command set within ``++search.vary={...}``, all at once, cannot be replaced by a
word behind it; the report's ``conf/experiment/recommended.yaml`` has the setup then.
"""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import phase_epoch
from sweep.records import Dimension, StudyData

MAX_EPOCHS = "trainer.max_epochs"
METER = "meter"
N_TRIALS = "search.n_trials"
GRID = "grid"


def change_to(data: StudyData, point: FrontPoint) -> dict[str, Any]:
    """Overrides that train a setup to an epoch."""
    params, study = point.setup.params, data.study
    change: dict[str, Any] = {
        dimension_key(data, dimension): [params[dimension.name]]
        for dimension in study.dimensions
        if dimension.name in params and dimension.key != MAX_EPOCHS and len(dimension.values or ()) != 1
    }
    epochs = phase_epoch(point.setup, point.epoch)
    swept = next((item for item in study.dimensions if item.key == MAX_EPOCHS), None)
    if swept is None:
        change[MAX_EPOCHS] = epochs
    else:
        change[dimension_key(data, swept)] = [epochs]
    return change | _whole_pretrainings(data, point)


def dimension_key(data: StudyData, dimension: Dimension) -> str:
    """The key under which a list of values replaces a dimension."""
    search = data.study.config.get("search", {})
    listed = dimension.values is not None and not _holds(search.get("vary") or {}, dimension.name)
    return f"search.space.{dimension.name}" if listed else f"++search.vary.{dimension.name}"


def typed(data: StudyData, change: Mapping[str, Any], called: str = "recommended") -> tuple[str, ...]:
    """A change as words of a command line, not yet quoted for a shell.

    A change of ``study`` and of the number of trials goes on with the same study; every other makes one of its own,
    since a folder holds one search space and one meter only. Another space is a grid, run whole.

    Args:
        data: the study.
        change: overrides by key.
        called: what ends the name of a study of its own.
    """
    own: dict[str, Any] = {}
    if any(not _goes_on(key) for key in change) and "study.name" not in change:
        own["study.name"] = f"{data.study.name}-{'measured' if METER in change else called}"
    search = data.study.config.get("search", {})
    if any(_dimension(key) for key in change):
        own |= {} if search.get("n_trials") is None else {N_TRIALS: None}
        own |= {} if search.get("sampler", GRID) == GRID else {"search.sampler": GRID}
    return tuple(f"{key}={spelled(item)}" for key, item in {**change, **own}.items())


def command(data: StudyData, overrides: Iterable[str]) -> str:
    """The study's own command with overrides behind it, quoted for a shell.

    Of its own words those are left out that would stand in the way: a range that a list replaces, and the folder of the
    study where another one is made.
    """
    words = tuple(overrides)
    replaced = {_key(word) for word in words if word.startswith("++")}
    if any(_key(word) == "study.name" for word in words):
        replaced |= {"study.dir"}
    return " ".join([_without(data.study.command, replaced), *(shlex.quote(word) for word in words)])


def _without(line: str, keys: Collection[str]) -> str:
    """A command line without the overrides of some keys."""
    try:
        words = shlex.split(line)
    except ValueError:  # not one that a shell could read
        return line
    kept = [word for word in words if _key(word) not in keys]
    return line if len(kept) == len(words) else shlex.join(kept)


def _key(word: str) -> str:
    """The key of an override."""
    return word.partition("=")[0].lstrip("+~")


def _goes_on(key: str) -> bool:
    """Whether another value of a key leaves the study what it is."""
    return key.startswith("study.") or key == N_TRIALS


def _dimension(key: str) -> bool:
    """Whether a key is that of a dimension."""
    return _key(key).startswith(("search.space.", "search.vary."))


def spelled(item: Any) -> str:
    """A value in Hydra's grammar of overrides."""
    if item is None:
        return "null"
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, list | tuple):
        return f"[{','.join(spelled(part) for part in item)}]"
    if isinstance(item, Mapping):
        return f"{{{','.join(f'{key}:{spelled(part)}' for key, part in item.items())}}}"
    return _word(item) if isinstance(item, str) else repr(item)


def _word(text: str) -> str:
    """A string that Hydra reads as this string."""
    if re.fullmatch(r"[A-Za-z_][\w./-]*", text) and text.lower() not in ("null", "true", "false", "nan", "inf"):
        return text
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text.replace("${", r"\${"))
    trailing = "\\" * (len(escaped) - len(escaped.rstrip("\\")))
    return f"'{escaped}{trailing}'"


def _holds(mapping: Mapping[str, Any], name: str) -> bool:
    """Whether a nested mapping has an entry of a dotted name."""
    if name in mapping:
        return True
    head, _, rest = name.partition(".")
    inner = mapping.get(head)
    return bool(rest) and isinstance(inner, Mapping) and _holds(inner, rest)


def _whole_pretrainings(data: StudyData, point: FrontPoint) -> dict[str, Any]:
    config = data.study.config
    names = dict.fromkeys(trial.paradigm for trial in point.setup.trials if trial.pretraining is not None)
    epochs = config.get("trainer", {}).get("max_epochs")
    return {
        f"paradigms.{name}.max_epochs": epochs
        for name in names
        if epochs is not None
        and "max_epochs" in config.get("paradigms", {}).get(name, {})
        and config["paradigms"][name]["max_epochs"] is None
    }
