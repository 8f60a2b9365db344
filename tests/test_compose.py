"""What a command line becomes, and the words in which a wrong one is refused."""

from pathlib import Path

import pytest

from sweep import compose
from sweep.errors import ConfigError

TASK = ["objective=custom", "objective._target_=a.B"]


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compose.prepare()


def dims(*overrides: str) -> dict[str, object]:
    composed = compose.compose_config([*TASK, *overrides])
    return {d.name: d.values or (d.low, d.high, d.log, d.step) for d in composed.dimensions}


def test_default_space_is_the_papers_sixteen_setups() -> None:
    assert dims() == {
        "batch_size": [64, 256, 1024, 4096],
        "lr": [0.1, 0.01, 0.001, 0.0001],
        "paradigm": ["baseline"],
    }


def test_a_dimension_is_narrowed_with_a_plain_override() -> None:
    assert dims("search.space.batch_size=[64,256]")["batch_size"] == [64, 256]


@pytest.mark.parametrize(
    ("override", "name", "expected"),
    [
        ("++search.vary.trainer.weight_decay=[0,0.1]", "trainer.weight_decay", [0, 0.1]),
        ("++search.vary.weight_decay=[0,0.1]", "weight_decay", [0, 0.1]),
        ("++search.vary.objective.model.width=[16,32]", "objective.model.width", [16, 32]),
        ("++search.vary.batch_size={low:16,high:512,step:16}", "batch_size", (16, 512, False, 16)),
        ("++search.vary.trainer.lr=[0.5]", "lr", [0.5]),
    ],
)
def test_vary_makes_any_key_a_dimension_and_replaces_whole_entries(override: str, name: str, expected: object) -> None:
    assert dims(override)[name] == expected


def test_a_log_range_needs_a_sampler_that_can_draw_from_it() -> None:
    found = dims("++search.vary.lr={low:0.0001,high:0.1,log:true}", "search.sampler=tpe", "search.n_trials=4")
    assert found["lr"] == (0.0001, 0.1, True, None)


@pytest.mark.parametrize("override", ["search.space.lr=null", "++search.vary.lr=null", "++search.vary.trainer.lr=null"])
def test_null_takes_a_dimension_out(override: str) -> None:
    assert "lr" not in dims(override, "trainer.lr=0.5")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["trainer.lrr=1"], r"trainer\.lrr is not an option: did you mean trainer\.lr\?"),
        (["+trainer.lrr=1"], r"trainer\.lrr is not an option: did you mean trainer\.lr\?"),
        (["++trainer.lrr=1"], r"trainer\.lrr is not an option"),
        (["nonsense=1"], r"nonsense is not an option"),
        (["+nonsense=1"], r"nonsense is not an option"),
        (["trainer.lr=abc"], r"trainer\.lr=abc does not fit"),
        (["trainer.patience=0"], r"trainer\.patience=0 is below 1"),
        (["trainer.lr=0.1"], r"which the search varies over .*search\.vary\.lr=\[0\.1\].*search\.vary\.lr=null"),
        (["trainer.batch_size=64"], r"which the search varies over"),
        (["search.space.lr=0.1"], r"neither a list nor a range"),
        (["search.space.lr=[]"], r"empty list"),
        (["search.space.lr=[0.1,0.1]"], r"holds a value twice"),
        (["search.space.lr=[fast]"], r"trainer\.lr='fast' does not fit"),
        (["search.space.batch_size=[-4]"], r"trainer\.batch_size=-4 is below 1"),
        (["search.space.batch_size={low:1,high:2}"], r"write \+\+search\.vary\.batch_size="),
        (["search.vary.lr=[1]"], r"write \+\+search\.vary\.lr="),
        (["++search.vary.lr={low:0.1}"], r"high=None is not a number"),
        (["++search.vary.lr={low:1,high:0.1}"], r"make low the smaller one"),
        (["++search.vary.lr={low:0,high:1,log:true}"], r"log range low > 0"),
        (["++search.vary.lr={low:0.1,high:1}"], r"grid cannot enumerate"),
        (["++search.vary.lr={low:0.1,high:1,steps:3}"], r"steps is not part of a range: did you mean step\?"),
        (["++search.vary.trainer.weight_deca=[1]"], r"did you mean weight_decay"),
        (["++search.vary.meter.x=[1,2]"], r"cannot be a dimension"),
        (["search.space.paradigm=[none_such]"], r"paradigm=none_such is not composed"),
        (["search.sampler=tpe"], r"set search\.n_trials"),
        (["search.sampler=annealing"], r"expected one of \[grid, random, tpe, nsga2, qmc\]"),
        (["search.space.lr=[0.1,inf]"], r"search\.space\.lr holds inf: use finite numbers"),
        (["search.space.lr=[nan]"], r"search\.space\.lr holds nan: use finite numbers"),
        (["++search.vary.lr={low:0.1,high:inf}"], r"high=inf is not a number"),
        (["search.space.lr=null", "trainer.lr=inf"], r"trainer\.lr=inf is not in \(0, inf\)"),
        (["trainer.min_delta=inf"], r"trainer\.min_delta=inf is not finite"),
        (["search.n_trials=0"], r"search\.n_trials=0 is below 1"),
        (["study.repeats=0"], r"study\.repeats=0 is below 1"),
        (["layers.every=0"], r"layers\.every=0 is below 1"),
        (["layers.calibration_s=0"], r"layers\.calibration_s=0(\.0)? is not in \(0, inf\)"),
        (["layers.mode=all"], r"expected one of \[off, sampled, calibrated\]"),
        (["meter=none_such"], r"there is no meter none_such"),
        (["report.confidence=2"], r"not in \[0\.5, 1\)"),
        (["report.budget_j=0"], r"report\.budget_j=0\.0 is no positive number: set report\.budget_j above 0"),
        (["report.trainings_per_year=inf"], r"report\.trainings_per_year=inf is no positive number"),
        (["experiment=windows"], r"write \+experiment=windows"),
        (["+experiment=windws"], r"did you mean \+experiment=windows\?"),
        (["x y"], r"x y cannot be composed: write key=value"),
        (["study.name=Müller"], r"""or quote its value: 'study.name="Müller"'"""),
        (["study.dir=~/x"], r"""or quote its value: 'study.dir="~/x"'"""),
        (["search.space.lr=[0.1"], r"check its brackets"),
        (["++search.vary.wait_policy=[active,passive]"], r"cannot be a dimension: a process reads it once"),
    ],
)
def test_a_wrong_command_line_is_refused_with_the_next_step(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        compose.compose_config([*TASK, *overrides])


def test_without_an_experiment_the_names_are_listed() -> None:
    with pytest.raises(ConfigError, match=r"add \+experiment=<name>, one of: .*windows"):
        compose.compose_config([])


def test_a_users_conf_folder_is_searched(tmp_path: Path) -> None:
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(
        "# @package _global_\n# Mine.\ndefaults:\n  - override /objective: custom\nobjective: {_target_: a.B}\n"
        "search: {space: {lr: [0.3]}}\n"
    )
    compose.prepare()
    composed = compose.compose_config(["+experiment=mine"])
    assert composed.label == "mine"
    assert composed.config.search.space["lr"] == [0.3]
    assert compose.options("experiment")["mine"] == "Mine."


def test_a_users_primary_config_name_does_not_replace_ours(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "config.yaml").write_text("anything: goes\n")
    compose.prepare()
    assert compose.compose_config(TASK).config.trainer.max_epochs == 100


def test_a_file_in_two_folders_is_refused_with_both_paths(tmp_path: Path) -> None:
    (tmp_path / "conf" / "trainer").mkdir(parents=True)
    mine = tmp_path / "conf" / "trainer" / "default.yaml"
    mine.write_text("lr: 1\n")
    with pytest.raises(ConfigError, match=f"{mine} and .*have the same name"):
        compose.prepare()


def test_an_identical_copy_of_the_shipped_configs_is_fine(tmp_path: Path) -> None:
    (tmp_path / "conf" / "trainer").mkdir(parents=True)
    shipped = compose.conf_dir() / "trainer" / "default.yaml"
    (tmp_path / "conf" / "trainer" / "default.yaml").write_bytes(shipped.read_bytes())
    compose.prepare()


def test_a_missing_config_dir_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        compose.prepare([tmp_path / "none"])


def test_every_shipped_option_has_a_sentence_for_the_help() -> None:
    assert all(text for group in compose.GROUPS for text in compose.options(group).values())


def test_a_multirun_is_the_product_of_what_its_overrides_list() -> None:
    assert compose.jobs(["a=1,2", "+b=x", "~c", "d=range(1,3)"]) == [
        ["a=1", "+b=x", "~c", "d=1"],
        ["a=1", "+b=x", "~c", "d=2"],
        ["a=2", "+b=x", "~c", "d=1"],
        ["a=2", "+b=x", "~c", "d=2"],
    ]
    assert compose.jobs(["a=1,2", "b=glob(*)"]) == []
