"""The JSON report says the same as the analyses."""

import json

import pytest

from sweep.report.json_report import to_dict
from tests.factories import nasty, repeats, sixteen, study, trial


@pytest.mark.parametrize("data", [study([]), study([trial()]), nasty(), sixteen(3)], ids=str)
def test_it_is_json_with_its_sections(data: object) -> None:
    found = json.loads(json.dumps(to_dict(data), allow_nan=False))  # type: ignore[arg-type]
    assert list(found) == [
        "schema_version",
        "study",
        "recommendations",
        "front",
        "setups",
        "ledger",
        "provenance",
    ]


def test_the_primary_recommendation_is_whole() -> None:
    found = to_dict(sixteen(3))
    (primary,) = [item for item in found["recommendations"]["items"] if item["primary"]]
    assert primary["kind"] == "cheapest_within_noise"
    assert primary["params"] == {"batch_size": 1024, "lr": 0.01, "paradigm": "baseline"}
    assert primary["reference"]["params"]["batch_size"] == 64
    assert 0.7 < primary["saving_rel"] < 0.9
    assert primary["confirmed"] is True
    assert found["ledger"]["payback"][0]["reference"] == "most_accurate"


def test_what_is_not_known_is_null() -> None:
    found = to_dict(study(repeats({"lr": 0.1}, [(0.8,)])))
    (only,) = found["recommendations"]["items"]
    assert only["quality_u"] is None
    assert only["saving_rel"] is None
    assert only["quality_test"] is None
    assert found["front"][0]["quality_sd"] is None
