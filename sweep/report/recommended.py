"""The recommendation as a Hydra experiment that trains it.

``conf/experiment/recommended.yaml`` is the study's own config with the recommended params at their keys,
trained for the recommended number of epochs, as a search space of one setup:

    # @package _global_
    defaults: objective and meter from the empty option ``custom``, so that nothing of another option stays
    objective, meter, report, ...   as in the study
    paradigms: as in the study, a pretraining with its full number of epochs
    trainer:  as in the study; <Dimension.key>: value; max_epochs: recommended epoch
    search:   as in the study; n_trials: null; vary: {}; space: {<dimension>: [value], <removed one>: null}
    study:    as in the study; name: <name>-recommended; dir: null; import_from: null; repeats: 1

Limits: the values of a resolved config are written as they are, so a relative path in them still needs the
same working folder.
"""

import copy
import math
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sweep.analysis.recommendation import ToTrain
from sweep.analysis.setups import phase_epoch
from sweep.records import Dimension, StudyData

RELATIVE_PATH = Path("conf/experiment/recommended.yaml")
PARADIGM_KEY = "paradigm"
DEFAULTS = [{"override /objective": "custom"}, {"override /meter": "custom"}]


class _Dumper(yaml.SafeDumper):
    """Quotes every string that is not a plain word, since OmegaConf reads more spellings as numbers."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = None if re.fullmatch(r"[A-Za-z_][\w.]*", data) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data.replace("${", r"\${"), style=style)

    def ignore_aliases(self, data: object) -> bool:
        return True


_Dumper.add_representer(str, _Dumper.represent_str)


def recommended_command(folder: Path) -> str:
    """The command that trains the recommendation written to a report's folder."""
    return f"python -m sweep --config-dir {shlex.quote(str(folder / 'conf'))} +experiment=recommended"


def recommended_yaml(data: StudyData, recommendation: ToTrain) -> str:
    """Text of the experiment that trains a recommendation."""
    return config_yaml(recommended_config(data, recommendation))


def config_yaml(config: Mapping[str, Any]) -> str:
    """Text of the experiment that trains a config of ``setup_config``."""
    header = (
        "# @package _global_\n"
        "# Trains the recommendation of the study's report; written by sweep, safe to copy and edit.\n"
    )
    body = yaml.dump(
        {"defaults": DEFAULTS, **config},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
    )
    return f"{header}{body}"


def value_yaml(value: Any) -> str:
    """One value on one line, as it may stand anywhere in such a text."""
    listed = yaml.dump([value], Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=math.inf)
    return listed.strip()[1:-1]


def recommended_config(data: StudyData, recommendation: ToTrain) -> dict[str, Any]:
    """The study's config, turned into one that trains the recommended setup for the recommended epochs."""
    point = recommendation.point
    return setup_config(data, point.setup.params, phase_epoch(point.setup, point.epoch))


def setup_config(data: StudyData, params: Mapping[str, Any], max_epochs: Any) -> dict[str, Any]:
    """The study's config, turned into one that trains one setup.

    Args:
        data: the study.
        params: of the setup, by the names of dimensions.
        max_epochs: of its last phase.
    """
    config = copy.deepcopy(data.study.config)
    dimensions = [dimension for dimension in data.study.dimensions if dimension.name in params]
    for dimension in dimensions:
        if dimension.key != PARADIGM_KEY:
            _set(config, dimension.key, params[dimension.name])
    for paradigm in config.get("paradigms", {}).values():
        if "max_epochs" in paradigm and paradigm["max_epochs"] is None:
            paradigm["max_epochs"] = config["trainer"]["max_epochs"]  # a pretraining is not cut short
    _set(config, "trainer.max_epochs", max_epochs)
    config["search"] = {
        **config.get("search", {}),
        "sampler": "grid",
        "n_trials": None,
        "space": _space(config.get("search", {}).get("space", {}), dimensions, params),
        "vary": {},
    }
    config["study"] = {
        **config.get("study", {}),
        "name": f"{data.study.name}-recommended",
        "dir": None,
        "import_from": None,
        "repeats": 1,
    }
    return config


def _space(
    old: Mapping[str, Any], dimensions: list[Dimension], params: Mapping[str, Any]
) -> dict[str, list[Any] | None]:
    """One value for each dimension; ``None`` for those the study had removed from the defaults."""
    removed: dict[str, list[Any] | None] = dict.fromkeys(old)
    return removed | {dimension.name: [params[dimension.name]] for dimension in dimensions}


def _set(config: dict[str, Any], key: str, item: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        config = config.setdefault(name, {})
    config[last] = item
