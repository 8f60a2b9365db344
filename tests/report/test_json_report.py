"""The JSON report says the same as the analyses."""

import json

import msgspec
import pytest

from sweep.records import StudyData
from sweep.report.json_report import to_dict
from tests.energy_factories import CLOUD, CLOUD_LABEL, disturbed, idle, sensed, with_gap, with_idle
from tests.factories import repeats, sixteen, study, trial
from tests.layer_factories import layered, nasty_layers

STUDIES = {
    "no trial": study([]),
    "one trial": study([trial()]),
    "markup in names": nasty_layers(),
    "three repeats": sixteen(3),
    "layers": layered(sixteen(1)),
    "several domains": sensed(sixteen(1)),
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
        "break_even",
        "paradigms",
        "factors",
        "codecs",
        "inferences",
        "footprint",
        "layers",
        "drift",
        "provenance",
        "energy",
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
    assert primary["reference"]["against"] == "most_accurate"
    assert [item["reference"]["against"] for item in primary["versus"]] == ["median_energy", "most_energy"]
    assert primary["saving"]["energy_j"] == primary["saving_j"]
    assert primary["change"]["search.space.batch_size"] == [1024]
    assert primary["overrides"][0] == "search.space.batch_size=[1024]"
    assert primary["command"].startswith("python -m sweep +experiment=example 'search.space.batch_size=[1024]'")
    assert primary["impact"]["per_year"] is None
    assert primary["impact"]["per_training"]["energy_j"]["value"] == primary["saving_j"]


def test_what_the_joules_rest_on_is_whole() -> None:
    data = with_idle(sensed(sixteen(1), CLOUD), [idle("gpu:0", 10.0)], [idle("gpu:0", 12.0)])
    trials = [with_gap(data.trials[0], "gpu:0", 0.5, 1.0), disturbed(data.trials[1], "a game"), *data.trials[2:]]
    trials.append(msgspec.structs.replace(data.trials[2], number=16))
    found = to_dict(msgspec.structs.replace(data, trials=trials))
    energy = found["energy"]
    assert energy["label"] == CLOUD_LABEL
    assert energy["sentences"][0] == f"Energy is {CLOUD_LABEL}."
    gpu = energy["idle"][0]
    assert (gpu["domain"], gpu["before"]["power_w"], gpu["after"]["power_w"]) == ("gpu:0", 10.0, 12.0)
    assert (gpu["moved_rel"], gpu["has_moved"]) == (pytest.approx(0.2), True)
    assert [(item["domain"], item["n"]) for item in energy["polled"]] == [("gpu:0", 16)]
    assert [(item["number"], item["gap_s"]) for item in energy["gaps"]] == [(0, 0.5)]
    assert [(item["number"], item["reasons"]) for item in energy["disturbed"]] == [(1, ["a game"])]
    assert energy["superseded"] == {"2": 16}
    assert (energy["n_steadiness"], energy["unsteady"]) == (16, [])
    assert energy["sensors"][0]["temperature_start_c"] == {"low": 40.0, "high": 55.0}
    first = found["setups"][0]
    assert first["domains"]["gpu:0"]["energy_j"] == pytest.approx(0.6 * first["final"]["energy_j"])
    assert first["dynamic_j"] == pytest.approx(0.6 * first["final"]["energy_j"])


def test_what_is_not_known_is_null() -> None:
    found = to_dict(study(repeats({"lr": 0.1}, [(0.8,)])))
    only, *advice = found["recommendations"]["items"]
    assert [item["kind"] for item in advice] == ["measure_better", "measure_better"]
    assert (advice[0]["params"], advice[0]["reference"], advice[0]["impact"]) == (None, None, None)
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
