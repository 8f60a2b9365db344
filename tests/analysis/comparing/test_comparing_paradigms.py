"""Break-even and freezing of two studies: only what both have, and never is a word."""

import msgspec
import pytest

from sweep.analysis.comparing import words
from sweep.analysis.comparing.comparison import compare_studies
from sweep.analysis.comparing.paradigms import Quantity, Row
from sweep.records import StudyData
from tests.comparable import scaled, workstation
from tests.paradigm_factories import three_paradigms

DATA = three_paradigms()


def dear_downstream(data: StudyData) -> StudyData:
    """The study with a baseline that is cheaper than anything after a pretraining."""
    trials = [scaled(record, 0.001) if record.params["paradigm"] == "baseline" else record for record in data.trials]
    return msgspec.structs.replace(data, trials=trials)


def rows(a: StudyData, b: StudyData) -> dict[tuple[Quantity, str], Row]:
    return {(row.quantity, row.paradigm): row for row in compare_studies(a, b).paradigms}


def test_both_studies_stand_side_by_side() -> None:
    found = rows(DATA, DATA)
    frozen = found[Quantity.BREAK_EVEN, "pretrain_frozen"]
    assert frozen.a == frozen.b
    assert frozen.a.value is not None
    freezing = found[Quantity.FREEZING, "pretrain_frozen against pretrain_finetune"]
    assert freezing.a.value is not None
    assert freezing.a.value > 0.0
    assert words.quantity(frozen) == "break-even of pretrain_frozen, in trainings"
    assert words.figure(freezing, freezing.a).endswith("%)")


def test_a_break_even_that_never_comes_is_never() -> None:
    once = three_paradigms(1)
    row = rows(once, dear_downstream(once))[Quantity.BREAK_EVEN, "pretrain_frozen"]
    assert row.a.value is not None
    assert row.b.value is None
    assert words.figure(row, row.b).startswith("never")
    assert not words.figure(row, row.a).startswith("never")


def test_cached_and_uncached_features_are_not_set_side_by_side() -> None:
    found = rows(three_paradigms(1), three_paradigms(1, cached=True))
    assert (Quantity.BREAK_EVEN, "pretrain_frozen") not in found


@pytest.mark.parametrize("data", [workstation(1)])
def test_without_pretraining_there_is_nothing(data: StudyData) -> None:
    assert compare_studies(data, data).paradigms == ()
