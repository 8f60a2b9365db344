"""The folder of results: what is written, and that it is written whole or not at all."""

import os
from pathlib import Path

import pandas as pd
import pytest

from sweep.errors import StudyError
from sweep.report import build
from sweep.report.build import write_report
from tests.factories import sixteen, study, trial
from tests.layer_factories import layered, nasty_layers


def test_everything_is_written_and_nothing_else(tmp_path: Path) -> None:
    path = write_report(sixteen(1), tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert path == folder / "report.html"
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
    assert files == [
        "conf/experiment/recommended.yaml",
        "domains.csv",
        "epochs.csv",
        "layers.csv",
        "report.html",
        "trials.csv",
    ]


def test_the_csv_files_read_back(tmp_path: Path) -> None:
    data = sixteen(1)
    write_report(data, tmp_path)
    trials, epochs = pd.read_csv(tmp_path / "trials.csv"), pd.read_csv(tmp_path / "epochs.csv")
    assert list(trials["energy_j"]) == pytest.approx([record.energy_j for record in data.trials])
    assert len(epochs) == sum(record.epochs for record in data.trials)


def test_the_layers_of_a_trial_read_back_as_its_energy(tmp_path: Path) -> None:
    data = layered(sixteen(1))
    write_report(data, tmp_path)
    sums = pd.read_csv(tmp_path / "layers.csv").groupby("number")["energy_j"].sum()
    for record in data.trials:
        assert sums[record.number] == pytest.approx(record.energy_spent_j, rel=1e-9)


def test_a_study_without_layers_has_an_empty_table_of_them(tmp_path: Path) -> None:
    write_report(sixteen(1), tmp_path)
    assert pd.read_csv(tmp_path / "layers.csv").empty
    page = (tmp_path / "report.html").read_text()
    assert "No layers were measured (layers.mode=off, " in page


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_report(nasty_layers(), tmp_path).read_bytes()
    assert write_report(nasty_layers(), tmp_path).read_bytes() == first


def test_an_old_recommendation_does_not_outlive_its_reason(tmp_path: Path) -> None:
    write_report(study([trial()]), tmp_path)
    write_report(study([]), tmp_path)
    assert not (tmp_path / "conf/experiment/recommended.yaml").exists()


@pytest.mark.parametrize("step", ["open", "replace"])
def test_a_write_that_fails_leaves_the_old_report_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = write_report(study([trial()]), tmp_path)
    before = path.read_bytes()

    def full(self: Path, *args: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, full)
        with pytest.raises(StudyError, match="No space left on device"):
            write_report(sixteen(1), tmp_path)
    assert path.read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"the report cannot be written to .*: make the folder writable"):
        write_report(study([]), tmp_path / "file" / "folder")


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    write_report(study([trial()]), tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]  # noqa: PTH208  (hidden files too)
    assert build.REPORT_NAME in os.listdir(tmp_path)  # noqa: PTH208
