"""The template of an experiment says of any setup what ``recommended.yaml`` would."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from sweep import compose
from sweep.analysis.recommend import recommend
from sweep.analysis.setups import phase_epoch
from sweep.analysis.summary import summarise
from sweep.records import Dimension, StudyData
from sweep.report.front_view import front_view
from sweep.report.recommended import recommended_yaml, value_yaml
from sweep.report.sections import charts, draw
from sweep.report.yaml_template import EPOCH, template
from tests.factories import nasty, repeats, sixteen, study
from tests.paradigm_factories import three_paradigms


def _others(data: StudyData) -> list[tuple[str, str]]:
    """Of every point of the front: the filled template, and the text of a recommendation of that point."""
    primary = recommend(data).primary
    assert primary is not None
    found = []
    for point in summarise(data).front:
        params = point.setup.params
        made = template(data, tuple(params)).filled(params, phase_epoch(point.setup, point.epoch))
        found.append((made, recommended_yaml(data, replace(primary, point=point))))
    return found


@pytest.mark.parametrize("data", [sixteen(2), three_paradigms(2), nasty()], ids=["one paradigm", "three", "markup"])
def test_a_filled_template_is_the_text_of_that_setup(data: StudyData) -> None:
    pairs = _others(data)
    assert pairs
    assert all(made == expected for made, expected in pairs)


def test_a_value_that_is_a_list_means_the_same_on_one_line() -> None:
    params = {"widths": [64, 32], "name": "1e3", "path": "${oc.env:HOME}"}
    dimensions = [Dimension(name=name, key=f"trainer.{name}", values=[item]) for name, item in params.items()]
    data = study(repeats(params, [(0.5, 0.7)] * 2), dimensions=dimensions)
    for made, expected in _others(data):
        assert yaml.safe_load(made) == yaml.safe_load(expected)


@pytest.mark.parametrize(
    "value", [0.1, 1e-05, 64, True, None, "plain", "1e3", "a: b # c", "${x}", [1, "two"], {"a": 1}]
)
def test_a_value_reads_back_as_it_was(value: Any) -> None:
    read = yaml.safe_load(f"key: {value_yaml(value)}")["key"]
    assert read == (value.replace("${", r"\${") if isinstance(value, str) else value)


def test_the_page_holds_what_fills_it() -> None:
    summary = summarise(sixteen(2))
    data = front_view(summary, charts({"total": draw(summary)}).figures["total"]["front"])
    primary = summary.recommendations.primary
    assert primary is not None
    index, epoch = data["recommended"]
    setup, point = data["setups"][index], data["points"][index][epoch]
    values = {slot: item["yaml"][setup["values"][slot]] for slot, item in enumerate(data["dimensions"])}
    values[EPOCH] = str(point[5])
    pieces = data["templates"][setup["template"]]
    text = "".join(piece if isinstance(piece, str) else values[piece] for piece in pieces)
    assert text == recommended_yaml(summary.data, primary)


def test_it_composes_to_one_training_of_the_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compose.prepare()
    composed = compose.compose_config(["objective=custom", "objective._target_=a.B", "trainer.max_epochs=30"])
    data = sixteen(2)
    config = msgspec.to_builtins(asdict(composed.config))
    record = msgspec.structs.replace(data.study, config=config, dimensions=composed.dimensions)
    made = template(msgspec.structs.replace(data, study=record), ("batch_size", "lr", "paradigm"))
    folder = tmp_path / "conf" / "experiment"
    folder.mkdir(parents=True)
    text = made.filled({"batch_size": 1024, "lr": 1e-05, "paradigm": "baseline"}, 7)
    (folder / "recommended.yaml").write_text(text, encoding="utf-8")
    compose.prepare([tmp_path / "conf"])
    found = compose.compose_config(["+experiment=recommended"])
    assert {item.name: item.values for item in found.dimensions} == {
        "batch_size": [1024],
        "lr": [1e-05],
        "paradigm": ["baseline"],
    }
    assert found.config.trainer.max_epochs == 7
    assert found.config.trainer.lr == 1e-05
