"""Choosing: the quick rule against one that looks at every point, and what must hold of any study."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.analysis.choose import cheapest
from sweep.analysis.noise import Noise, compare, measure
from sweep.analysis.pareto import FrontPoint, envelope, front_point
from sweep.analysis.recommend import recommend
from sweep.analysis.recommendation import Kind
from sweep.analysis.setups import Setup, setups
from sweep.records import StudyData, TrialRecord
from tests.factories import repeats, study


@st.composite
def studies(draw: st.DrawFn) -> StudyData:
    """Up to five setups of one to three repeats and up to six epochs, their qualities and joules from coarse grids."""
    records: list[TrialRecord] = []
    for index in range(draw(st.integers(1, 5))):
        n, epochs = draw(st.integers(1, 3)), draw(st.integers(1, 6))
        quality = st.integers(0, 20).map(lambda item: item / 20)
        curves = draw(st.lists(st.lists(quality, min_size=epochs, max_size=epochs), min_size=n, max_size=n))
        costs = draw(st.lists(st.sampled_from([1.0, 1.1, 1.5, 3.0, 10.0]), min_size=n, max_size=n))
        records += repeats({"width": index}, curves, first=len(records), epoch_j=costs, random_u_rel=0.02)
    return study(records)


def _points(groups: Sequence[Setup]) -> list[FrontPoint]:
    return [front_point(setup, point) for setup in groups for point in setup.candidates]


def _slowly(groups: Sequence[Setup], reference: FrontPoint, noise: Noise) -> FrontPoint | None:
    """The rule as it is written, over every point."""
    options = []
    for point in _points(groups):
        difference = compare(point, reference, noise)
        if difference.saves and difference.within_one_se:
            options.append(point)
    if not options:
        return None
    least = min(options, key=lambda point: point.energy_j)
    tied = [point for point in options if not compare(least, point, noise).saves]
    return max([least, *tied], key=lambda point: (point.quality, -point.energy_j))


@settings(max_examples=40, deadline=None)
@given(studies())
def test_the_quick_rule_chooses_what_the_plain_one_does(data: StudyData) -> None:
    groups = setups(data)
    noise, best = measure(data, groups, 0.95), envelope(groups)[-1]
    quick, slow = cheapest(groups, best, noise), _slowly(groups, best, noise)
    assert (quick is None) == (slow is None)
    if quick is not None and slow is not None:
        assert (quick.quality, quick.energy_j) == (slow.quality, slow.energy_j)


@settings(max_examples=40, deadline=None)
@given(studies(), st.booleans())
def test_nothing_that_is_dominated_beyond_the_noise_is_recommended(data: StudyData, today: bool) -> None:
    data = _from_today(data) if today else data
    groups, found = setups(data), recommend(data)
    for item in found.items:
        if item.point is None:
            continue
        for other in _points(groups):
            difference = compare(other, item.point, found.noise)
            assert not (difference.saves and difference.quality > 0 and not difference.same_quality)


@settings(max_examples=40, deadline=None)
@given(studies())
def test_a_saving_that_is_claimed_is_larger_than_its_noise(data: StudyData) -> None:
    for item in recommend(data).items:
        if item.saving is not None:
            assert item.saving.energy_j > 0
            assert item.saving.rel > (item.saving.rel_u or 0.0)


@settings(max_examples=40, deadline=None)
@given(studies(), st.sampled_from([1e-3, 0.5, 7.0, 1e6]))
def test_another_unit_of_joules_changes_no_choice(data: StudyData, factor: float) -> None:
    here, there = recommend(data), recommend(_scaled(data, factor))
    assert [_chosen(item.kind, item.point) for item in here.items] == [
        _chosen(item.kind, item.point) for item in there.items
    ]


@settings(max_examples=40, deadline=None)
@given(studies())
def test_no_point_is_recommended_twice_for_the_same_reason(data: StudyData) -> None:
    items = recommend(data).items
    seen = [(item.kind, _chosen(item.kind, item.point), _chosen(item.kind, item.reference)) for item in items]
    assert len(set(seen)) == len(seen)
    assert sum(item.primary for item in items) == 1


def _from_today(data: StudyData) -> StudyData:
    """The study where the first setup is the one that is trained today."""
    config = data.study.config | {"study": data.study.config["study"] | {"current": {"width": 0}}}
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))


def _chosen(kind: Kind, point: FrontPoint | None) -> tuple[str, object, int]:
    return (kind, None, 0) if point is None else (kind, repr(point.setup.params), point.epoch)


def _scaled(data: StudyData, factor: float) -> StudyData:
    return msgspec.structs.replace(data, trials=[_scaled_trial(trial, factor) for trial in data.trials])


def _scaled_trial(trial: TrialRecord, factor: float) -> TrialRecord:
    points = [msgspec.structs.replace(point, energy_j=factor * (point.energy_j or 0.0)) for point in trial.trajectory]
    return msgspec.structs.replace(
        trial,
        energy_j=factor * (trial.energy_j or 0.0),
        energy_u_random_j=factor * (trial.energy_u_random_j or 0.0),
        trajectory=points,
    )
