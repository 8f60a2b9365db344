"""Fashion-MNIST: where its files are found, what is read and refused, the download, and GATorch's network."""

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from objectives import _download, _image_fashion
from objectives.fashion_mnist import FashionMnist
from sweep.errors import ConfigError, DataError, FetchError
from sweep.objective import EncodedModel, Objective
from sweep.registry import build

SUBSET = Path(__file__).parents[3] / "shared" / "data" / "fashion_mnist_6000_1000.npz"
Arrays = dict[str, NDArray[Any]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, and no package of Debian's."""
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(_image_fashion, "DEBIAN", tmp_path / "debian")
    return tmp_path / "data" / "fashion_mnist"


def arrays(**changes: Any) -> Arrays:
    """100 training and 20 test images, label by label."""
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (100, 8, 8), dtype=np.uint8),
        "y_train": np.arange(100, dtype=np.uint8) % 10,
        "x_test": random.integers(0, 256, (20, 8, 8), dtype=np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    } | changes


def idx(array: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">{array.ndim + 1}I", 2048 + array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, content: Arrays, packed: bool = True) -> Path:
    folder.mkdir(parents=True)
    for name, key in zip(_image_fashion.MD5, content, strict=True):
        data = idx(content[key])
        file = folder / (name if packed else name.removesuffix(".gz"))
        file.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return folder


def write_npz(folder: Path, content: Arrays) -> str:
    np.savez(folder / "fashion.npz", **content)
    return str(folder / "fashion.npz")


@pytest.mark.parametrize("packed", [True, False])
def test_files_and_npz_give_the_same_data(tmp_path: Path, packed: bool) -> None:
    files = FashionMnist(str(write_idx(tmp_path / "own", arrays(), packed))).data()
    npz = FashionMnist(write_npz(tmp_path, arrays())).data()
    assert files.info() == npz.info()
    assert (len(files.train), len(files.val), files.test is not None and len(files.test)) == (90, 10, 20)


def test_pixels_go_from_0_to_1_and_test_images_stay_in_order(tmp_path: Path) -> None:
    content = arrays()
    data = FashionMnist(write_npz(tmp_path, content)).data()
    assert data.test is not None
    assert data.test.inputs.shape == (20, 1, 8, 8)
    np.testing.assert_allclose(data.test.inputs[:, 0].numpy(), content["x_test"] / 255, rtol=1e-6)
    assert data.test.targets.tolist() == content["y_test"].tolist()


def test_every_class_is_validated_in_its_share(tmp_path: Path) -> None:
    data = FashionMnist(write_npz(tmp_path, arrays()), val_share=0.2).data()
    assert data.val.targets.bincount().tolist() == [2] * 10
    assert data.split.startswith("20 of the 100 training images validate, drawn within each class (seed 0)")


@pytest.mark.parametrize("place", ["data/fashion_mnist", "debian"])
def test_the_usual_places_are_searched(tmp_path: Path, place: str) -> None:
    write_idx(tmp_path / place, arrays())
    assert len(FashionMnist().data().train) == 90


def test_without_files_the_next_step_is_said() -> None:
    with pytest.raises(
        DataError, match=r"neither in .*fashion_mnist nor in .*debian: run .*fetch fashion_mnist, or set"
    ):
        FashionMnist().data()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "labels too short": ({"y_train": np.zeros(99, dtype=np.uint8)}, r"100 training images and labels of shape \(99,\)"),
    "test labels too short": ({"y_test": np.zeros(9, dtype=np.uint8)}, "20 test images and labels"),
    "eleven classes": ({"y_train": np.arange(100, dtype=np.uint8) % 11}, "numbered 0 to 9"),
    "one class": ({"y_train": np.zeros(100, dtype=np.uint8)}, r"training labels of .* are \[0\]: give at least two"),
    "other size": ({"x_test": np.zeros((20, 8, 9), dtype=np.uint8)}, r"test images of .* \(20, 8, 9\), those to train"),
    "floats": ({"x_train": np.zeros((100, 8, 8))}, "x_train of .* is not of integers from 0 to 255"),
    "beyond a byte": ({"x_train": np.full((100, 8, 8), 256)}, "is not of integers from 0 to 255"),
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_do_not_fit_are_one_clear_error(tmp_path: Path, case: str) -> None:
    changes, message = BAD[case]
    with pytest.raises(DataError, match=message):
        FashionMnist(write_npz(tmp_path, arrays(**changes))).data()


def test_a_missing_array_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no array y_train and x_test and y_test \(it has x_train\)"):
        FashionMnist(write_npz(tmp_path, {"x_train": arrays()["x_train"]})).data()


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "own", arrays())
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz does not exist"):
        FashionMnist(str(folder)).data()


def test_swapped_files_are_told_by_their_magic_number(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "own", arrays())
    (folder / "train-labels-idx1-ubyte.gz").replace(folder / "train-images-idx3-ubyte.gz")
    with pytest.raises(DataError, match="the magic number 2049, images begin with 2051"):
        FashionMnist(str(folder)).data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "vit"}, "objective.network='vit' does not fit"),
        ({"val_share": 0.0}, r"objective.val_share=0.0 is not in \(0, 1\)"),
        ({"model": {"width": -1}}, "objective.model.width=-1 is below 1"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({"_target_": "objectives.fashion_mnist.FashionMnist"} | options, Objective, "objective")


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_encoder_classifier_and_decoder_fit_each_other(tmp_path: Path, network: Any) -> None:
    task = FashionMnist(write_npz(tmp_path, arrays()), network)
    inputs = task.data().val.inputs
    assert task.model()(inputs).shape == (10, 10)
    assert EncodedModel(task.encoder(), task.decoder())(inputs).shape == inputs.shape


@pytest.mark.skipif(not SUBSET.exists(), reason="the Fashion-MNIST subset is not beside this checkout")
def test_the_network_on_real_images_is_that_of_the_study() -> None:
    task = FashionMnist(str(SUBSET))
    data = task.data()
    assert (len(data.train), len(data.val), data.test is not None and len(data.test)) == (5400, 600, 1000)
    sizes = 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10
    assert sum(p.numel() for p in task.model().parameters()) == sizes == 669_706


class Progress:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int | None]] = []

    def __call__(self, done: int, total: int | None) -> None:
        self.calls.append((done, total))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the four files, served on the loopback interface."""
    folder = write_idx(tmp_path / "mirror", arrays())
    sums = {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    monkeypatch.setattr(_image_fashion, "MD5", {name: sums[name] for name in _image_fashion.MD5})
    monkeypatch.setattr(_download, "WAIT_S", 0.0)
    handler = type("Silent", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("SWEEP_FASHION_MNIST_URL", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("mirror")
def test_what_is_fetched_is_found_and_not_fetched_again(home: Path) -> None:
    progress = Progress()
    assert FashionMnist.fetch(None, progress) == home
    assert len(FashionMnist().data().train) == 90
    told = len(progress.calls)
    assert told > 0
    FashionMnist.fetch(None, progress)
    assert len(progress.calls) == told


def test_a_file_that_is_not_the_published_one_is_refused_and_removed(mirror: Path, home: Path) -> None:
    (mirror / "train-labels-idx1-ubyte.gz").write_bytes(b"login page")
    with pytest.raises(FetchError, match=r"train-labels-idx1-ubyte\.gz is not the file as published"):
        FashionMnist.fetch(None, Progress())
    assert [file.name for file in home.iterdir()] == ["train-images-idx3-ubyte.gz"]
