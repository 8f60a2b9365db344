"""A study above idle: what is planted above idle is all that is left, and it still adds up."""

import math

import msgspec
import pytest

from sweep.analysis.above_idle import above_idle, missing_idle, table_above_idle
from sweep.analysis.layers import setup_layers
from sweep.analysis.recharge import recharged
from sweep.analysis.recommend import recommend
from sweep.analysis.wording import energy_label, provenance
from sweep.records import ActivityEnergy, StopReason, StudyData, total_j
from tests.energy_factories import DYNAMIC, sensed
from tests.factories import repeats, sixteen, study, trial
from tests.layer_factories import layered
from tests.paradigm_factories import pretrained


def _known(data: StudyData) -> StudyData:
    found = above_idle(data)
    assert found is not None
    return found


def test_every_joule_of_a_trial_is_what_is_above_idle() -> None:
    data = sensed(study(repeats({"lr": 0.1}, [(0.5, 0.7, 0.6)] * 2)))
    for old, new in zip(data.trials, _known(data).trials, strict=True):
        assert old.energy_j is not None
        assert new.energy_j == pytest.approx(DYNAMIC * old.energy_j)
        assert new.energy_spent_j == pytest.approx(DYNAMIC * old.energy_j)
        assert new.energy_to_best_j == pytest.approx(DYNAMIC * old.trajectory[1].energy_j)  # type: ignore[operator]
        assert new.energy_u_scale_j == pytest.approx(DYNAMIC * old.energy_u_scale_j)  # type: ignore[operator]
        for before, after in zip(old.trajectory, new.trajectory, strict=True):
            assert after.energy_j == pytest.approx(DYNAMIC * before.energy_j)  # type: ignore[operator]
        assert new.energy_dynamic_j is None


def test_parts_still_add_up_to_the_whole() -> None:
    data = sensed(layered(sixteen(1)))
    half = [
        ActivityEnergy(
            phase="supervised",
            activity=name,
            duration_s=data.trials[0].duration_s / 2,
            energy_j={domain: item.energy_j / 2 for domain, item in data.trials[0].domains.items() if item.energy_j},
        )
        for name in ("train", "validation")
    ]
    first = msgspec.structs.replace(data.trials[0], activities=half)
    new = _known(msgspec.structs.replace(data, trials=[first, *data.trials[1:]])).trials[0]
    domains = {name: item.energy_j for name, item in new.domains.items() if item.additive}
    parts = [part.energy_j[name] for part in new.activities for name in domains]
    assert total_j(parts) == pytest.approx(new.energy_spent_j)
    assert total_j(domains.values()) == pytest.approx(new.energy_spent_j)


def test_layers_hold_what_is_above_idle() -> None:
    old = sensed(layered(sixteen(1))).trials[0].layers[0]
    for before, after in zip(old.rows, table_above_idle(old).rows, strict=True):
        assert after.energy_j == {name: before.dynamic_j.get(name) for name in before.energy_j}
        assert after.steps_j == []


def test_the_layers_that_are_shown_are_those_above_idle() -> None:
    data = sensed(layered(sixteen(1)))
    whole, above = setup_layers(data, None), setup_layers(_known(data), None)
    assert whole is not None
    assert above is not None
    assert above.breakdown.energy_j == pytest.approx(total_j(row.dynamic_j for row in whole.breakdown.rows))
    assert above.breakdown.energy_j != pytest.approx(whole.breakdown.energy_j)


def test_the_labels_say_so() -> None:
    domains = _known(sensed(sixteen(1))).study.domains
    assert energy_label(domains).endswith("(whole devices, measured, above idle)")
    assert provenance(domains) == "above idle, measured"


def test_a_pretraining_loses_the_idle_power_of_its_own_time() -> None:
    record = pretrained(trial(0, qualities=(0.5, 0.8), epoch_j=10.0), 100.0, shares=1.0)
    idle_w = 4.0
    known = {
        name: msgspec.structs.replace(item, energy_j=120.0, dynamic_j=120.0 - idle_w * record.duration_s)
        for name, item in record.domains.items()
    }
    dynamic_j = 120.0 - idle_w * record.duration_s
    data = study([msgspec.structs.replace(record, domains=known, energy_j=120.0, energy_dynamic_j=dynamic_j)])
    found = _known(data).trials[0]
    assert found.pretraining is not None
    assert found.pretraining.energy_j == pytest.approx(100.0 - idle_w * 1.0)
    without = recharged(found, math.inf).energy_j
    assert without == pytest.approx(dynamic_j - (100.0 - idle_w * 1.0))


def test_the_same_setup_is_recommended_where_idle_is_a_constant_share() -> None:
    data = sensed(sixteen(3))
    total, idle = recommend(data).primary, recommend(_known(data)).primary
    assert total is not None
    assert idle is not None
    assert total.point is not None
    assert idle.point is not None
    assert idle.point.setup.params == total.point.setup.params
    assert idle.point.energy_j < total.point.energy_j


def test_an_unknown_idle_power_of_one_completed_trial_is_enough_to_know_nothing() -> None:
    data = sensed(sixteen(1))
    item = data.trials[3]
    domains = item.domains | {"gpu:0": msgspec.structs.replace(item.domains["gpu:0"], dynamic_j=None)}
    lacking = msgspec.structs.replace(item, domains=domains, energy_dynamic_j=None)
    partly = msgspec.structs.replace(data, trials=[*data.trials[:3], lacking, *data.trials[4:]])
    assert above_idle(partly) is None
    assert missing_idle(partly) == "the idle power of gpu:0 is not known"


@pytest.mark.parametrize(
    "data",
    [study([]), study([trial(0, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED)])],
    ids=["no trial", "all failed"],
)
def test_without_a_completed_trial_there_is_no_such_study(data: StudyData) -> None:
    assert above_idle(data) is None
    assert missing_idle(data) == "no trial was completed"


def test_a_failed_trial_without_joules_is_no_hindrance() -> None:
    data = sensed(study([trial(0), trial(1, qualities=(), epoch_j=None, stop_reason=StopReason.CRASHED)]))
    found = _known(data).trials[1]
    assert found.energy_j is None
    assert found.energy_spent_j is None
