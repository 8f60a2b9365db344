"""The JSON report keeps to its documented schema, which describes every key."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from benchmarks._generated import generated
from sweep.config import FootprintConfig, ReportConfig
from sweep.records import StudyData
from sweep.report.json_report import SCHEMA_VERSION, to_dict
from sweep.report.options import with_options
from tests.energy_factories import CLOUD, disturbed, idle, sensed, with_gap, with_idle
from tests.factories import nasty, repeats, sixteen, study, trial
from tests.layer_factories import layered
from tests.tables import tables

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
OPTIONS = {
    "report.trainings_per_year": 200,
    "report.footprint.price_per_kwh": 0.3,
    "report.footprint.grid": "nowhere",
    "report.budget_j": 300.0,
    "study.current": {"batch_size": 64, "lr": 0.001},
}


def _with_faults() -> StudyData:
    data = with_idle(sensed(sixteen(1), CLOUD), [idle("gpu:0", 10.0)], [idle("gpu:0", 12.0)])
    data.trials[0] = with_gap(data.trials[0], "gpu:0", 0.5, 1.0)
    data.trials[1] = disturbed(data.trials[1], "a game")
    return data


STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "all crashed": study([trial(qualities=(), epoch_j=None)]),
    "no joules": study([trial(params={"flag": None, "deep": True}, epoch_j=None)]),
    "negative quality": study(repeats({"lr": 0.1}, [(-9.0, -3.0), (None, -2.0)]), quality_name="R2"),
    "markup": nasty(),
    "three repeats": sixteen(3),
    "options": with_options(sixteen(3), OPTIONS),
    "layers and drift": layered(sixteen(1)),
    "meters": _with_faults(),
    "paradigms": generated(64, n_epochs=20, n_layers=3),
}


@pytest.mark.parametrize("data", STUDIES.values(), ids=list(STUDIES))
def test_the_report_keeps_to_its_schema(data: StudyData) -> None:
    found = json.loads(json.dumps(to_dict(data), allow_nan=False))
    problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(found)]
    assert problems == []


@pytest.mark.parametrize("change", [{"unheard_of": 1}, {"front": None}, {"schema_version": SCHEMA_VERSION + 1}])
def test_what_the_schema_does_not_know_is_refused(change: dict[str, Any]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(to_dict(sixteen(1)) | change)


def test_the_schema_is_valid_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert [path for path, key in _keys(SCHEMA, "") if not _described(key)] == []


def test_the_page_on_reports_names_every_column_and_every_option() -> None:
    said = re.sub(r"<\w+>", "*", (DOCS / "report.md").read_text(encoding="utf-8"))
    heads = [text.partition("\n")[0].split(",") for text in tables(_with_faults()).values()]
    columns = {re.sub(r"^(\w+)\..*", r"\1.*", name) for head in heads for name in head}
    columns = {re.sub("_after_", "_before_", name) for name in columns}
    assert sorted(name for name in columns if f"`{name}`" not in said) == []
    footprint = {f"footprint.{field.name}" for field in fields(FootprintConfig)}
    options = {field.name for field in fields(ReportConfig)} - {"footprint"} | footprint
    assert sorted(name for name in options if f"`report.{name}=" not in said) == []


def _keys(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every object in the schema, with its path."""
    if isinstance(node, list):
        for item in node:
            yield from _keys(item, path)
    elif isinstance(node, dict):
        for name, key in node.get("properties", {}).items():
            yield f"{path}.{name}", key
            yield from _keys(key, f"{path}.{name}")
        for name in ("anyOf", "items", "additionalProperties"):
            yield from _keys(node.get(name), path)
        for name, definition in node.get("$defs", {}).items():
            yield from _keys(definition, name)


def _described(key: dict[str, Any]) -> bool:
    return bool(key.get("description")) or bool(SCHEMA["$defs"][key["$ref"].rpartition("/")[2]].get("description"))
