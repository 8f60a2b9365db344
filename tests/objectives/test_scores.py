"""Every quality that offers scores of samples keeps its word: one for each, in order, and their mean is the quality."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from objectives.celeba import AttributeAccuracy
from objectives.windows import Windows
from sweep.codec import R2
from sweep.errors import DataError
from sweep.metric import Accuracy, Metric, scores_of
from sweep.objective import Data, Head, HeadMetrics, Split

N = 53
DRAW = torch.Generator().manual_seed(0)
HEADS = {
    "attributes": Head((0, 1, 2), nn.Identity, metric=AttributeAccuracy),
    "identity": Head((3,), nn.Identity),
}
LABELS = torch.randint(0, 2, (N, 4), generator=DRAW)
LOGITS = torch.randn(N, 3, generator=DRAW)


class Judged(NamedTuple):
    """A metric with outputs and targets, and the part of the outputs that belongs to some samples."""

    metric: Callable[[], Metric]
    output: Any
    target: Tensor


CASES = {
    "accuracy": Judged(Accuracy, LOGITS, LABELS[:, 0]),
    "attributes": Judged(AttributeAccuracy, LOGITS, LABELS[:, :3]),
    "R2": Judged(R2, LOGITS, LOGITS + 0.3 * torch.randn(N, 3, generator=DRAW)),
    "heads": Judged(lambda: HeadMetrics(HEADS), {"attributes": LOGITS, "identity": LOGITS}, LABELS),
}


def gathered(case: Judged, size: int, samples: Tensor) -> Metric:
    metric = case.metric()
    for batch in samples.split(size):
        output = case.output
        metric.update(
            {name: part[batch] for name, part in output.items()} if isinstance(output, dict) else output[batch],
            case.target[batch],
        )
    return metric


@pytest.mark.parametrize("case", CASES)
def test_the_mean_of_the_scores_is_the_quality(case: str) -> None:
    metric = gathered(CASES[case], 10, torch.arange(N))
    scores = scores_of(metric)
    assert scores is not None
    assert scores.shape == (N,)
    assert float(scores.mean()) == pytest.approx(float(metric.compute()), rel=1e-5)
    assert len(set(scores.tolist())) > 1


@pytest.mark.parametrize("case", CASES)
def test_scores_follow_their_samples(case: str) -> None:
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    plain, moved = (scores_of(gathered(CASES[case], 10, samples)) for samples in (torch.arange(N), order))
    assert plain is not None
    assert moved is not None
    torch.testing.assert_close(moved, plain[order], rtol=1e-4, atol=1e-5)


def windows(**changes: Any) -> dict[str, Any]:
    subject = np.repeat(np.arange(1, 9), 6)
    return {
        "X": np.random.default_rng(0).normal(size=(48, 40, 3)),
        "y": np.arange(48) % 3,
        "subject": subject,
    } | changes


@pytest.mark.parametrize("shuffled", [False, True])
def test_validation_windows_of_one_subject_are_a_group(tmp_path: Any, shuffled: bool) -> None:
    arrays = windows()
    np.savez(tmp_path / "w.npz", **arrays)
    options: Any = {"split": "random"} if shuffled else {"val_subjects": [2, 4], "test_subjects": [1]}
    data = Windows(path=str(tmp_path / "w.npz"), **options).data()
    assert data.val_groups is not None
    groups = data.info().val_groups
    assert groups is not None
    assert (groups.of, groups.n) == ("subject", len(set(data.val_groups)))
    if not shuffled:
        assert data.val_groups == [2] * 6 + [4] * 6
        assert groups.codes().tolist() == [0] * 6 + [1] * 6


def test_windows_that_name_nobody_have_no_groups(tmp_path: Any) -> None:
    arrays = windows()
    del arrays["subject"]
    np.savez(tmp_path / "w.npz", **arrays)
    assert Windows(path=str(tmp_path / "w.npz"), split="random").data().info().val_groups is None


def parts(val: Split, **options: Any) -> Data:
    return Data(Split(torch.zeros(4, 1), torch.zeros(4)), val, **options)


def test_groups_must_be_one_for_each_sample() -> None:
    val = Split(torch.zeros(3, 1), torch.zeros(3))
    with pytest.raises(DataError, match="val_groups has 2 labels, the val split 3 samples"):
        parts(val, val_groups=["ann", "bob"]).info()


def test_the_digest_of_the_validation_split_depends_on_nothing_else() -> None:
    val, other = Split(torch.zeros(3, 1), torch.zeros(3)), Split(torch.zeros(3, 1), torch.ones(3))
    plain = parts(val).info()
    more = parts(val)._replace(train=Split(torch.ones(9, 1), torch.ones(9)), val_groups=[1, 1, 2]).info()
    assert plain.val_digest == more.val_digest
    assert plain.digest != more.digest
    assert plain.val_digest != parts(other).info().val_digest
