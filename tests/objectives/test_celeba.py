"""CelebA: the lists and images as published, the cache, the split, two heads, and the faces drawn in their place."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from objectives import _celeba_files as files
from objectives import _celeba_synthetic as synthetic
from objectives.celeba import AttributeAccuracy, CelebA, attribute_loss
from sweep.errors import ConfigError, DataError
from sweep.objective import EncodedModel, Objective
from sweep.registry import build

Image = pytest.importorskip("PIL.Image")

PEOPLE = {7: 8, 3: 6, 12: 6, 99: 2}
"""Number of images by number of the person."""
NAMES = ["Bald", "Smiling", "Young"]


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, and no timm."""
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(sys.modules, "timm", None)
    return tmp_path / "data"


def people() -> list[int]:
    """Who is on each image; nobody's images are next to each other."""
    left, order = dict(PEOPLE), []
    while any(left.values()):
        for person, count in left.items():
            if count:
                left[person] -= 1
                order.append(person)
    return order


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A data set in the published format; image number k is a grey of 10 k in its middle square, white elsewhere."""
    folder = tmp_path / "own"
    (folder / files.IMAGES).mkdir(parents=True)
    who = people()
    names = [f"{number + 1:06d}.png" for number in range(len(who))]
    for number, name in enumerate(names):
        image = Image.new("RGB", (178, 218), (255, 255, 255))
        image.paste((10 * number,) * 3, (0, 20, 178, 198))
        image.save(folder / files.IMAGES / name)
    values = [[1 if (number >> bit) & 1 else -1 for bit in range(3)] for number in range(len(who))]
    rows = [f"{name}  {' '.join(f'{value:2d}' for value in row)}" for name, row in zip(names, values, strict=True)]
    (folder / files.ATTRIBUTES).write_text("\n".join([str(len(who)), " ".join(NAMES) + " ", *rows]) + "\n")
    (folder / files.IDENTITIES).write_text("".join(f"{n} {p}\n" for n, p in zip(names, who, strict=True)))
    parts = [{7: 0, 3: 0, 12: 1, 99: 2}[person] for person in who]
    (folder / files.PARTITION).write_text("".join(f"{n} {p}\n" for n, p in zip(names, parts, strict=True)))
    return folder


def numbers(inputs: torch.Tensor) -> list[int]:
    """The numbers of images, from their grey."""
    return [round(float(value) / 10) for value in inputs[:, 0].float().mean(dim=(1, 2))]


def test_the_images_of_the_most_frequent_people_are_kept(dataset: Path) -> None:
    faces = files.read_faces(dataset, 2)  # 3 and 12 are equally frequent: the smaller number is taken
    assert faces.identity.tolist() == [person for person in people() if person in (7, 3)]
    assert faces.names == NAMES
    at = [number for number, person in enumerate(people()) if person in (7, 3)]
    assert faces.files == [f"{number + 1:06d}.png" for number in at]
    assert faces.attributes.tolist() == [[(number >> bit) & 1 for bit in range(3)] for number in at]


def test_all_three_trainings_see_the_same_images_with_their_own_labels(dataset: Path) -> None:
    task = CelebA(path=str(dataset), identities=3, size=16)
    data, heads = task.data(), task.heads()
    assert data.test is not None
    assert data.train.inputs.dtype == torch.uint8
    seen = torch.cat([part.inputs for part in (data.train, data.val, data.test)])
    assert sorted(numbers(seen)) == [number for number, person in enumerate(people()) if person != 99]
    rank = {3: 0, 7: 1, 12: 2}
    for part in (data.train, data.val):
        shown = numbers(part.inputs)
        bits = [[(number >> bit) & 1 for bit in range(3)] for number in shown]
        assert heads["attributes"].of(part.targets).tolist() == bits
        assert heads["identity"].of(part.targets).tolist() == [rank[people()[number]] for number in shown]


def test_people_stand_in_all_parts(dataset: Path) -> None:
    data = CelebA(path=str(dataset), identities=3, size=16, val_share=0.2, test_share=0.2).data()
    assert data.test is not None
    assert [len(part.targets[:, -1].unique()) for part in (data.train, data.val, data.test)] == [3, 3, 3]
    assert data.split == "random within each class of identity (seed 0): 12 train, 4 validation, 4 test"


def test_the_official_split_leaves_attributes_only(dataset: Path) -> None:
    task = CelebA(path=str(dataset), identities=None, size=16, split="official")
    data = task.data()
    assert data.test is not None
    assert (len(data.train), len(data.val), len(data.test)) == (14, 6, 2)
    assert list(task.heads()) == ["attributes"]
    assert {people()[number] for number in numbers(data.val.inputs)} == {12}


def test_a_subfolder_layout_is_read_as_well(dataset: Path) -> None:
    for name, place in ((files.ATTRIBUTES, "Anno"), (files.PARTITION, "Eval"), (files.IMAGES, "Img")):
        (dataset / place).mkdir()
        (dataset / name).rename(dataset / place / name)
    assert len(CelebA(path=str(dataset), identities=3, size=16).data().train) == 14


def test_the_middle_square_is_kept_and_scaled(tmp_path: Path) -> None:
    (tmp_path / files.IMAGES).mkdir()
    pixels = np.zeros((218, 178, 3), dtype=np.uint8)
    pixels[20:109, :89] = (255, 0, 0)  # the upper left quarter of the middle square
    Image.fromarray(pixels).save(tmp_path / files.IMAGES / "a.png")
    (image,) = files.load_images(tmp_path, ["a.png"], 16, tmp_path / "cache")
    assert image.shape == (3, 16, 16)
    assert np.all(image[0, :7, :7] == 255)  # nothing of what lies beyond the square
    assert np.all(image[0, 9:] == 0)
    assert np.all(image[0, :, 9:] == 0)
    assert image[1:].max() == 0


def test_grey_images_become_rgb(tmp_path: Path) -> None:
    (tmp_path / files.IMAGES).mkdir()
    Image.new("L", (178, 218), 77).save(tmp_path / files.IMAGES / "a.jpg")
    images = files.load_images(tmp_path, ["a.jpg"], 16, tmp_path / "cache")
    assert images.shape == (1, 3, 16, 16)
    assert np.all(images == 77)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what was decoded."""
    calls: list[int] = []
    original = files._decoded

    def count(paths: Any, size: int) -> Iterator[Any]:
        calls.append(size)
        return original(paths, size)

    monkeypatch.setattr(files, "_decoded", count)
    return calls


def test_images_are_decoded_once_until_a_file_or_an_option_changes(
    dataset: Path, data_home: Path, decoded: list[int]
) -> None:
    first = CelebA(path=str(dataset), identities=3, size=16).data()
    again = CelebA(path=str(dataset), identities=3, size=16).data()
    assert decoded == [16]
    assert first.info() == again.info()
    CelebA(path=str(dataset), identities=3, size=20).data()
    CelebA(path=str(dataset), identities=2, size=16).data()
    assert decoded == [16, 20, 16]
    Image.new("RGB", (178, 218), (1, 2, 3)).save(dataset / files.IMAGES / "000001.png")
    assert CelebA(path=str(dataset), identities=3, size=16).data().info() != first.info()
    assert sorted(path.suffix for path in (data_home / "cache").iterdir()) == [".npy"] * 4


def test_a_damaged_cache_is_made_anew(dataset: Path, data_home: Path, decoded: list[int]) -> None:
    first = CelebA(path=str(dataset), identities=3, size=16).data()
    (cached,) = (data_home / "cache").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert CelebA(path=str(dataset), identities=3, size=16).data().info() == first.info()
    assert len(decoded) == 2


def test_a_cache_that_cannot_be_written_is_said_and_not_fatal(
    dataset: Path, data_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data_home.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert len(CelebA(path=str(dataset), identities=3, size=16).data().train) == 14
    assert "the decoded images cannot be kept in" in caplog.text


def edit(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).write_text(change((folder / name).read_text()))

    return spoil


def test_a_full_disk_is_said_and_not_fatal(
    dataset: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    assert len(CelebA(path=str(dataset), identities=3, size=16).data().train) == 14
    assert "No space left on device): they are decoded anew" in caplog.text
    assert list((data_home / "cache").iterdir()) == []


def cut_image(folder: Path) -> None:
    path = folder / files.IMAGES / "000003.png"
    path.write_bytes(path.read_bytes()[:200])


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no attributes": (lambda folder: (folder / files.ATTRIBUTES).unlink(), f"{files.ATTRIBUTES} is not in .*own"),
    "no identities": (lambda folder: (folder / files.IDENTITIES).unlink(), f"{files.IDENTITIES} is not in .*own"),
    "no images": (
        lambda folder: (folder / files.IMAGES).rename(folder / "x"),
        f"the folder {files.IMAGES} is not in .*own",
    ),
    "an image is missing": (
        lambda folder: (folder / files.IMAGES / "000003.png").unlink(),
        "000003.png cannot be read",
    ),
    "an image is cut": (cut_image, "000003.png is not a readable image"),
    "text for an image": (
        lambda folder: (folder / files.IMAGES / "000003.png").write_text("login page"),
        "000003.png is not a readable image",
    ),
    "empty list": (edit(files.ATTRIBUTES, lambda text: ""), "is not a list of attributes"),
    "cut list": (edit(files.ATTRIBUTES, lambda text: text[: text.rindex("000021")]), "has 20 rows of 3 values, .* 22"),
    "cut row": (edit(files.ATTRIBUTES, lambda text: text[:-4]), "has values other than -1 and 1"),
    "longer row": (edit(files.ATTRIBUTES, lambda text: text[:-1] + " 1\n"), "is not a list of attributes"),
    "one name less": (edit(files.ATTRIBUTES, lambda text: text.replace("Young ", "")), "and names 2 attributes"),
    "zeros": (edit(files.ATTRIBUTES, lambda text: text.replace("-1", " 0")), "has values other than -1 and 1"),
    "words": (edit(files.ATTRIBUTES, lambda text: text.replace("-1", "no")), "has values other than -1 and 1"),
    "an image twice": (
        edit(files.ATTRIBUTES, lambda text: text.replace("000002.", "000001.")),
        "lists 000001.png twice",
    ),
    "identities short": (
        edit(files.IDENTITIES, lambda text: text[: text.rindex("000022")]),
        "lacks 1 images of list_attr_celeba.txt, first 000022.png",
    ),
    "identities not numbers": (
        edit(files.IDENTITIES, lambda text: text.replace(" 7", " x")),
        "not a list of images and",
    ),
    "identities with three columns": (edit(files.IDENTITIES, lambda text: text.replace("\n", " 1\n")), "has 3 columns"),
    "unknown part": (edit(files.PARTITION, lambda text: text.replace(" 2", " 3")), "values other than 0, 1 and 2"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_malformed_data_set_is_one_clear_error(dataset: Path, case: str) -> None:
    spoil, message = BAD_FILES[case]
    spoil(dataset)
    with pytest.raises(DataError, match=message):
        CelebA(path=str(dataset), identities=3, size=16).data()


def test_nothing_is_left_in_the_cache_by_images_that_cannot_be_read(dataset: Path, data_home: Path) -> None:
    cut_image(dataset)
    with pytest.raises(DataError):
        CelebA(path=str(dataset), identities=3, size=16).data()
    assert list((data_home / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"identities": 5}, "objective.identities=5, but .* has 4 people: set it to so many or less"),
        ({"identities": 2, "split": "official"}, "the official split leaves 14 images to train on and 0 to validate"),
    ],
)
def test_choices_that_do_not_fit_the_data_are_refused(dataset: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        CelebA(path=str(dataset), size=16, **options).data()


def test_the_official_split_needs_its_list(dataset: Path) -> None:
    (dataset / files.PARTITION).unlink()
    with pytest.raises(DataError, match=r"objective\.split=official needs list_eval_partition"):
        CelebA(path=str(dataset), identities=None, size=16, split="official").data()


def test_without_pillow_the_next_step_is_said(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"Pillow, which decodes .*: pip install \"sweep-energy\[images\]\""):
        CelebA(path=str(dataset), identities=3, size=16).data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "synthetic", "path": "x"}, "objective.path=x has no use"),
        ({"size": 15}, "objective.size=15 is below 16"),
        ({"identities": 1}, "objective.identities=1 is below 2"),
        ({"weights": "imagenet", "width": 16}, "objective.width=16 has no ImageNet weights: set it to 64"),
        ({"test_share": 0.9}, "do not leave a part to train on"),
        ({"weights": "vggface"}, "objective.weights='vggface' does not fit"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({"_target_": "objectives.celeba.CelebA"} | options, Objective, "objective")


def test_local_data_that_are_not_there_are_refused_and_auto_draws_faces() -> None:
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt is not in .*celeba"):
        CelebA(source="local").data()
    data = CelebA(identities=2, size=16, width=2).data()
    assert data.source == "synthetic"
    assert data.notice == "The data are synthetic: drawn faces, they say nothing about people."
    assert data.mend is not None
    assert data.mend.startswith("put img_align_celeba and the lists")


def test_drawn_faces_have_no_official_split() -> None:
    with pytest.raises(DataError, match="drawn faces have no official split"):
        CelebA(source="synthetic", split="official").data()


def test_drawn_faces_repeat_with_their_seed_and_differ_with_another() -> None:
    images, attributes, identity = synthetic.draw_faces(3, 24, 0)
    assert images.shape == (3 * synthetic.PER_PERSON, 3, 24, 24)
    assert attributes.shape == (len(images), len(synthetic.NAMES))
    assert np.bincount(identity).tolist() == [synthetic.PER_PERSON] * 3
    assert np.array_equal(images, synthetic.draw_faces(3, 24, 0)[0])
    assert not np.array_equal(images, synthetic.draw_faces(3, 24, 1)[0])


def test_every_attribute_of_drawn_faces_occurs_and_is_missing() -> None:
    shares = synthetic.draw_faces(40, 16, 0)[1].mean(axis=0)
    assert shares.min() > 0.05
    assert shares.max() < 0.8


def test_random_weights_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    data = CelebA(source="synthetic", identities=2, size=16).data()
    assert data.description.endswith("encoder ResNet18 with random weights")
    assert data.notice is not None
    assert "begins with random weights, not ImageNet's: timm does not import (ModuleNotFoundError" in data.notice
    quiet = CelebA(source="synthetic", identities=2, size=16, weights="random").data()
    assert quiet.notice == "The data are synthetic: drawn faces, they say nothing about people."
    with pytest.raises(ConfigError, match="timm does not import"):
        CelebA(source="synthetic", identities=2, size=16, weights="imagenet").data()


def test_imagenet_weights_are_said_and_in_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def weights() -> tuple[dict[str, torch.Tensor], str]:
        from objectives._resnet import ResNet18

        calls.append(1)
        state = ResNet18().state_dict()
        return {name: torch.full_like(value, 3) for name, value in state.items()}, "ImageNet weights of timm 9"

    monkeypatch.setattr("objectives.celeba.imagenet_weights", weights)
    task = CelebA(source="synthetic", identities=2, size=16)
    assert task.data().description.endswith("encoder ResNet18 with ImageNet weights of timm 9")
    for encoder in (task.encoder(), task.encoder()):
        assert all(torch.all(parameter == 3) for parameter in encoder.parameters())
    assert len(calls) == 1


def test_heads_on_the_encoder_give_attributes_and_people() -> None:
    task = CelebA(source="synthetic", identities=3, size=32, width=2)
    inputs = task.data().val.inputs
    outputs = task.model()(inputs)
    assert {name: tuple(out.shape) for name, out in outputs.items()} == {
        "attributes": (len(inputs), len(synthetic.NAMES)),
        "identity": (len(inputs), 3),
    }
    assert task.loss(outputs, task.data().val.targets).ndim == 0
    metric = task.metric()
    metric.update(outputs, task.data().val.targets)
    assert 0 <= float(metric.compute()) <= 1


@pytest.mark.parametrize("size", [16, 33, 64])
def test_the_decoder_gives_images_that_can_be_compared(size: int) -> None:
    task = CelebA(source="synthetic", identities=2, size=size, width=2)
    inputs = task.data().val.inputs
    encoder = task.encoder()
    output = EncodedModel(encoder, task.decoder())(inputs)
    assert output.shape == inputs.shape
    assert task.reconstruction_loss(encoder.pixels(inputs), inputs) == 0  # type: ignore[operator]
    assert task.reconstruction_loss(output, inputs) > 0


def test_attribute_accuracy_counts_every_attribute_of_every_image() -> None:
    metric = AttributeAccuracy()
    metric.update(torch.tensor([[2.0, -1.0], [-0.5, 0.5]]), torch.tensor([[1, 0], [1, 1]]))
    metric.update(torch.tensor([[-3.0, -3.0]]), torch.tensor([[1, 1]]))
    assert float(metric.compute()) == pytest.approx(3 / 6)


def test_attribute_loss_is_the_mean_cross_entropy_of_yes_and_no() -> None:
    loss = attribute_loss(torch.tensor([[0.0, np.log(3.0)]]), torch.tensor([[1, 0]]))
    assert float(loss) == pytest.approx((np.log(2) + np.log(4)) / 2)


@pytest.mark.slow
def test_drawn_faces_are_learnt_better_than_by_guessing_but_not_at_once() -> None:
    torch.manual_seed(0)
    task = CelebA(source="synthetic", size=32, width=16)
    data, net = task.data(), task.model()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(8):
        for batch in torch.randperm(len(data.train)).split(64):
            optimizer.zero_grad()
            task.loss(net(data.train.inputs[batch]), data.train.targets[batch]).backward()
            optimizer.step()
    metric = task.metric()
    with torch.no_grad():
        metric.update(net.eval()(data.val.inputs), data.val.targets)
    quality = metric.parts()  # type: ignore[attr-defined]
    yes = data.val.targets[:, :-1].float().mean(dim=0)
    guessed = float(torch.maximum(yes, 1 - yes).mean())
    assert quality["attributes"] > guessed + 0.04
    assert 0.2 < quality["identity"] < 0.98
