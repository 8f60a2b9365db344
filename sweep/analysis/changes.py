"""The change of the config that a recommendation asks for, as Hydra overrides.

    a dimension        search.space.<name>=[value], or ++search.vary.<name>=[value] where the study wrote a range or
                       used ``search.vary``: a list cannot replace a mapping
    the epochs         trainer.max_epochs=<epoch of the last phase>
    a pretraining      paradigms.<name>.max_epochs=<that of the study>, so that it is not cut short with the rest

``typed`` adds what makes it a study of its own, since a study's folder holds one search space only.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import phase_epoch
from sweep.records import Dimension, StudyData

MAX_EPOCHS = "trainer.max_epochs"
METER = "meter"


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


def typed(data: StudyData, change: Mapping[str, Any]) -> tuple[str, ...]:
    """A change as words of a command line, not yet quoted for a shell.

    A change of ``study`` alone goes on with the same study; every other makes one of its own, since a folder holds one
    search space and one meter only.
    """
    own: dict[str, Any] = {}
    if any(not key.startswith("study.") for key in change) and "study.name" not in change:
        own["study.name"] = f"{data.study.name}-{'measured' if METER in change else 'recommended'}"
    if METER not in change and own and data.study.config.get("search", {}).get("n_trials") is not None:
        own["search.n_trials"] = None
    return tuple(f"{key}={spelled(item)}" for key, item in {**change, **own}.items())


def command(data: StudyData, overrides: Iterable[str]) -> str:
    """The study's own command with overrides behind it, quoted for a shell."""
    return " ".join([data.study.command, *(shlex.quote(item) for item in overrides)])


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
