"""Images with several labels from a user's own file: what is read, how it is split and scaled, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from objectives._image_arrays import split_stratified
from objectives.multilabel_images import MultilabelImages
from sweep.errors import ConfigError, DataError
from sweep.objective import EncodedModel, Objective
from sweep.registry import build

FACES = Path(__file__).parents[3] / "shared" / "data" / "cmu_faces_64x60.npz"
Arrays = dict[str, NDArray[Any]]
Save = Callable[[Arrays], str]


def arrays(n: int = 60, height: int = 9, width: int = 12) -> Arrays:
    """Noise with a label of three classes, one of two, and names of files."""
    images = np.random.default_rng(0).integers(0, 256, (n, height, width), dtype=np.uint8)
    return {
        "images": images,
        "who": np.array(["ann", "bob", "eve"])[np.arange(n) % 3],
        "mood": np.arange(n) // 2 % 2,
        "path": np.array([f"{number}.png" for number in range(n)]),
        "who_names": np.array(["ann", "bob", "eve"]),
    }


def changed(**changes: Any) -> Arrays:
    return {key: value for key, value in (arrays() | changes).items() if value is not None}


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(content: Arrays) -> str:
        path = tmp_path / "images.npz"
        np.savez(path, **content)
        return str(path)

    return write


def test_labels_that_repeat_become_heads_and_names_of_files_do_not(save: Save) -> None:
    task = MultilabelImages(save(arrays()))
    data = task.data()
    assert list(task.heads()) == ["who", "mood"]
    assert data.train.targets.shape == (36, 2)
    assert "60 images of 9 x 12 x 1, labels who (3 classes), mood (2 classes)" in data.description


def test_heads_are_those_that_are_named_in_their_order(save: Save) -> None:
    task = MultilabelImages(save(arrays()), heads=["mood", "who"])
    data = task.data()
    outputs = task.model()(data.val.inputs)
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {"mood": (12, 2), "who": (12, 3)}


@pytest.mark.parametrize("name", ["type", "train", "items", "of", "two words", "größe"])
def test_a_label_may_have_any_name_without_a_dot(save: Save, name: str) -> None:
    content = arrays()
    content[name] = content.pop("who")
    task = MultilabelImages(save(content), heads=[name])
    assert task.model()(task.data().val.inputs)[name].shape == (12, 3)


def test_each_head_sees_its_own_label(save: Save) -> None:
    task = MultilabelImages(save(arrays()))
    data, heads = task.data(), task.heads()
    train = split_stratified(np.arange(60) % 3, 0.2, 0.2, 0, "who").train
    assert heads["who"].of(data.train.targets).tolist() == (train % 3).tolist()
    assert heads["mood"].of(data.train.targets).tolist() == (train // 2 % 2).tolist()


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float16, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_training_images_have_mean_0_and_deviation_1_whatever_the_type(
    save: Save, kind: type, channels: int | None
) -> None:
    content = arrays()
    images = content["images"].astype(kind)
    content["images"] = images if channels is None else np.stack([images] * channels, axis=-1)
    train = MultilabelImages(save(content)).data().train.inputs
    assert train.dtype == torch.float32
    assert train.shape == (36, channels or 1, 9, 12)
    assert torch.allclose(train.mean(dim=(0, 2, 3)), torch.zeros(1), atol=1e-4)
    assert torch.allclose(train.std(dim=(0, 2, 3), unbiased=False), torch.ones(1), atol=1e-4)


def test_channels_come_first_and_rows_stay_rows(save: Save) -> None:
    content = arrays()
    content["images"] = np.zeros((60, 9, 12, 2))
    content["images"][:, 4, 7, 1] = 1
    image = MultilabelImages(save(content)).data().train.inputs[0]
    assert image.shape == (2, 9, 12)
    assert image.argmax() == 1 * 9 * 12 + 4 * 12 + 7


def test_validation_and_test_images_do_not_move_the_scale(save: Save) -> None:
    content = arrays()
    before = MultilabelImages(save(content)).data()
    kept = split_stratified(np.arange(60) % 3, 0.2, 0.2, 0, "who").train
    content["images"][np.setdiff1d(np.arange(60), kept)] = 255
    after = MultilabelImages(save(content)).data()
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert not torch.equal(before.val.inputs, after.val.inputs)


@pytest.mark.parametrize(("n", "classes"), [(600, 3), (600, 20), (613, 7)])
def test_every_part_has_its_share_of_every_class(n: int, classes: int) -> None:
    label = np.random.default_rng(1).integers(0, classes, n)
    parts = split_stratified(label, 0.2, 0.1, 0, "who")
    assert sorted(np.concatenate(parts[:3]).tolist()) == list(range(n))
    assert (len(parts.val), len(parts.test)) == (round(0.2 * n), round(0.1 * n))
    for part, share in zip(parts[:3], (0.7, 0.2, 0.1), strict=True):
        counts = np.bincount(label[part], minlength=classes)
        assert np.abs(counts - share * np.bincount(label)).max() < 2


def test_a_class_of_one_image_is_trained_on() -> None:
    for seed in range(20):
        label = np.array([0] * 20 + [1])
        assert 20 in split_stratified(label, 0.3, 0.3, seed, "who").train


def test_the_split_repeats_and_its_seed_changes_it(save: Save) -> None:
    path = save(arrays())
    first, again, other = (MultilabelImages(path, split_seed=seed).data() for seed in (3, 3, 4))
    assert first.split == "random within each class of who (seed 3): 36 train, 12 validation, 12 test"
    assert torch.equal(first.val.inputs, again.val.inputs)
    assert not torch.equal(first.val.inputs, other.val.inputs)


def test_the_split_follows_the_label_that_is_named(save: Save) -> None:
    data = MultilabelImages(save(arrays()), stratify="mood", test_share=0).data()
    assert data.test is None
    assert data.val.targets[:, 1].sum() == 6
    assert "within each class of mood" in data.split


BAD_ARRAYS = {
    "no images": (changed(images=None), {}, r"has no array images \(it has mood, path, who, who_names\)"),
    "two axes": (changed(images=np.zeros((60, 9))), {}, r"has shape \(60, 9\), it needs \(images, height, width\)"),
    "no image": (changed(images=np.zeros((0, 9, 12))), {}, "none empty"),
    "text": (changed(images=np.full((60, 9, 12), "x")), {}, "it needs real numbers"),
    "NaN": (changed(images=np.full((60, 9, 12), np.nan)), {}, r"6480 values that are NaN or infinite \(first in image"),
    "objects": (changed(who=np.array([{}] * 60)), {}, "array who of .* not objects"),
    "no labels": (changed(who=None, mood=None), {}, "has no label for its 60 images .*: set objective.heads"),
    "unknown head": (arrays(), {"heads": ["who", "age"]}, r"no array age \(beside images it has mood, path, who"),
    "labels too short": (changed(mood=np.arange(59) % 2), {"heads": ["mood"]}, r"shape \(59,\), there are 60 images"),
    "float labels": (changed(mood=np.linspace(0, 1, 60)), {"heads": ["mood"]}, r"float64, .*mood\.astype\(int\)"),
    "dot in a name": ({**arrays(), "a.b": np.arange(60) % 2}, {}, r"label 'a\.b' of .* cannot name a head"),
    "one class only": (changed(mood=np.full(60, 7)), {}, "mood of .* has only the class 7: give images of at least"),
    "unknown stratum": (arrays(), {"stratify": "age"}, "stratify=age is not a label of .*: set it to one of who, mood"),
    "too few": ({key: value[:4] for key, value in arrays().items()}, {"val_share": 0.1}, "leave a part empty"),
    "too small": (changed(images=np.zeros((60, 7, 12))), {}, "images of 7 x 12 are too small for 3 halvings"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_one_clear_error(save: Save, case: str) -> None:
    content, options, message = BAD_ARRAYS[case]
    task = MultilabelImages(save(content), **options)
    with pytest.raises(DataError, match=message):
        task.model()


def test_one_class_to_train_on_is_refused(save: Save) -> None:
    rare = changed(who=None, mood=(np.arange(60) == 0).astype(int), lot=np.arange(60) % 20)
    trained = [0 in split_stratified(np.arange(60) % 20, 0.2, 0.2, seed, "lot").train for seed in range(10)]
    task = MultilabelImages(save(rare), split_seed=trained.index(False))
    with pytest.raises(DataError, match=r"all training images of .* are of the class 0 of mood: set objective\.split_"):
        task.data()


def cut(path: Path) -> None:
    np.savez(path, **arrays())
    path.write_bytes(path.read_bytes()[:-3000])


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "does not exist: set objective.path"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "empty": (lambda path: path.touch(), "is not a readable npz file"),
    "text": (lambda path: path.write_text("a,b\n"), "is not a readable npz file"),
    "one array": (lambda path: np.save(path.open("wb"), np.zeros(3)), "is not a readable npz file"),
    "cut": (cut, "is not a readable npz file"),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_bad_files_are_one_clear_error(tmp_path: Path, case: str) -> None:
    spoil, message = BAD_FILES[case]
    spoil(tmp_path / "images.npz")
    with pytest.raises(DataError, match=message):
        MultilabelImages(str(tmp_path / "images.npz")).data()


def test_no_path_is_one_clear_error() -> None:
    with pytest.raises(DataError, match=r"objective.path is not set: set it to an npz file"):
        MultilabelImages().data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": []}, "names none, or one twice"),
        ({"heads": ["a", "a"]}, "names none, or one twice"),
        ({"heads": ["a"], "stratify": "b"}, "objective.stratify=b is not one of"),
        ({"val_share": 0.5, "test_share": 0.5}, "do not leave a part to train on"),
        ({"model": {"width": 0}}, "objective.model.width=0 is below 1"),
        ({"model": {"dropout": 1.0}}, r"objective.model.dropout=1.0 is not in \[0, 1\)"),
        ({"model": {"kernel": 3}}, "objective.model.kernel is not an option"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    spec = {"_target_": "objectives.multilabel_images.MultilabelImages", "path": "none.npz"} | options
    with pytest.raises(ConfigError, match=message):
        build(spec, Objective, "objective")


@pytest.mark.parametrize("shape", [(9, 12), (16, 16), (15, 31, 3)])
@pytest.mark.parametrize("blocks", [1, 3])
def test_the_decoder_gives_images_of_the_size_that_the_encoder_takes(
    save: Save, shape: tuple[int, ...], blocks: int
) -> None:
    content = arrays()
    content["images"] = np.random.default_rng(0).random((60, *shape))
    spec = {"_target_": "objectives.multilabel_images.MultilabelImages", "path": save(content)}
    task = build(spec | {"model": {"blocks": blocks, "width": 2, "latent": 5}}, MultilabelImages, "objective")
    inputs = task.data().val.inputs
    encoder = task.encoder()
    assert encoder(inputs).shape == (12, 5)
    assert EncodedModel(encoder, task.decoder())(inputs).shape == inputs.shape


def test_the_network_has_the_parameters_of_its_description(save: Save) -> None:
    spec = {"_target_": "objectives.multilabel_images.MultilabelImages", "path": save(arrays())}
    task = build(spec | {"model": {"blocks": 2, "width": 4, "latent": 6}}, MultilabelImages, "objective")
    encoder = (1 * 4 * 9 + 8) + (4 * 8 * 9 + 16) + (8 * 2 * 3 * 6 + 6)
    assert sum(p.numel() for p in task.model().parameters()) == encoder + (6 * 3 + 3) + (6 * 2 + 2)


@pytest.mark.skipif(not FACES.exists(), reason="the CMU face images are not beside this checkout")
def test_real_faces_have_every_person_in_every_part() -> None:
    task = MultilabelImages(str(FACES), heads=["identity", "pose", "eyes"])
    data = task.data()
    assert data.test is not None
    assert (len(data.train), len(data.val), len(data.test)) == (374, 125, 125)
    assert [len(part.targets[:, 0].unique()) for part in (data.train, data.val, data.test)] == [20, 20, 20]
    assert [head.classifier()(torch.zeros(1, 128)).shape[1] for head in task.heads().values()] == [20, 4, 2]
