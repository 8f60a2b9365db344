"""The JSON report says the same as the analyses."""

import json

import pytest

from sweep.records import StudyData
from sweep.report.json_report import to_dict
from tests.factories import repeats, sixteen, study, trial
from tests.layer_factories import layered, nasty_layers

STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "markup in names": nasty_layers(),
    "three repeats": sixteen(3),
    "layers": layered(sixteen(1)),
}


@pytest.mark.parametrize("data", STUDIES.values(), ids=list(STUDIES))
def test_it_is_json_with_its_sections(data: StudyData) -> None:
    found = json.loads(json.dumps(to_dict(data), allow_nan=False))
    assert list(found) == [
        "schema_version",
        "study",
        "recommendations",
        "front",
        "setups",
        "ledger",
        "layers",
        "drift",
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
    assert found["layers"] is None
    assert found["drift"] is None


def test_layers_and_drift_are_whole() -> None:
    found = to_dict(layered(sixteen(1), noise_rel=0.0))
    layers, drift = found["layers"], found["drift"]
    assert layers["is_recommended"]
    assert sum(row["energy_j"] for row in layers["rows"]) == pytest.approx(layers["energy_j"])
    assert {row["pass"] for row in layers["rows"]} == {None, "forward", "backward"}
    assert drift["first"]["p"] < 0.001
    assert drift["trials"] == list(range(16))
    assert drift["sentences"][0].startswith("Energy per step in the first epoch was 5 % above")
