"""The paradigm that trains a codec and uses it."""

import functools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from clocks import counting
from torch import nn

from sweep.codec import Autoencoder, CodecObjective, Range, Table
from sweep.errors import ConfigError, DataError
from sweep.objective import Data, Split
from sweep.paradigms import _codec
from sweep.paradigms._passes import repeat
from sweep.paradigms.compression import Compression
from tests.toy_tasks import Blobs

NAMES = ("a", "b", "c", "d")


class Lossless(CodecObjective):
    """Four columns of which two repeat the others; the linear codec that keeps two loses nothing."""

    def __init__(self, n: int = 50, *, good: bool = True) -> None:
        half = np.random.default_rng(0).uniform(-3, 5, size=(n, 2))
        self._table = Table(np.concatenate([half, 10 * half], axis=1), NAMES)
        self._good = good

    def table(self) -> Table:
        return self._table

    def data(self) -> Data:
        rows = torch.from_numpy(self.range().normalise(self._table.values))
        return Data(Split(rows, rows), Split(rows, rows))

    def encoder(self) -> nn.Module:
        return linear(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]))

    def decoder(self) -> nn.Module:
        weight = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
        return linear(weight if self._good else 0.5 * weight)


def linear(weight: torch.Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=torch.float64)
    made.weight.data = weight.double()
    return made


class Activities:
    """What names stretches of work, and remembers their names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self.names.append(name)
        yield


def run(paradigm: Compression, task: CodecObjective) -> tuple[dict[str, float | None], dict[str, list[str]]]:
    """All phases without training; results, and the activities of each phase."""
    results: dict[str, float | None] = {}
    named = {}
    for phase in paradigm.phases(task, task.data()):
        activities = Activities()
        if phase.work is not None:
            results |= phase.work(activities)
        named[phase.name] = activities.names
    return results, named


def test_phases_and_their_activities() -> None:
    _, named = run(Compression(min_s=0.0), Lossless())
    assert named == {
        "supervised": [],
        "compress": ["compress", "bound", "write", "deflate"],
        "decompress": ["read", "decompress", "write", "check"],
    }


def test_the_first_phase_trains_the_objectives_model() -> None:
    task = Lossless()
    phase = next(Compression().phases(task, task.data()))
    assert phase.task is not None
    assert isinstance(phase.task.model, Autoencoder)
    assert float(phase.task.loss(torch.zeros(1, 2), torch.ones(1, 2))) == 1.0


def test_a_codec_that_loses_nothing_says_so() -> None:
    results, _ = run(Compression(min_s=0.0), Lossless())
    assert results["r2_table"] == pytest.approx(1.0)
    assert results["r2_column_min"] == pytest.approx(1.0)
    assert results["max_error_of_range"] == pytest.approx(0.0, abs=1e-12)


def test_a_codec_that_halves_everything_says_so() -> None:
    task = Lossless(good=False)
    results, _ = run(Compression(min_s=0.0), task)
    rows = task.data().train.inputs
    errors = (0.5 * rows).square().sum(0)
    total = (rows - rows.mean(0)).square().sum(0)
    assert results["max_error_of_range"] == pytest.approx(0.5)
    assert results["rms_error_of_range"] == pytest.approx(float((0.5 * rows).square().mean().sqrt()))
    assert results["r2_table"] == pytest.approx(float(1 - errors.sum() / total.sum()))
    assert results["r2_column_min"] == pytest.approx(float((1 - errors / total).min()))


@pytest.mark.parametrize(("stored", "ratio"), [("float64", 2.0), ("float32", 4.0), ("float16", 8.0)])
def test_ratios_count_bytes(stored: str, ratio: float) -> None:
    task = Lossless(5000)
    results, _ = run(Compression(stored=stored, min_s=0.0), task)  # type: ignore[arg-type]
    values = task.table().values
    assert results["compression_ratio"] == ratio
    assert results["compression_ratio_honest"] is not None
    assert 0.8 * ratio < results["compression_ratio_honest"] < ratio
    assert results["lossless_ratio"] == pytest.approx(values.nbytes / len(zlib.compress(values.tobytes(), 6)))
    assert results["stored_bits"] == 128 / results["compression_ratio"]


def test_the_honest_ratio_of_a_small_table_is_below_one() -> None:
    results, _ = run(Compression(min_s=0.0), Lossless(3))
    assert results["compression_ratio"] == 2.0
    assert results["compression_ratio_honest"] is not None
    assert results["compression_ratio_honest"] < 1.0


def test_what_joules_are_divided_by() -> None:
    results, _ = run(Compression(min_s=0.0, batch_size=20), Lossless(50))
    for operation in ("compress", "decompress"):
        assert results[f"{operation}_bytes"] == 50 * 4 * 8
        assert results[f"{operation}_passes"] == 1
        assert results[f"{operation}_batches"] == 3
        assert results[f"{operation}_s"] is not None
        assert results[f"{operation}_s"] > 0  # type: ignore[operator]


def test_passes_are_repeated_until_they_are_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.paradigms.compression.repeat", functools.partial(repeat, clock=counting(0.009)))
    results, _ = run(Compression(min_s=0.02), Lossless(3))
    assert results["compress_s"] == pytest.approx(0.027)
    assert results["compress_passes"] == 3


def test_the_temporary_files_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    phases = Compression(min_s=0.0).phases(Lossless(), Lossless().data())
    next(phases)
    next(phases).work(Activities())  # type: ignore[misc]
    assert [path.name for path in tmp_path.rglob("*.npz")] == ["compressed.npz"]
    phases.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_another_objective_is_refused() -> None:
    with pytest.raises(ConfigError, match="compression cannot compress with Blobs"):
        next(Compression().phases(Blobs(), Blobs().data()))


def test_batch_sizes_below_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size=0"):
        Compression(batch_size=0)


def codec(task: Lossless, stored: str = "float64") -> _codec.Codec:
    table = task.table()
    return _codec.Codec(task.model().eval(), Range.of(table.values), stored, table.values.dtype, 16)


@pytest.mark.parametrize("stored", ["float64", "float32", "float16"])
def test_the_file_is_enough_to_decode_and_z_comes_back_bit_by_bit(tmp_path: Path, stored: str) -> None:
    task = Lossless()
    own = codec(task, stored)
    z = own.encode(task.table().values)
    own.write(tmp_path / "c.npz", z, NAMES, np.full(4, 0.25))
    untrained = Autoencoder(task.encoder(), linear(torch.zeros(4, 2)))
    found = _codec.read(tmp_path / "c.npz", untrained, 16)
    assert found.z.dtype == stored
    assert np.array_equal(found.z, z)
    assert np.array_equal(found.codec.decode(found.z), own.decode(z))
    assert found.names == NAMES
    assert found.error_bound.tolist() == [0.25] * 4
    assert not untrained.decoder.weight.any()  # type: ignore[operator, union-attr]


def test_single_precision_tables_stay_single() -> None:
    task = Lossless()
    values = task.table().values.astype(np.float32)
    own = _codec.Codec(task.model(), Range.of(values), "float64", values.dtype, 16)
    assert own.decode(own.encode(values)).dtype == np.float32


def test_weights_of_another_decoder_are_refused(tmp_path: Path) -> None:
    task = Lossless()
    own = codec(task)
    own.write(tmp_path / "c.npz", own.encode(task.table().values), NAMES, np.zeros(4))
    with pytest.raises(DataError, match="another decoder"):
        _codec.read(tmp_path / "c.npz", Autoencoder(task.encoder(), nn.Linear(3, 4)), 16)


@pytest.mark.parametrize("off", [0.2, np.nan])
def test_a_value_beyond_the_promised_error_is_refused(tmp_path: Path, off: float) -> None:
    task, path = Lossless(), tmp_path / "c.npz"
    own = codec(task)
    own.write(path, own.encode(task.table().values), NAMES, np.array([0.0, 0.1, 0.0, 0.0]))
    compressed = _codec.read(path, task.model(), 16)
    values = task.table().values.copy()
    values[7, 1] += 0.05
    np.savez(tmp_path / "d.npz", data=values, names=np.array(NAMES))
    assert np.array_equal(_codec.check(tmp_path / "d.npz", task.table(), compressed), values)
    values[7, 1] += off
    np.savez(tmp_path / "d.npz", data=values, names=np.array(NAMES))
    with pytest.raises(DataError, match=r"column b is off by more than the 0\.1"):
        _codec.check(tmp_path / "d.npz", task.table(), compressed)


def test_a_decompressed_file_with_other_columns_or_types_is_refused(tmp_path: Path) -> None:
    task, path = Lossless(), tmp_path / "c.npz"
    own = codec(task)
    own.write(path, own.encode(task.table().values), NAMES, np.ones(4))
    compressed = _codec.read(path, task.model(), 16)
    for values, names in ((task.table().values, "abce"), (task.table().values.astype(np.float32), "abcd")):
        np.savez(tmp_path / "d.npz", data=values, names=np.array(list(names)))
        with pytest.raises(DataError, match="the decompressed table is"):
            _codec.check(tmp_path / "d.npz", task.table(), compressed)
