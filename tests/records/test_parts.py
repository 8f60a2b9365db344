"""Records of which a part is read: what is there is as in the whole record, and what is not is no wrong answer."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from sweep.analysis.above_idle import above_idle
from sweep.errors import RecordError
from sweep.records import LayerShape, Milestone, StudyData, TrialRecord, dumps
from sweep.records.parts import StoredLayers, layer_work, load_without_layers, load_without_shapes
from tests.energy_factories import sensed
from tests.factories import sixteen, trial
from tests.layer_factories import layered

SHAPES = [
    LayerShape(
        layer=layer,
        type="Linear",
        parameters=parameters,
        calls=1,
        macs=6,
        flops=12,
        flops_backward=None,
        bytes_in=8,
        bytes_out=8,
        bytes_weights=24,
        inputs=[[1, 2]],
        outputs=[[1, 3]],
    )
    for layer, parameters in (("a", 7), ("b", 5))
]


def _whole() -> TrialRecord:
    record = sensed(layered(sixteen(1))).trials[3]
    return msgspec.structs.replace(
        record, layers=[msgspec.structs.replace(table, shapes=SHAPES) for table in record.layers]
    )


WHOLE = _whole()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "record"
    made.write_bytes(dumps(WHOLE))
    return made


def test_layers_are_read_when_one_is_asked_for(path: Path) -> None:
    read = load_without_layers(path, "it")
    assert msgspec.structs.replace(read, layers=WHOLE.layers) == WHOLE
    assert isinstance(read.layers, StoredLayers)
    assert len(read.layers) == len(WHOLE.layers) == 1
    assert layer_work(read.layers) == layer_work(WHOLE.layers)
    assert list(read.layers) == list(WHOLE.layers)
    assert read.layers[-1:] == WHOLE.layers
    path.unlink()
    assert read.layers[0] == WHOLE.layers[0]


def test_work_is_that_of_all_steps_and_of_the_last_model() -> None:
    table = WHOLE.layers[0]
    rows = [msgspec.structs.replace(row, flops=10) for row in table.rows]
    n_layers = sum(bool(row.type) for row in rows)
    counted = msgspec.structs.replace(table, rows=rows)
    later = msgspec.structs.replace(counted, shapes=[])
    assert layer_work([later, counted]) == (20.0 * n_layers, 12)
    assert layer_work([counted, later]) == (20.0 * n_layers, None)
    unknown = msgspec.structs.replace(table, rows=[*rows, msgspec.structs.replace(rows[-1], type="A", flops=None)])
    assert layer_work([unknown]).flops is None


def test_no_layers_are_none(tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(dumps(trial()))
    read = load_without_layers(tmp_path / "record", "it")
    assert not read.layers
    assert layer_work(read.layers) == layer_work([]) == (None, None)


def test_layers_that_are_gone_are_one_clear_error(path: Path) -> None:
    read = load_without_layers(path, "record of trial 3")
    path.unlink()
    with pytest.raises(RecordError, match="record of trial 3 is missing"):
        read.layers[0]


def test_milestones_are_points_without_the_rest(path: Path) -> None:
    read = load_without_layers(path, "it", milestones=True)
    for point, whole in zip(read.trajectory, WHOLE.trajectory, strict=True):
        assert {name: getattr(whole, name) for name in Milestone.__struct_fields__} == msgspec.structs.asdict(point)
        with pytest.raises(AttributeError):
            _ = point.loss


def test_milestones_above_idle_are_those_of_whole_points(path: Path) -> None:
    def changed(record: TrialRecord) -> list[tuple[float | None, float | None]]:
        found = above_idle(StudyData(study=sixteen(1).study, trials=[record], sessions=[], tests=[]))
        assert found is not None
        return [(point.energy_j, point.energy_dynamic_j) for point in found.trials[0].trajectory]

    assert changed(load_without_layers(path, "it", milestones=True)) == changed(WHOLE)


def test_joules_of_layers_stay_without_their_shapes(path: Path) -> None:
    read = load_without_shapes(path, "it")
    assert [table.rows for table in read.layers] == [table.rows for table in WHOLE.layers]
    assert read.trajectory == WHOLE.trajectory
    assert [len(table.shapes) for table in read.layers] == [len(table.shapes) for table in WHOLE.layers]


PARTS: list[Callable[[Path, str], TrialRecord]] = [
    load_without_layers,
    partial(load_without_layers, milestones=True),
    load_without_shapes,
]


@pytest.mark.parametrize("load", PARTS)
def test_a_damaged_record_is_not_readable_in_parts(path: Path, load: Callable[[Path, str], TrialRecord]) -> None:
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RecordError, match=r"it .* is not a readable TrialRecord"):
        load(path, "it")
