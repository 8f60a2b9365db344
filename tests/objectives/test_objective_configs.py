"""The YAML of each shipped task names every option of its class, with the value that the class has by default."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml

from objectives._image_model import ImageModel
from objectives._window_model import WindowModel
from sweep.objective import Objective
from sweep.registry import build, locate

CONF = Path(__file__).parents[2] / "conf" / "objective"
DEFAULTS: dict[str, dict[str, Any]] = {
    "windows": {"model": dataclasses.asdict(WindowModel())},
    "baler": {},
    "pamap2": {"model": dataclasses.asdict(WindowModel(width=16)), "sensors": ["acc16", "gyro"]},
    "multilabel_images": {"model": dataclasses.asdict(ImageModel())},
    "celeba": {},
    "fashion_mnist": {"model": dataclasses.asdict(ImageModel())},
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_yaml_lists_all_options_with_their_defaults(name: str) -> None:
    spec = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    cls = locate(spec.pop("_target_"), Objective, "objective")
    parameters = {key: value.default for key, value in inspect.signature(cls).parameters.items()}
    assert spec == parameters | DEFAULTS[name]


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_yaml_makes_the_task(name: str) -> None:
    spec = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    assert isinstance(build(spec, Objective, "objective"), Objective)


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("group", ["objective", "experiment"])
def test_the_yaml_opens_with_a_sentence_for_the_help(name: str, group: str) -> None:
    lines = (CONF.parent / group / f"{name}.yaml").read_text().splitlines()
    if group == "experiment":
        assert lines.pop(0) == "# @package _global_"  # Hydra reads it on the first line only
    assert lines[0].startswith("# ")
    assert len(lines[0]) > 20
