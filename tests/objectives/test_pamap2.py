"""PAMAP2: the file format, the windows, the cache, and what stands in where the data set is not there."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from objectives import _pamap2_synthetic as synthetic
from objectives._pamap2_files import columns, cut_windows, fill_gaps, find_recordings, read_recording
from objectives.pamap2 import Pamap2
from sweep.errors import ConfigError, DataError

Table = NDArray[np.float64]


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    home = tmp_path / "data"
    monkeypatch.setenv("SWEEP_DATA", str(home))
    return home


def recording(seconds: dict[int, float]) -> Table:
    """Rows of activities one after the other; column c of row r holds r + c / 100."""
    activity = np.concatenate([np.full(round(s * 100), a) for a, s in seconds.items()])
    table = np.arange(len(activity))[:, None] + np.arange(54) / 100
    table[:, 1] = activity
    return np.asarray(table)


def write(folder: Path, subject: int, table: Table) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"subject{subject}.dat"
    lines = [" ".join(f"{value:.8g}" for value in row).replace("nan", "NaN") for row in table]
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three subjects, two activities each with a transient between them."""
    for subject in (101, 105, 106):
        write(tmp_path / "own" / "Protocol", subject, recording({1: 12, 0: 3, 4: 12}))
    return tmp_path / "own"


def test_columns_are_acceleration_and_angular_rate_of_hand_chest_and_ankle() -> None:
    expected = [4, 5, 6, 10, 11, 12, 21, 22, 23, 27, 28, 29, 38, 39, 40, 44, 45, 46]
    assert columns(["acc16", "gyro"]) == expected
    assert columns(["mag"]) == [13, 14, 15, 30, 31, 32, 47, 48, 49]


def test_a_file_gives_its_columns_and_activities(tmp_path: Path) -> None:
    table = recording({1: 0.5, 24: 0.5})
    table[7, 21] = np.nan
    signals, activity = read_recording(write(tmp_path, 101, table), ["acc16", "gyro"])
    np.testing.assert_allclose(signals, table[:, columns(["acc16", "gyro"])], rtol=1e-6)
    assert activity.tolist() == [1] * 50 + [24] * 50


@pytest.mark.parametrize("lost", [1, 100])
def test_gaps_of_up_to_a_second_are_interpolated_linearly(lost: int) -> None:
    line = np.linspace(0, 50, 501, dtype=np.float32)
    channel = line.copy()
    channel[200 : 200 + lost] = np.nan
    np.testing.assert_allclose(fill_gaps(channel), line, rtol=1e-5)


@pytest.mark.parametrize("gap", [slice(200, 301), slice(0, 3), slice(490, 501)])
def test_longer_gaps_and_the_ends_stay_lost(gap: slice) -> None:
    channel = np.linspace(0, 50, 501, dtype=np.float32)
    channel[gap] = np.nan
    np.testing.assert_array_equal(fill_gaps(channel), channel)


def test_a_window_lies_in_one_run_of_one_protocol_activity() -> None:
    table = recording({1: 12, 0: 30, 4: 6, 9: 30, 24: 4})
    x, y = cut_windows(table[:, [4]].astype(np.float32), table[:, 1].astype(np.int64), 168, 84)
    # 12 s are 400 samples: windows at 0, 84 and 168 (to 336), not at 252; 6 s are 200 samples: one; 4 s: none
    assert y.tolist() == [1, 1, 1, 4]
    starts = np.round(x[:, 0, 0]).astype(int)
    assert starts.tolist() == [0, 252, 504, 4200]
    np.testing.assert_allclose(np.diff(x[:, :, 0], axis=1), 3, atol=1e-3)  # every third row


def test_a_second_bout_of_an_activity_is_a_run_of_its_own() -> None:
    activity = np.concatenate([np.full(600, 1), np.full(30, 0), np.full(600, 1)])
    x, _ = cut_windows(np.arange(1230, dtype=np.float32)[:, None], activity, 168, 84)
    assert x[:, 0, 0].tolist() == [0, 630]


def test_a_window_with_a_long_gap_is_left_out() -> None:
    table = recording({1: 20})
    table[0:150, 4] = np.nan
    table[1800:1960, 4] = np.nan
    x, _ = cut_windows(table[:, [4]].astype(np.float32), table[:, 1].astype(np.int64), 168, 84)
    assert np.round(x[:, 0, 0]).tolist() == [252, 504, 756, 1008, 1260]


@pytest.mark.parametrize("place", ["", "Protocol"])
def test_the_folder_or_its_protocol_is_read(dataset: Path, place: str) -> None:
    data = Pamap2(path=str(dataset / place)).data()
    assert (data.source, data.notice, data.mend) == ("local", None, None)
    assert data.train.inputs.shape == (6, 18, 168)
    assert data.train.targets.tolist() == [0, 0, 0, 1, 1, 1]


def test_105_validates_and_106_tests_unless_said_otherwise(dataset: Path) -> None:
    by_rule = "by subject: train 101, validation 105, test 106"
    assert Pamap2(path=str(dataset)).data().split == by_rule
    turned = Pamap2(path=str(dataset), val_subjects=[106], test_subjects=[101]).data()
    assert turned.split == "by subject: train 105, validation 106, test 101"
    assert Pamap2(path=str(dataset), test_subjects=[]).data().test is None


def test_without_105_and_106_the_rule_of_windows_holds(tmp_path: Path) -> None:
    for subject in (101, 102, 103):
        write(tmp_path / "own", subject, recording({1: 8, 4: 8}))
    data = Pamap2(path=str(tmp_path / "own")).data()
    assert data.split == "by subject: train 101, validation 102, test 103"


def test_a_subject_that_is_not_there_is_refused(dataset: Path) -> None:
    message = r"test_subjects \[107\] is not in the data \(subjects 101, 105, 106\): set objective.test_subjects"
    with pytest.raises(DataError, match=message):
        Pamap2(path=str(dataset), test_subjects=[107]).data()


def test_windows_come_from_the_cache_until_a_file_or_an_option_changes(
    dataset: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    original = read_recording
    monkeypatch.setattr(
        "objectives._pamap2_files.read_recording",
        lambda path, sensors: reads.append(path) or original(path, sensors),  # type: ignore[func-returns-value]
    )
    first = Pamap2(path=str(dataset)).data()
    again = Pamap2(path=str(dataset)).data()
    assert len(reads) == 3
    assert torch.equal(first.train.inputs, again.train.inputs)
    Pamap2(path=str(dataset), step=42).data()
    assert len(reads) == 6
    write(dataset / "Protocol", 101, recording({1: 13, 0: 3, 4: 12}))
    Pamap2(path=str(dataset)).data()
    assert len(reads) == 9
    assert sorted(p.suffix for p in (data_home / "cache").iterdir()) == [".npz"] * 3


def test_a_damaged_cache_is_made_anew_and_said(
    dataset: Path, data_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Pamap2(path=str(dataset)).data()
    (cached,) = (data_home / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING):
        again = Pamap2(path=str(dataset)).data()
    assert "is damaged and is made anew" in caplog.text
    assert torch.equal(first.val.inputs, again.val.inputs)
    assert cached.stat().st_size > 1000


def test_a_cache_that_cannot_be_written_is_said_and_not_fatal(
    dataset: Path, data_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data_home.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        data = Pamap2(path=str(dataset)).data()
    assert len(data.train) == 6
    assert "the windows cannot be kept in" in caplog.text


def cut_last_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-150])


def drop_a_column(path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("".join(line.rsplit(" ", 1)[0] + "\n" for line in lines))


def replace_first(old: str, new: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_text(path.read_text().replace(old, new, 1))

    return spoil


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut in the last line": (cut_last_line, r"the last line of .*101.dat has \d+ of 54 columns, the file was cut"),
    "53 columns": (drop_a_column, "101.dat has 53 columns, a PAMAP2 recording has 54"),
    "55 columns": (replace_first(" ", " 0 "), "101.dat has 55 columns"),
    "longer line inside": (replace_first("\n2 ", "\n2 0 "), "101.dat has a line with more or fewer than 54 columns"),
    "shorter line inside": (replace_first(" 7.04 ", " "), "101.dat has a line with more or fewer than 54 columns"),
    "not numeric": (replace_first(" 0.04 ", " hello "), "101.dat is not a PAMAP2 recording .*hello"),
    "activity not an integer": (replace_first(" 1 ", " 1.5 "), "activity ids in column 2 that are not integers"),
    "activity missing": (replace_first(" 1 ", " NaN "), "activity ids in column 2 that are not integers"),
    "empty": (lambda path: path.write_text(""), "101.dat is empty: copy it again, or run python -m sweep fetch"),
    "binary": (lambda path: path.write_bytes(b"PK\x03\x04" * 500), "101.dat has 1 columns"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_one_clear_error(dataset: Path, case: str) -> None:
    spoil, message = BAD_FILES[case]
    spoil(dataset / "Protocol" / "subject101.dat")
    with pytest.raises(DataError, match=message):
        Pamap2(path=str(dataset)).data()


def test_no_protocol_activity_is_one_clear_error(tmp_path: Path) -> None:
    write(tmp_path / "own", 101, recording({0: 10, 9: 10}))
    with pytest.raises(DataError, match=r"subject101.dat: no window of 168 samples of one protocol activity"):
        Pamap2(path=str(tmp_path / "own")).data()


@pytest.mark.parametrize("options", [{"path": "nowhere"}, {"path": "nowhere", "source": "local"}, {"source": "local"}])
def test_recordings_that_are_not_there_are_one_clear_error(options: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"no subject1xx.dat is in .*, or run python -m sweep fetch pamap2"):
        Pamap2(**options).data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sensors": []}, "names none, or one twice"),
        ({"sensors": ["mag", "mag"]}, "names none, or one twice"),
        ({"window": 0}, "objective.window=0 is below 1"),
        ({"step": 0}, "objective.step=0 is below 1"),
        ({"source": "synthetic", "path": "x"}, "objective.path=x has no use"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Pamap2(**options)


@pytest.fixture
def short_synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bouts of 8 s instead of 90: the same code in a twentieth of the time."""
    original = synthetic.write_recording
    monkeypatch.setattr(synthetic, "SUBJECTS", (101, 105, 106))
    monkeypatch.setattr(
        "objectives._pamap2_synthetic.write_recording",
        lambda folder, subject, seed: original(folder, subject, seed, bout_s=8.0),
    )


@pytest.mark.usefixtures("short_synthetic")
def test_auto_says_that_it_took_synthetic_data_and_how_to_get_the_real_ones() -> None:
    data = Pamap2().data()
    assert data.source == "synthetic"
    assert data.notice is not None
    assert "synthetic" in data.notice
    assert data.mend == "python -m sweep fetch pamap2"
    assert data.split.endswith("validation 105, test 106")
    assert data.train.targets.unique().tolist() == list(range(12))


@pytest.mark.usefixtures("short_synthetic")
def test_auto_takes_the_local_copy_where_there_is_one(dataset: Path, data_home: Path) -> None:
    data_home.mkdir()
    dataset.rename(data_home / "pamap2")
    assert Pamap2().data().source == "local"
    assert Pamap2(source="synthetic").data().source == "synthetic"


def test_a_synthetic_recording_has_the_published_format(tmp_path: Path) -> None:
    path = synthetic.write_recording(tmp_path, 103, seed=0, bout_s=3.0)
    table = np.genfromtxt(path)
    assert table.shape == (12 * 900, 54)
    np.testing.assert_allclose(np.diff(table[:, 0]), 0.01, atol=1e-6)
    assert set(table[:, 1]) == {0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 16, 17, 24}
    assert 0.85 < np.isnan(table[:, 2]).mean() < 0.95  # heart rate
    lost = np.isnan(table[:, 3])
    assert 0.001 < lost.mean() < 0.03
    gravity = np.linalg.norm(np.nanmean(table[table[:, 1] == 1][:, 4:7], axis=0))
    assert gravity == pytest.approx(9.81, abs=1.0)
    assert find_recordings(tmp_path) == [path]


def test_synthetic_recordings_repeat_for_a_seed_and_differ_between_seeds_and_subjects(tmp_path: Path) -> None:
    def text(subject: int, seed: int) -> bytes:
        return synthetic.write_recording(tmp_path, subject, seed, bout_s=0.5).read_bytes()

    assert text(101, 0) == text(101, 0)
    assert len({text(101, 0), text(102, 0), text(101, 1)}) == 3


@pytest.mark.usefixtures("short_synthetic")
def test_synthetic_recordings_leave_only_the_cache(
    tmp_path: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    Pamap2(source="synthetic").data()
    assert list(scratch.iterdir()) == []
    assert [path.suffix for path in data_home.rglob("*") if path.is_file()] == [".npz"]


def test_a_full_disk_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("objectives._pamap2_synthetic.write_recording", full)
    with pytest.raises(DataError, match=r"No space left on device.*name another folder in TMPDIR"):
        Pamap2(source="synthetic").data()
