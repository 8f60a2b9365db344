"""The recommendation as a Hydra experiment."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from sweep.analysis.recommend import Recommendation, recommend
from sweep.records import Dimension, StudyData
from sweep.report.recommended import recommended_command, recommended_config, recommended_yaml
from tests.factories import sixteen, study, trial


def _primary(data: StudyData) -> Recommendation:
    primary = recommend(data).primary
    assert primary is not None
    return primary


def _read(data: StudyData) -> Any:
    return OmegaConf.to_container(OmegaConf.create(recommended_yaml(data, _primary(data))), resolve=True)


def test_the_recommended_params_stand_at_their_keys_for_the_recommended_epochs() -> None:
    data = sixteen(2)
    config, point = _read(data), _primary(data).point
    assert config["trainer"]["batch_size"] == point.setup.params["batch_size"]
    assert config["trainer"]["lr"] == point.setup.params["lr"]
    assert config["trainer"]["max_epochs"] == point.epoch
    assert config["search"]["space"] == {"batch_size": [1024], "lr": [0.01], "paradigm": ["baseline"]}
    assert config["search"]["vary"] == {}
    assert "paradigm" not in config


def test_it_is_a_study_of_its_own() -> None:
    config = _read(sixteen(2))
    assert config["study"] == {
        "name": "sixteen setups-recommended",
        "dir": None,
        "repeats": 1,
        "seed": 0,
        "import_from": None,
    }


def test_the_only_setup_of_a_search_by_a_sampler_is_a_whole_grid() -> None:
    data = sixteen(2)
    data.study.config["search"] |= {"sampler": "tpe", "n_trials": 8}
    assert {"sampler": "grid", "n_trials": None}.items() <= _read(data)["search"].items()


def test_the_rest_of_the_study_is_kept_and_the_study_is_not_changed() -> None:
    data = sixteen(2)
    before = repr(data.study.config)
    config = _read(data)
    assert repr(data.study.config) == before
    for section in ("objective", "paradigms", "meter", "report"):
        assert config[section] == data.study.config[section]
    assert config["trainer"]["patience"] == 8


def test_a_dimension_the_study_had_removed_stays_removed_and_a_nested_key_is_reached() -> None:
    dimension = Dimension(name="objective.model.width", key="objective.model.width", values=[8, 16])
    config = _read(study([trial(params={"objective.model.width": 16})], dimensions=[dimension]))
    assert config["objective"]["model"]["width"] == 16
    assert config["search"]["space"] == {
        "objective.model.width": [16],
        "batch_size": None,
        "lr": None,
        "paradigm": None,
    }


@pytest.mark.parametrize("text", ["1e-5", "yes", "null", "${oc.env:HOME}", "a: b # c", "ü\n'\"", "0x10", "", "-"])
def test_strings_come_back_as_they_were(text: str) -> None:
    config = _read(study([trial(params={"choice": text})]))
    assert config["search"]["space"]["choice"] == [text]


@pytest.mark.parametrize("number", [1e-05, 1e20, 0.1, 3, True, None])
def test_numbers_come_back_as_they_were(number: object) -> None:
    config = _read(study([trial(params={"choice": number})]))
    assert config["search"]["space"]["choice"] == [number]
    assert type(config["search"]["space"]["choice"][0]) is type(number)


def test_it_says_where_hydra_puts_it() -> None:
    assert recommended_yaml(sixteen(1), _primary(sixteen(1))).startswith("# @package _global_\n")


def test_the_command_quotes_the_folder() -> None:
    assert recommended_command(Path("reports/x")) == (
        "python -m sweep --config-dir reports/x/conf +experiment=recommended"
    )
    assert "'my reports/x/conf'" in recommended_command(Path("my reports/x"))


def test_nothing_of_another_option_of_a_group_stays_under_it() -> None:
    data = sixteen(1)
    written = _read(data)
    assert written.pop("defaults") == [{"override /objective": "custom"}, {"override /meter": "custom"}]
    assert written == recommended_config(data, _primary(data))
