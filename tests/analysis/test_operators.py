"""Hot spots: shares of operators."""

import msgspec
import pytest

from sweep.analysis.operators import COLUMNS, first_hot_spots, hot_spots, operators_frame
from sweep.records import OperatorKind, OperatorTable, OperatorTime, TrialRecord, dumps, loads
from tests.factories import trial


def operator(name: str, kind: OperatorKind, host_s: float, device_s: float | None = None) -> OperatorTime:
    return OperatorTime(operator=name, kind=kind, calls=8, host_s=host_s, device_s=device_s)


def profiled(*rows: OperatorTime, number: int = 0) -> TrialRecord:
    table = OperatorTable(phase="supervised", steps=4, batch_size=64, rows=list(rows))
    return msgspec.structs.replace(trial(number), operators=[table])


MM = operator("aten::mm", OperatorKind.COMPUTE, 0.6)
ADD = operator("aten::add", OperatorKind.COMPUTE, 0.1)
COPY = operator("aten::copy_", OperatorKind.COPY, 0.3)


def test_shares_of_operators_and_of_kinds() -> None:
    (found,) = hot_spots(profiled(ADD, COPY, MM))
    assert [(each.name, each.share) for each in found.operators] == [
        ("aten::mm", pytest.approx(0.6)),
        ("aten::copy_", pytest.approx(0.3)),
        ("aten::add", pytest.approx(0.1)),
    ]
    assert found.kinds == {OperatorKind.COMPUTE: pytest.approx(0.7), OperatorKind.COPY: pytest.approx(0.3)}
    assert (found.operators[0].calls, found.operators[0].host_s) == (2.0, 0.15)
    assert not found.on_device


def test_on_an_accelerator_its_time_counts() -> None:
    busy = operator("aten::mm", OperatorKind.COMPUTE, 0.1, 0.9)
    waits = operator("cudaDeviceSynchronize", OperatorKind.RUNTIME, 5.0, 0.0)
    (found,) = hot_spots(profiled(waits, busy))
    assert found.on_device
    assert found.operators[0].name == "aten::mm"
    assert found.kinds == {OperatorKind.COMPUTE: pytest.approx(1.0)}


def test_the_first_profiled_trial_is_shown() -> None:
    assert first_hot_spots([trial(0), profiled(MM, number=1), profiled(ADD, number=2)])[0].number == 1
    assert first_hot_spots([trial(0)]) == ()


def test_the_table_has_a_row_for_each_operator() -> None:
    frame = operators_frame([profiled(MM, COPY, number=3), trial(0)])
    assert tuple(frame.columns) == COLUMNS
    assert frame["number"].tolist() == [3, 3]
    assert frame["share"].sum() == pytest.approx(1.0)
    assert frame["device_s_per_step"].isna().all()
    assert list(operators_frame([trial(0)]).columns) == list(COLUMNS)


def test_the_record_comes_back_from_json() -> None:
    record = profiled(MM, COPY)
    assert loads(dumps(record), TrialRecord) == record
