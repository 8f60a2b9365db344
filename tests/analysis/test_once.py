"""Facts of a study are worked out once for it, and forgotten with it."""

import gc
import weakref

import msgspec

from sweep.analysis.once import once
from sweep.records import StudyData
from tests.factories import sixteen, study, trial


def test_a_fact_is_worked_out_once_for_each_study() -> None:
    asked: list[int] = []

    @once
    def n_trials(data: StudyData) -> int:
        asked.append(len(data.trials))
        return len(data.trials)

    one, other = study([trial(0)]), study([trial(0), trial(1)])
    assert [n_trials(data) for data in (one, other, one, other)] == [1, 2, 1, 2]
    assert asked == [1, 2]


def test_a_study_with_other_trials_has_its_own_facts() -> None:
    @once
    def numbers(data: StudyData) -> tuple[int, ...]:
        return tuple(item.number for item in data.trials)

    for number in range(50):  # a study that is gone may leave its place in memory to the next
        assert numbers(msgspec.structs.replace(study([]), trials=[trial(number)])) == (number,)


def test_a_fact_keeps_no_study_alive() -> None:
    @once
    def name(data: StudyData) -> str:
        return data.study.name

    data = study([trial(0)])
    gone = weakref.ref(data)
    name(data)
    del data
    gc.collect()
    assert gone() is None


def test_a_fact_that_cannot_differ_is_shared() -> None:
    asked: list[StudyData] = []

    @once
    def fact(data: StudyData) -> int:
        asked.append(data)
        return len(data.trials)

    data, twin = sixteen(1), study([])
    fact.share(twin, data)
    assert fact(twin) == fact(data) == 16
    assert len(asked) == 1
