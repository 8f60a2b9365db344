"""What is said of a record that cannot be read."""

import gc
import json
from typing import Any

import pytest

from sweep.errors import RecordError
from sweep.records import TrialRecord, dumps, loads, total_j
from sweep.records.base import uncollected
from tests.factories import trial


def _changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(dumps(trial())) | fields).encode()


def test_a_record_comes_back() -> None:
    assert loads(dumps(trial()), TrialRecord) == trial()


@pytest.mark.parametrize("unknown", [{}, {"a_field_of_the_future": 1}])
def test_a_later_version_is_named_whether_or_not_it_fits(unknown: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match="here has schema version 99, this sweep reads versions"):
        loads(_changed(schema_version=99, **unknown), TrialRecord, "here")


@pytest.mark.parametrize(
    "data", [b"", b"{", dumps(trial())[:-40], _changed(quality="good"), _changed(a_field_of_nobody=1)]
)
def test_a_damaged_record_is_not_readable(data: bytes) -> None:
    with pytest.raises(RecordError, match="here is not a readable TrialRecord"):
        loads(data, TrialRecord, "here")


@pytest.mark.parametrize(("items", "total"), [([], None), ([1.0, None], None), ([None], None), ([1.5, 2.0], 3.5)])
def test_an_unknown_part_makes_a_sum_unknown(items: list[float | None], total: float | None) -> None:
    assert total_j(iter(items)) == total


def test_the_collector_is_as_it_was_before() -> None:
    assert gc.isenabled()
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
