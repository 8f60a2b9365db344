"""The experiments baler and inference as studies: what they measure beside training arrives in the records."""

import math
from pathlib import Path

import numpy as np
import pytest

from sweep.__main__ import main
from sweep.analysis.codec import codecs
from sweep.analysis.inference import inferences
from sweep.analysis.setups import setups
from sweep.records import StudyData, TrialRecord
from sweep.study.store import StudyStore


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data() -> StudyData:
    with StudyStore.open_to_read(Path("reports/s")) as store:
        return store.data()


def rows(trial: TrialRecord) -> set[tuple[str, str]]:
    return {(row.phase, row.activity) for row in trial.activities}


def sum_of_rows(trial: TrialRecord) -> float:
    return math.fsum(row.energy_j[name] or 0.0 for row in trial.activities for name in trial.domains)


@pytest.mark.slow
def test_baler_compresses_and_decompresses_what_it_was_trained_on() -> None:
    np.savez("rows.npz", data=np.random.default_rng(0).normal(size=(300, 8)), names=np.array(list("abcdefgh")))
    small = [
        "search.space.trainer.max_epochs=[1]",
        "search.space.batch_size=[64]",
        "search.space.objective.rows=[50,null]",
    ]
    quick = ["paradigms.compression.min_s=0.05", "search.space.objective.compression_ratio=[2.0]", "study.name=s"]
    assert main(["+experiment=baler", "objective.path=rows.npz", *small, *quick]) == 0
    found = data()
    assert sorted(trial.params["objective.rows"] or 0 for trial in found.trials) == [0, 50]
    for trial in found.trials:
        assert {("supervised", "train"), ("compress", "compress"), ("decompress", "decompress")} <= rows(trial)
        assert sum_of_rows(trial) == pytest.approx(
            math.fsum(energy.energy_j or 0.0 for energy in trial.domains.values()), rel=1e-9
        )
        assert trial.results["compression_ratio"] == 2.0
        assert trial.results["compress_bytes"] == 300 * 8 * 8
    for codec in codecs(found, setups(found)):
        assert codec.compress.j_per_gb is not None
        assert codec.compress.j_per_gb.value > 0
        assert codec.decompress.bandwidth_mb_s > 0


@pytest.mark.slow
def test_inference_serves_what_was_trained() -> None:
    small = [
        "search.space.objective.model.width=[4,8]",
        "trainer.max_epochs=1",
        "study.name=s",
        "objective.source=synthetic",
    ]
    assert main(["+experiment=inference", *small, "paradigms.inference.min_s=0.02"]) == 0
    found = data()
    served = inferences(found, setups(found))
    assert [[each.batch_size for each in item.predictions] for item in served] == [[1, 8, 64, 512]] * 2
    for item in served:
        assert all(each.energy_j is not None and each.energy_j.value > 0 for each in item.predictions)
        assert {("inference", f"batch_{size}") for size in (1, 8, 64, 512)} <= rows(item.setup.trials[0])
