"""Scores of samples: small, exact and readable by whoever reads the record; absent in older ones."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from score_factories import scored

from sweep.errors import RecordError
from sweep.records import SampleGroups, SampleScores, TrialRecord, dumps, loads
from tests.factories import trial

RNG = np.random.default_rng(0)
CASES: dict[str, tuple[NDArray[np.floating], int]] = {
    "right or wrong": (RNG.integers(0, 2, 1001).astype(float), 126),
    "all right": (np.ones(9), 2),
    "none": (np.zeros(0), 0),
    "shares of forty attributes": (RNG.integers(0, 41, 500).astype(np.float32) / np.float32(40), 500),
    "any number": (RNG.normal(size=300).astype(np.float32), 1200),
}


@pytest.mark.parametrize("case", CASES)
def test_scores_come_back_as_they_were_in_few_bytes(case: str) -> None:
    values, size = CASES[case]
    packed = SampleScores.pack(values, "val0")
    assert len(packed.data) == size
    np.testing.assert_array_equal(packed.values(), values)


def test_a_record_keeps_them() -> None:
    record = scored(trial(), [1.0, 0.0, 1.0, 1.0])
    again = loads(dumps(record), TrialRecord)
    assert again == record
    assert again.scores is not None
    assert again.scores.values().tolist() == [1.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_record_from_before_has_none(version: int) -> None:
    fields = json.loads(dumps(trial())) | {"schema_version": version}
    del fields["scores"]
    assert loads(json.dumps(fields).encode(), TrialRecord).scores is None


@pytest.mark.parametrize("levels", [[0.0, 1.0], [0.0, 0.5, 1.0], []])
def test_bytes_that_do_not_fit_are_one_clear_error(levels: list[float]) -> None:
    damaged = SampleScores(split="val0", n=90, levels=levels, data=b"xyz")
    with pytest.raises(RecordError, match="a record holds 3 bytes of scores, 90 validation samples need"):
        damaged.values()


@pytest.mark.parametrize(("n_groups", "size"), [(3, 900), (256, 900), (257, 1800)])
def test_groups_are_numbered_in_few_bytes_and_not_named(n_groups: int, size: int) -> None:
    labels = [f"somebody {number % n_groups}" for number in range(900)]
    packed = SampleGroups.pack(labels, "subject")
    assert (packed.n, len(packed.data)) == (n_groups, size)
    assert packed.codes().tolist() == [number % n_groups for number in range(900)]
    assert b"somebody" not in dumps(packed)
