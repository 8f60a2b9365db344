"""The change of the config as words that Hydra reads back."""

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from sweep import compose
from sweep.analysis.changes import change_to, command, spelled, typed
from sweep.analysis.recommend import recommend
from sweep.records import Dimension, StudyData
from tests.factories import sixteen, study, trial
from tests.paradigm_factories import pretrained, run


def _change(data: StudyData) -> dict[str, Any]:
    primary = recommend(data).primary
    assert primary is not None
    return primary.change


def _with_config(data: StudyData, **sections: dict[str, Any]) -> StudyData:
    config = {**data.study.config, **{name: data.study.config[name] | more for name, more in sections.items()}}
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, config=config))


def test_the_recommended_values_and_epochs_stand_at_their_keys() -> None:
    data = sixteen(3)
    primary = recommend(data).primary
    assert primary is not None
    assert primary.change == {
        "search.space.batch_size": [1024],
        "search.space.lr": [0.01],
        "trainer.max_epochs": primary.point.epoch,
    }


def test_a_range_and_what_was_varied_are_replaced_under_vary() -> None:
    dimensions = [
        Dimension(name="lr", key="trainer.lr", low=1e-4, high=0.1, log=True),
        Dimension(name="trainer.decay", key="trainer.decay", values=[0.0, 0.1]),
        Dimension(name="width", key="objective.model.width", values=[8, 16]),
    ]
    data = study([trial(params={"lr": 0.003, "trainer.decay": 0.1, "width": 16})], dimensions=dimensions)
    data = _with_config(data, search={"vary": {"trainer": {"decay": [0.0, 0.1]}}})
    assert _change(data) == {
        "++search.vary.lr": [0.003],
        "++search.vary.trainer.decay": [0.1],
        "search.space.width": [16],
        "trainer.max_epochs": 3,
    }


def test_where_epochs_are_a_dimension_its_value_is_changed() -> None:
    dimension = Dimension(name="max_epochs", key="trainer.max_epochs", values=[3, 9])
    data = study([trial(params={"max_epochs": 9}, qualities=(0.5, 0.9, 0.9))], dimensions=[dimension])
    assert _change(data) == {"search.space.max_epochs": [2]}


def test_a_pretraining_is_not_cut_short_with_the_rest() -> None:
    data = study([pretrained(run(0, "pretrain_frozen", 40.0), 10.0)])
    paradigm = {"pretrain_frozen": {"_target_": "sweep.paradigms.pretraining.Pretraining", "max_epochs": None}}
    change = _change(_with_config(data, paradigms=paradigm))
    assert change["paradigms.pretrain_frozen.max_epochs"] == 60
    assert change["trainer.max_epochs"] == 4  # of its own phase, not counting those of the pretraining


@pytest.mark.parametrize(
    "item",
    [
        1,
        0.1,
        1e-05,
        1e20,
        True,
        None,
        "baseline",
        "singletask.identity",
        "it's",
        "a b",
        "",
        "null",
        "1e-5",
        "ü\\'",
        "\\",
        [64, 256],
        {"amortised": {"reuses": 4}},
        "a,b=c",
        "reports/my study",
    ],
)
def test_hydra_reads_back_what_is_spelled(item: object) -> None:
    read = OverridesParser.create().parse_override(f"key={spelled(item)}").value()
    assert (read if not isinstance(read, str) else str(read)) == item
    assert isinstance(read, type(item)) or isinstance(item, str)


def test_a_study_of_its_own_where_the_space_changes_and_the_same_one_where_it_does_not() -> None:
    data = _with_config(sixteen(1), search={"n_trials": 16})
    assert typed(data, {"search.space.lr": [0.1]}) == (
        "search.space.lr=[0.1]",
        "study.name='sixteen setups-recommended'",
        "search.n_trials=null",
    )
    assert typed(data, {"study.repeats": 3}) == ("study.repeats=3",)
    assert typed(data, {"meter": "rapl"}) == ("meter=rapl", "study.name='sixteen setups-measured'")
    assert typed(data, {}) == ()


def test_the_command_is_quoted_for_a_shell() -> None:
    data = sixteen(1)
    assert command(data, ["study.name='a b'"]) == f"{data.study.command} 'study.name='\"'\"'a b'\"'\"''"


def test_what_is_typed_composes_to_the_recommended_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compose.prepare()
    data = sixteen(3)
    before = ["objective=custom", "objective._target_=a.B", "search.space.lr=[0.1,0.01]"]
    composed = compose.compose_config([*before, *typed(data, _change(data))])
    assert {d.name: d.values for d in composed.dimensions} == {
        "batch_size": [1024],
        "lr": [0.01],
        "paradigm": ["baseline"],
    }
    assert composed.config.trainer.max_epochs == 17


def test_nothing_is_changed_for_a_point_but_what_varies() -> None:
    data = study([trial(params={"lr": 0.1}), trial(1, params={"lr": 0.01})])
    point = recommend(data).best
    assert point is not None
    assert change_to(data, point) == {"search.space.lr": [0.1], "trainer.max_epochs": 3}


def _with_command(data: StudyData, words: str) -> StudyData:
    line = f"python -m sweep objective=custom objective._target_=a.B {words}"
    return msgspec.structs.replace(data, study=msgspec.structs.replace(data.study, command=line))


def test_the_command_of_a_sampler_with_ranges_composes_to_one_setup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compose.prepare()
    dimensions = [Dimension(name="lr", key="trainer.lr", low=1e-4, high=0.1, log=True)]
    data = study([trial(params={"lr": 0.003}), trial(1, params={"lr": 0.004}, qualities=(0.2,))], dimensions=dimensions)
    data = _with_config(data, search={"sampler": "tpe", "n_trials": 2, "vary": {"lr": {"low": 1e-4, "high": 0.1}}})
    spoken = "'++search.vary.lr={low:0.0001,high:0.1,log:true}' search.sampler=tpe search.n_trials=2 study.dir=here"
    data = _with_command(data, spoken)
    line = command(data, typed(data, _change(data)))
    composed = compose.compose_config(shlex.split(line)[3:])
    assert {d.name: d.values for d in composed.dimensions}["lr"] == [0.003]
    assert (composed.config.search.sampler, composed.config.search.n_trials) == ("grid", None)
    assert composed.config.study.dir is None  # the folder of the study holds another space


def test_a_command_that_goes_on_with_the_study_keeps_its_folder() -> None:
    data = _with_command(sixteen(1), "study.dir=here")
    assert command(data, ["study.repeats=3"]).endswith("study.dir=here study.repeats=3")


def test_each_recommendation_has_a_study_of_its_own() -> None:
    data = sixteen(3)
    items = [item for item in recommend(data).items if item.change]
    names = {item.called for item in items}
    assert len(items) > 1
    assert len(names) == len(items)
    assert typed(data, items[0].change, items[0].called)[-1] == "study.name='sixteen setups-recommended'"
