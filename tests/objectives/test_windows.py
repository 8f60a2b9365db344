"""Windows from a user's own file: what is read, how it is split and scaled, and what is refused."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from objectives.windows import Windows
from sweep.errors import ConfigError, DataError
from sweep.objective import Objective
from sweep.registry import build

DSADS = Path(__file__).parents[3] / "shared" / "data" / "dsads_12act_27ch_1920.npz"
Arrays = dict[str, NDArray[Any]]


def arrays(n_subjects: int = 8, per_subject: int = 6, time: int = 40, channels: int = 3) -> Arrays:
    """Windows whose channel 0 carries the subject's number, so that a test can see who is where."""
    rng = np.random.default_rng(0)
    n = n_subjects * per_subject
    subject = np.repeat(np.arange(1, n_subjects + 1), per_subject)
    x = rng.normal(3.0, 2.0, (n, time, channels))
    x[:, :, 0] = subject[:, None]
    return {"X": x, "y": np.arange(n) % 3, "subject": subject}


@pytest.fixture
def save(tmp_path: Path) -> Any:
    def write(content: Arrays) -> str:
        path = tmp_path / "windows.npz"
        np.savez(path, **content)
        return str(path)

    return write


def subjects_in(inputs: torch.Tensor, train_subjects: list[int]) -> list[int]:
    """Undo the standardisation of channel 0, which holds the subject's number."""
    mean, std = np.mean(train_subjects), np.std(train_subjects)
    return sorted({round(float(v) * std + mean) for v in inputs[:, 0, 0]})


@pytest.mark.parametrize(
    ("options", "train", "val", "test"),
    [
        ({}, [1, 2, 3, 4, 5], [6], [7, 8]),
        ({"val_subjects": [1]}, [2, 3, 4, 5, 6], [1], [7, 8]),
        ({"test_subjects": [1, 2]}, [3, 4, 5, 6, 7], [8], [1, 2]),
        ({"val_subjects": [8], "test_subjects": [2]}, [1, 3, 4, 5, 6, 7], [8], [2]),
        ({"test_subjects": []}, [1, 2, 3, 4, 5, 6, 7], [8], []),
        ({"val_share": 0.5, "test_share": 0}, [1, 2, 3, 4], [5, 6, 7, 8], []),
    ],
)
def test_subjects_go_to_the_parts_that_were_asked_for(
    save: Any, options: dict[str, Any], train: list[int], val: list[int], test: list[int]
) -> None:
    data = Windows(path=save(arrays()), **options).data()
    assert subjects_in(data.train.inputs, train) == train
    assert subjects_in(data.val.inputs, train) == val
    assert (subjects_in(data.test.inputs, train) if data.test else []) == test
    sizes = [len(data.train), len(data.val), len(data.test) if data.test else 0]
    assert sizes == [6 * len(part) for part in (train, val, test)]


def test_two_subjects_are_trained_and_validated_on_and_nobody_is_tested_on(save: Any) -> None:
    data = Windows(path=save(arrays(n_subjects=2))).data()
    assert (len(data.train), len(data.val), data.test) == (6, 6, None)


def test_subjects_may_be_names(save: Any) -> None:
    content = arrays(n_subjects=3)
    content["subject"] = np.array(["ann", "bob", "eve"])[content["subject"] - 1]
    data = Windows(path=save(content), val_subjects=["bob"], test_subjects=["ann"]).data()
    assert data.split == "by subject: train eve, validation bob, test ann"


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int16])
def test_training_windows_have_mean_0_and_deviation_1_whatever_the_type(save: Any, kind: type) -> None:
    content = arrays(channels=4)
    content["X"] = (content["X"] * 10).astype(kind)
    train = Windows(path=save(content)).data().train.inputs
    assert train.dtype == torch.float32
    assert train.shape == (30, 4, 40)
    assert torch.allclose(train.mean(dim=(0, 2)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(train.std(dim=(0, 2), unbiased=False), torch.ones(4), atol=1e-4)


def test_validation_and_test_windows_do_not_move_the_scale(save: Any) -> None:
    content = arrays()
    before = Windows(path=save(content)).data()
    content["X"][content["subject"] >= 6] *= 100
    after = Windows(path=save(content)).data()
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert not torch.equal(before.val.inputs, after.val.inputs)


def test_a_constant_channel_is_centred_only(save: Any) -> None:
    content = arrays()
    content["X"][:, :, 2] = 1e6
    content["X"][-1, :, 2] = 1e6 + 5
    data = Windows(path=save(content)).data()
    assert data.test is not None
    assert torch.all(data.train.inputs[:, 2] == 0)
    assert torch.all(data.test.inputs[-1, 2] == 5)


@pytest.mark.parametrize("labels", [np.array([7, -2, 40]), np.array(["walk", "run", "sit"])])
def test_labels_become_indices_in_sorted_order(save: Any, labels: NDArray[Any]) -> None:
    content = arrays(n_subjects=3)
    content["y"] = labels[content["y"]]
    data = Windows(path=save(content), val_subjects=[2], test_subjects=[3]).data()
    ranks = np.argsort(np.argsort(labels))
    assert data.train.targets.tolist() == ranks[np.arange(6) % 3].tolist()
    assert data.train.targets.dtype == torch.int64


def test_a_random_split_is_said_repeats_and_covers_every_window_once(save: Any) -> None:
    content = arrays()
    del content["subject"]
    content["X"][:, :, 1] = np.arange(48)[:, None]
    path = save(content)
    task = Windows(path=path, split="random", val_share=0.25, test_share=0.25, split_seed=3)
    data, again = task.data(), Windows(path, "random", None, None, 0.25, 0.25, 3).data()
    assert data.split.startswith("random over windows (seed 3)")
    assert torch.equal(data.val.inputs, again.val.inputs)
    assert data.test is not None
    values = torch.cat([part.inputs[:, 1, 0] for part in (data.train, data.val, data.test)])
    assert len(values.unique()) == 48
    assert (len(data.train), len(data.val), len(data.test)) == (24, 12, 12)


def changed(**changes: Any) -> Arrays:
    return {key: value for key, value in (arrays() | changes).items() if value is not None}


def spoilt(value: float) -> NDArray[Any]:
    x = arrays()["X"]
    x[5, 3, 2] = value
    return np.asarray(x)


BAD_ARRAYS = {
    "no X": (changed(X=None), {}, r"has no array X \(it has subject, y\)"),
    "no y": (changed(y=None), {}, "has no array y"),
    "wrong ndim": (changed(X=np.zeros((48, 40))), {}, r"shape \(48, 40\), it needs three axes"),
    "no windows": (changed(X=np.zeros((0, 40, 3))), {}, "none empty"),
    "complex X": (changed(X=np.zeros((48, 40, 3), dtype=complex)), {}, "needs real numbers"),
    "object X": (changed(X=np.array([[["a", 1]]], dtype=object)), {}, "array X of .* not objects"),
    "object y": (changed(y=np.array(["a", 1] * 24, dtype=object)), {}, "array y of .* not objects"),
    "y too short": (changed(y=np.zeros(47, dtype=int)), {}, r"y of .* has shape \(47,\), X has 48 windows"),
    "subject too short": (changed(subject=np.zeros(4, dtype=int)), {}, r"subject of .* has shape \(4,\)"),
    "float labels": (changed(y=np.linspace(0, 1, 48)), {}, r"float64, it needs integers or strings: .*astype\(int\)"),
    "one class only": (changed(y=np.full(48, 7)), {}, "has only the class 7"),
    "one class to train on": (
        changed(y=np.where(arrays()["subject"] > 5, 1, 0)),
        {},
        "all training windows of .* are of the class 0",
    ),
    "NaN": (changed(X=spoilt(np.nan)), {}, "1 values that are NaN .*window 5, time 3, channel 2"),
    "infinite": (changed(X=spoilt(-np.inf)), {}, "window 5, time 3, channel 2"),
    "too large for float32": (changed(X=spoilt(1e300)), {}, "infinite in float32"),
    "no subject": (changed(subject=None), {}, "no array subject.*objective.split=random"),
    "unknown test subjects": (
        arrays(),
        {"test_subjects": [7, 12]},
        (
            r"^test_subjects \[7, 12\] is not in the data \(subjects 1 to 8\): "
            "set objective.test_subjects to one or more of these$"
        ),
    ),
    "unknown validation subject": (arrays(), {"val_subjects": [9]}, r"val_subjects \[9\] is not in the data"),
    "subject of another type": (arrays(), {"val_subjects": ["6"]}, r"val_subjects \['6'\] is not in the data"),
    "subject in both": (arrays(), {"val_subjects": [6], "test_subjects": [6, 7]}, r"\[6\] are both in val_subjects"),
    "nobody validates": (arrays(), {"val_subjects": []}, "no subject is left for validation"),
    "nobody trains": (
        arrays(n_subjects=3),
        {"val_subjects": [1, 2], "test_subjects": [3]},
        r"no subject is left to train on \(subjects 1 to 3\)",
    ),
    "one subject": (arrays(n_subjects=1), {}, r"no subject is left for validation \(subjects 1\)"),
    "random with too few": (
        {key: value[:3] for key, value in arrays().items()},
        {"split": "random", "val_share": 0.1},
        "leave a part empty",
    ),
    "too short for the network": (changed(X=arrays()["X"][:, :20]), {}, "20 samples are too short for 3 poolings"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_one_clear_error(save: Any, case: str) -> None:
    content, options, message = BAD_ARRAYS[case]
    task = Windows(path=save(content), **options)
    with pytest.raises(DataError, match=message):
        task.model()


def truncated(path: Path) -> None:
    np.savez(path, **arrays())
    path.write_bytes(path.read_bytes()[:-2000])


def flipped(path: Path) -> None:
    np.savez_compressed(path, **arrays())
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(content)


def not_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", b"hello")
        archive.writestr("y.npy", b"hello")


BAD_FILES = {
    "missing": (lambda path: None, "does not exist: set objective.path"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "empty": (lambda path: path.touch(), "is not a readable npz file"),
    "text": (lambda path: path.write_text("a,b\n1,2\n"), "is not a readable npz file"),
    "npy": (lambda path: np.save(path.open("wb"), np.zeros(3)), "is not a readable npz file"),
    "truncated": (truncated, "is not a readable npz file"),
    "damaged": (flipped, "is not a readable npz file"),
    "no arrays in it": (not_arrays, r"X of .* has shape \(\), it needs three axes"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_bad_files_are_one_clear_error(tmp_path: Path, case: str) -> None:
    spoil, message = BAD_FILES[case]
    path = tmp_path / "windows.npz"
    spoil(path)  # type: ignore[no-untyped-call]
    with pytest.raises(DataError, match=message):
        Windows(path=str(path)).data()


def test_a_file_that_may_not_be_read_is_one_clear_error(save: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = save(arrays())
    monkeypatch.setattr("zipfile.ZipFile.__init__", refuse)
    with pytest.raises(DataError, match=r"may not be read \(permission denied\): make it readable"):
        Windows(path=path).data()


def test_no_path_is_one_clear_error() -> None:
    with pytest.raises(DataError, match=r"objective.path is not set"):
        Windows().data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"val_subjects": "six"}, "objective.val_subjects='six' does not fit"),
        ({"split": "chance"}, "objective.split='chance' does not fit"),
        ({"model": {"widht": 3}}, "did you mean objective.model.width"),
        ({"model": {"width": 0}}, "objective.model.width=0 is below 1"),
        ({"model": {"dropout": 1.0}}, r"objective.model.dropout=1.0 is not in \[0, 1\)"),
        ({"model": {"kernel": 4}}, "objective.model.kernel=4 is even"),
        ({"val_share": 0.0}, "objective.val_share=0.0 and"),
        ({"val_share": 0.5, "test_share": 0.5}, "do not leave a part to train on"),
        ({"split": "random", "val_subjects": [1]}, "objective.split=random has no use"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    spec = {"_target_": "objectives.windows.Windows", "path": "none.npz"} | options
    with pytest.raises(ConfigError, match=message):
        build(spec, Objective, "objective")


def test_options_reach_the_network(save: Any) -> None:
    size = {"width": 4, "blocks": 2, "kernel": 3, "pool": 2}
    spec = {"_target_": "objectives.windows.Windows", "path": save(arrays()), "model": size}
    task = build(spec, Windows, "objective")
    data, net = task.data(), task.model()
    features = net.encoder(data.val.inputs)
    assert features.shape[:2] == (6, 8)
    assert net.classifier(features).shape == (6, 3)
    assert task.decoder()(features).shape == data.val.inputs.shape
    assert sum(p.numel() for p in net.parameters()) == (3 * 4 * 3 + 8) + (4 * 8 * 3 + 16) + (8 * 3 + 3)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Spinning threads make small networks slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_the_network_learns_who_moves_faster(save: Any) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    phase = rng.uniform(0, 6.28, (120, 1))
    wave = np.sin(np.arange(60) * np.where(y, 0.5, 0.8)[:, None] + phase)
    task = Windows(path=save({"X": wave[:, :, None], "y": y}), split="random")
    data, net = task.data(), task.model()
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(30):
        optimizer.zero_grad()
        task.loss(net(data.train.inputs), data.train.targets).backward()
        optimizer.step()
    metric = task.metric()
    metric.update(net.eval()(data.val.inputs), data.val.targets)
    assert metric.compute() > 0.9


@pytest.mark.skipif(not DSADS.exists(), reason="the DSADS extract is not beside this checkout")
def test_real_activities_are_split_by_the_subjects_named() -> None:
    data = Windows(path=str(DSADS), val_subjects=[6], test_subjects=[7, 8]).data()
    assert data.test is not None
    assert (len(data.train), len(data.val), len(data.test)) == (1200, 240, 480)
    assert data.train.inputs.shape[1:] == (27, 125)
    assert data.train.targets.unique().tolist() == list(range(12))
    assert "12 classes, 8 subjects" in data.description
