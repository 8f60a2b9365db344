"""Baler: its network, its split, and the files that it reads."""

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from objectives._baler_files import read_table
from objectives.baler import Baler
from sweep.errors import ConfigError, DataError

REAL = Path(__file__).parents[3] / "shared" / "data" / "cms_zee_run2011a.npz"


def table(n: int = 40, columns: int = 5) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, columns)) * np.arange(1, columns + 1)


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    path = tmp_path / "rows.npz"
    np.savez(path, data=table(), names=np.array(list("abcde")))
    return path


@pytest.mark.parametrize(("ratio", "z"), [(1.0, 5), (1.6, 4), (2.0, 3), (5.0, 1), (9.0, 1)])
def test_z_is_the_ceiling_of_columns_over_ratio(npz: Path, ratio: float, z: int) -> None:
    task = Baler(str(npz), compression_ratio=ratio)
    widths = [(layer.in_features, layer.out_features) for layer in task.encoder() if isinstance(layer, torch.nn.Linear)]
    assert widths == [(5, 200), (200, 100), (100, 50), (50, z)]
    assert task.model()(torch.zeros(2, 5, dtype=torch.float64)).shape == (2, 5)


def test_the_network_ends_without_activation_and_is_of_double_precision(npz: Path) -> None:
    model = Baler(str(npz)).model()
    for network in (model.encoder, model.decoder):
        kinds = [type(layer).__name__ for layer in network]  # type: ignore[arg-type, union-attr]
        assert kinds == ["Linear", "LeakyReLU"] * 3 + ["Linear"]
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_inputs_are_targets_and_normalised_over_the_whole_table(npz: Path) -> None:
    data = Baler(str(npz), val_share=0.25, test_share=0.25).data()
    assert (len(data.train), len(data.val)) == (20, 10)
    assert data.test is not None
    whole = torch.cat([data.train.inputs, data.val.inputs, data.test.inputs])
    assert whole.min(0).values.tolist() == [0.0] * 5
    assert whole.max(0).values.tolist() == [1.0] * 5
    assert data.train.inputs is data.train.targets
    assert {tuple(row) for row in whole.tolist()} == {
        tuple(row) for row in ((table() - table().min(0)) / np.ptp(table(), axis=0)).tolist()
    }


def test_fewer_rows_are_the_first_of_more_and_are_judged_on_the_same(npz: Path) -> None:
    few, many = Baler(str(npz), rows=4).data(), Baler(str(npz), rows=9).data()
    assert torch.equal(few.train.inputs, many.train.inputs[:4])
    assert torch.equal(few.val.inputs, many.val.inputs)


def test_the_loss_is_the_mean_squared_error(npz: Path) -> None:
    task = Baler(str(npz))
    assert float(task.loss(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))) == pytest.approx(2.5)


def test_float32_for_devices_without_double_precision(npz: Path) -> None:
    task = Baler(str(npz), dtype="float32")
    assert task.model()(task.data().val.inputs).dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"compression_ratio": 0.5}, "compression_ratio=0.5"),
        ({"compression_ratio": math.inf}, "compression_ratio=inf"),
        ({"val_share": 0.0}, "val_share=0.0"),
        ({"val_share": 0.6, "test_share": 0.4}, "leave no rows"),
        ({"rows": 0}, "rows=0"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Baler("x.npz", **options)  # type: ignore[arg-type]


def test_more_rows_than_there_are_is_refused(npz: Path) -> None:
    with pytest.raises(DataError, match=r"40 rows.*rows=100"):
        Baler(str(npz), rows=100).data()


def test_no_path_is_refused() -> None:
    with pytest.raises(DataError, match=r"objective\.path is not set"):
        Baler().data()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": table()}, "no array data .it has x"),
        ({"data": table()[0]}, "two axes"),
        ({"data": table(), "names": np.array(["a", "b"])}, "2 different names for 5 columns"),
        ({"data": table(), "names": np.array(["a"] * 5)}, "1 different names for 5 columns"),
        ({"data": np.where(table() > 3, np.nan, table())}, "NaN or infinite"),
        ({"data": np.array([["a", "b"]])}, "needs real numbers"),
        ({"data": np.array([[object()]])}, "not a readable npz"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=words):
        read_table(path, None, None)


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable npz"):
        read_table(path, None, None)
    with pytest.raises(DataError, match="does not exist"):
        read_table(tmp_path / "none.npz", None, None)


def test_columns_are_chosen_by_name(npz: Path) -> None:
    assert np.array_equal(read_table(npz, None, ["c", "a"]).values, table()[:, [2, 0]])
    with pytest.raises(DataError, match="nope"):
        read_table(npz, None, ["nope"])
    with pytest.raises(DataError, match="no ROOT file"):
        read_table(npz, "events", None)


def test_single_precision_stays_single(tmp_path: Path) -> None:
    path = tmp_path / "single.npz"
    np.savez(path, data=table().astype(np.float32))
    found = read_table(path, None, None)
    assert found.values.dtype == np.float32
    assert found.names == ("column0", "column1", "column2", "column3", "column4")


def test_flat_branches_of_a_root_file(tmp_path: Path) -> None:
    uproot = pytest.importorskip("uproot", reason="the extra root is not installed")
    path = tmp_path / "events.root"
    with uproot.recreate(path) as file:
        file.mktree("events", {"pt": "float64", "q": "int32", "hits": "var * float64"})
        ragged = pytest.importorskip("awkward").Array([[1.0], [], [2.0, 3.0]])
        file["events"].extend({"pt": np.array([1.0, 2.0, 3.0]), "q": np.array([1, -1, 1]), "hits": ragged})
    found = read_table(path, None, None)
    assert {
        name: column for name, column in zip(found.names, found.values.T.tolist(), strict=True) if name != "nhits"
    } == {
        "pt": [1.0, 2.0, 3.0],
        "q": [1.0, -1.0, 1.0],
    }
    assert read_table(path, "events", ["q"]).values.tolist() == [[1.0], [-1.0], [1.0]]
    with pytest.raises(DataError, match="hits"):
        read_table(path, None, ["hits"])
    with pytest.raises(DataError, match="tree=other"):
        read_table(path, "other", None)


def test_a_broken_root_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("uproot", reason="the extra root is not installed")
    path = tmp_path / "broken.root"
    path.write_bytes(b"no root at all")
    with pytest.raises(DataError, match="not a readable ROOT file"):
        read_table(path, None, None)


class FakeFile:
    """A ROOT file with one tree of two flat branches and a jagged one, as uproot shows it."""

    def __init__(self) -> None:
        kinds = {"q": np.dtype("i4"), "pt": np.dtype("f8"), "hits": None}
        self.branches = [
            SimpleNamespace(name=n, interpretation=SimpleNamespace(numpy_dtype=k)) for n, k in kinds.items()
        ]

    def __enter__(self) -> "FakeFile":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def __getitem__(self, name: str) -> "FakeFile":
        assert name == "events"
        return self

    def classnames(self) -> dict[str, str]:
        return {"events;2": "TTree", "events;1": "TTree", "h;1": "TH1D"}

    def keys(self) -> list[str]:
        return [branch.name for branch in self.branches]

    def arrays(self, names: list[str], library: str) -> dict[str, np.ndarray]:
        assert library == "np"
        known = {"q": np.array([1, -1]), "pt": np.array([2.5, 3.5])}
        return {name: known[name] for name in names}


def test_the_only_tree_and_its_flat_branches_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.root"
    path.touch()
    monkeypatch.setitem(sys.modules, "uproot", SimpleNamespace(open=lambda _: FakeFile()))  # type: ignore[arg-type]
    assert read_table(path, None, None).names == ("q", "pt")
    assert read_table(path, None, None).values.tolist() == [[1.0, 2.5], [-1.0, 3.5]]


def test_without_uproot_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.root"
    path.touch()
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(DataError, match=r"sweep-energy\[root\]"):
        read_table(path, None, None)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the CMS table of the shared data is not here")
def test_real_collisions_reach_the_expected_r2() -> None:
    task = Baler(str(REAL))
    data = task.data()
    torch.manual_seed(0)
    model = task.model()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(25):
        for batch in torch.randperm(len(data.train)).split(512):
            adam.zero_grad()
            task.loss(model(data.train.inputs[batch]), data.train.targets[batch]).backward()  # type: ignore[no-untyped-call]
            adam.step()
    metric = task.metric()
    with torch.inference_mode():
        metric.update(model(data.val.inputs), data.val.targets)
    assert float(metric.compute()) >= 0.97
