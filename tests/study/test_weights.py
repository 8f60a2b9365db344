"""Which weights are kept."""

from pathlib import Path

from sweep.study.weights import FOLDER, epoch_of, prune
from tests.factories import study, trial


def folders(root: Path, numbers: range) -> None:
    for number in numbers:
        (root / FOLDER / str(number)).mkdir(parents=True)


def left(root: Path) -> set[int]:
    return {int(path.name) for path in (root / FOLDER).iterdir()}


def test_weights_of_a_dominated_setup_go_when_its_repeats_are_done(tmp_path: Path) -> None:
    good = trial(0, {"lr": 0.1}, qualities=(0.9,), epoch_j=10.0)
    bad = trial(1, {"lr": 0.01}, qualities=(0.5,), epoch_j=20.0)
    folders(tmp_path, range(2))
    prune(study([good, bad]), tmp_path)
    assert left(tmp_path) == {0}


def test_weights_of_an_unfinished_setup_stay(tmp_path: Path) -> None:
    done = [trial(i, {"lr": 0.1}, repeat=i, qualities=(0.9,), epoch_j=10.0) for i in range(2)]
    half = trial(2, {"lr": 0.01}, repeat=0, qualities=(0.5,), epoch_j=20.0)
    folders(tmp_path, range(3))
    prune(study([*done, half]), tmp_path)
    assert left(tmp_path) == {0, 1, 2}


def test_the_weights_of_stopped_at_k_are_the_best_up_to_k() -> None:
    record = trial(0, {"lr": 0.1}, qualities=(0.5, 0.8, 0.7, 0.9))
    assert [epoch_of(record, k) for k in (1, 2, 3, 4)] == [1, 2, 2, 4]
