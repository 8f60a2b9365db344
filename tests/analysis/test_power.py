"""Power of epochs and activities: known watts from planted joules and seconds."""

import msgspec
import pytest

from sweep.analysis.power import MAX_EPOCHS, SetupPower, setup_power
from sweep.analysis.setups import setups
from sweep.records import ActivityEnergy, Pretraining, StopReason, TrialRecord
from tests.factories import DOMAIN, study, trial


def _power(*records: TrialRecord) -> SetupPower | None:
    data = study(records)
    found = setups(data)
    return setup_power(data, found[0] if found and found[0].trials else None)


def _pretrained(record: TrialRecord, *, epochs: int, shares: float) -> TrialRecord:
    """The first epochs as those of a pretraining, of whose joules the trial is charged with one part in ``shares``."""
    whole_j = record.trajectory[epochs - 1].energy_j or 0.0
    points = [
        msgspec.structs.replace(
            point,
            phase="pretraining" if index < epochs else point.phase,
            energy_j=(point.energy_j or 0.0) / shares
            if index < epochs
            else (point.energy_j or 0.0) - whole_j + whole_j / shares,
        )
        for index, point in enumerate(record.trajectory)
    ]
    first = Pretraining(
        key="k", number=0, reused=True, energy_j=whole_j, energy_u_random_j=None, epochs=epochs, duration_s=1.0
    )
    return msgspec.structs.replace(record, trajectory=points, pretraining=first, pretraining_shares=shares)


def test_an_epoch_of_10_j_in_half_a_second_draws_20_w() -> None:
    found = _power(trial(0), trial(1, repeat=1))
    assert found is not None
    assert found.numbers == (0, 1)
    assert found.is_recommended
    assert [item.power_w for item in found.runs[0].epochs] == [20.0, 20.0, 20.0]
    assert [(item.start_s, item.end_s) for item in found.runs[1].epochs] == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)]


@pytest.mark.parametrize("shares", [1.0, 4.0, 100.0])
def test_power_of_a_pretraining_is_what_was_drawn_not_what_was_charged(shares: float) -> None:
    found = _power(_pretrained(trial(0, qualities=(0.5, 0.6, 0.7, 0.8)), epochs=2, shares=shares))
    assert found is not None
    assert [item.power_w for item in found.runs[0].epochs] == pytest.approx([20.0] * 4)
    assert [item.phase for item in found.runs[0].epochs] == ["pretraining"] * 2 + ["supervised"] * 2


def test_activities_are_pooled_over_trials_and_unknown_joules_stay_unknown() -> None:
    rows = [
        ActivityEnergy(phase="supervised", activity="train", duration_s=2.0, energy_j={DOMAIN: 30.0}),
        ActivityEnergy(phase="supervised", activity="validation", duration_s=1.0, energy_j={DOMAIN: None}),
        ActivityEnergy(phase="supervised", activity="data", duration_s=0.0, energy_j={DOMAIN: 0.0}),
    ]
    other = msgspec.structs.replace(rows[0], duration_s=1.0, energy_j={DOMAIN: 30.0})
    found = _power(
        msgspec.structs.replace(trial(0), activities=rows),
        msgspec.structs.replace(trial(1, repeat=1), activities=[other]),
    )
    assert found is not None
    assert [(row.activity, row.power_w, row.duration_s) for row in found.activities] == [
        ("train", {DOMAIN: 20.0}, 1.5),
        ("validation", {DOMAIN: None}, 1.0),
    ]


def test_long_runs_are_thinned_without_losing_joules() -> None:
    found = _power(trial(0, qualities=[0.5] * 1000))
    assert found is not None
    epochs = found.runs[0].epochs
    assert len(epochs) <= MAX_EPOCHS
    assert epochs[-1].epoch == 1000
    assert sum(item.power_w * (item.end_s - item.start_s) for item in epochs) == pytest.approx(10_000.0)


def test_idle_power_is_the_sum_of_the_domains_and_unknown_if_one_is() -> None:
    data = study([trial(0)])
    known = [
        msgspec.structs.replace(data.study.domains[0], name=name, idle_power_w=idle_w)
        for name, idle_w in (("a", 3.0), ("b", 4.0))
    ]

    def idle_w(*domains: object) -> float | None:
        changed = msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, domains=list(domains)))
        found = setup_power(changed, setups(changed)[0])
        assert found is not None
        return found.idle_w

    assert idle_w(*known) == 7.0
    assert idle_w(known[0], msgspec.structs.replace(known[1], idle_power_w=None)) is None
    assert idle_w(*(msgspec.structs.replace(domain, above_idle=True) for domain in known)) is None


def test_without_a_recommendation_the_first_completed_trial_is_shown() -> None:
    data = study([trial(0, {"lr": 9.0}, stop_reason=StopReason.DIVERGED), trial(1), trial(2, {"lr": 0.2})])
    found = setup_power(data, None)
    assert found is not None
    assert (found.numbers, found.is_recommended) == ((1,), False)


@pytest.mark.parametrize(
    "records",
    [[], [trial(0, epoch_j=None)], [trial(0, stop_reason=StopReason.CRASHED)]],
    ids=["none", "joules", "failed"],
)
def test_without_joules_there_is_no_power(records: list[TrialRecord]) -> None:
    assert _power(*records) is None
