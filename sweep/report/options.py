"""A study's records with other options of the report: another grid, price, budget, or the setup trained today.

What was trained and measured stays; only what is claimed from it changes. So a report made in one country can be read
in another, and a question that came up after the study does not need a new one.
"""

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from sweep.analysis.report_config import report_config
from sweep.errors import ConfigError
from sweep.records import StudyData

CURRENT = "study.current"
PREFIX = "report."


def with_options(data: StudyData, options: Mapping[str, Any]) -> StudyData:
    """The study as if its report had been configured otherwise.

    Args:
        data: the study.
        options: values by dotted key: ``report.<option>``, or ``study.current``.

    Raises:
        ConfigError: if a key is none of these, or a value does not fit.
    """
    config = copy.deepcopy(data.study.config)
    for key, item in options.items():
        if key != CURRENT and not key.startswith(PREFIX):
            raise ConfigError(
                f"{key} is not an option of a report that is built again",
                f"set report.<option> or {CURRENT}; anything else needs a new study",
            )
        _set(config, key, item)
    changed = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))
    report_config(changed)
    if not isinstance(config.get("study", {}).get("current"), Mapping | None):
        raise ConfigError(
            f"{CURRENT}={config['study']['current']} is no setup", f"write '{CURRENT}={{batch_size:64,lr:0.001}}'"
        )
    return changed


def _set(config: dict[str, Any], key: str, item: Any) -> None:
    *path, last = key.split(".")
    for name in path:
        inner = config.get(name)
        config[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        config = inner
    config[last] = item
