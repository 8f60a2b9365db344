"""What a study keeps of single validation samples: scores of the best epoch, on the split that the study names."""

from pathlib import Path

import numpy as np
import pytest

from sweep.__main__ import main
from sweep.analysis.bootstrap import Sampling
from sweep.records import StudyData
from sweep.study.store import StudyStore

QUICK = ["trainer.max_epochs=4", "layers.mode=off", "search.space.batch_size=[16]", "study.name=s"]
LRS = "search.space.lr=[0.1,0.01]"


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def data() -> StudyData:
    with StudyStore.open_to_read(Path("reports/s")) as store:
        return store.data()


def test_the_mean_of_the_kept_scores_is_the_quality() -> None:
    rng = np.random.default_rng(0)
    labels, subject = np.arange(240) % 3, np.repeat(np.arange(12), 20)
    signals = rng.normal(size=(240, 32, 2)) + 0.5 * labels[:, None, None]
    np.savez("w.npz", X=signals, y=labels, subject=subject)
    options = ["objective=windows", "objective.path=w.npz", "objective.val_share=0.5", "objective.model.width=4"]
    assert main([*options, *QUICK, LRS]) == 0
    found = data()
    info = found.study.data
    assert info.val_groups is not None
    assert (info.val_groups.n, info.n_val) == (6, 120)
    for trial in found.trials:
        assert trial.scores is not None
        assert (trial.scores.n, trial.scores.split) == (120, info.val_digest)
        assert trial.scores.values().mean() == pytest.approx(trial.quality, abs=1e-6)
    sampling = Sampling(found)
    assert (sampling.unit, sampling.n_units) == ("subject", 6)
    assert sampling.difference_se((0,), (1,)) is not None
