"""Grids, plans and seeds."""

from collections import Counter

from sweep.config import SearchConfig, SweepConfig
from sweep.records import Dimension
from sweep.study import search_space as space

DIMS = [
    Dimension(name="batch_size", key="trainer.batch_size", values=[64, 256]),
    Dimension(name="lr", key="trainer.lr", low=0.1, high=0.3, step=0.1),
]


def test_grid_is_the_product_and_a_step_enumerates_a_range() -> None:
    setups = space.grid(DIMS)
    assert len(setups) == 6
    assert sorted({round(s["lr"], 9) for s in setups}) == [0.1, 0.2, 0.3]


def test_plan_is_randomised_complete_blocks() -> None:
    runs = space.planned_runs(DIMS, repeats=3, seed=1)
    for repeat in range(3):
        block = runs[repeat * 6 : (repeat + 1) * 6]
        assert {r for _, r in block} == {repeat}
        assert Counter(space.setup_key(p) for p, _ in block) == Counter(space.setup_key(p) for p in space.grid(DIMS))
    orders = [[space.setup_key(p) for p, _ in runs[i * 6 : i * 6 + 6]] for i in range(3)]
    assert orders[0] != orders[1] or orders[1] != orders[2]


def test_order_depends_on_the_seed_only() -> None:
    assert space.planned_runs(DIMS, 2, 5) == space.planned_runs(DIMS, 2, 5)
    assert space.planned_runs(DIMS, 2, 5) != space.planned_runs(DIMS, 2, 6)


def test_seed_of_a_run_ignores_the_order_of_params_and_changes_with_repeat() -> None:
    a = space.trial_seed(0, {"lr": 0.1, "batch_size": 64}, 0)
    assert a == space.trial_seed(0, {"batch_size": 64, "lr": 0.1}, 0)
    assert len({a, space.trial_seed(0, {"lr": 0.1, "batch_size": 64}, 1), space.trial_seed(1, {"lr": 0.1}, 0)}) == 3


def test_params_are_applied_to_their_keys() -> None:
    config = SweepConfig(objective={"_target_": "a.B", "model": {"width": 8}})
    dims = [*DIMS, Dimension(name="objective.model.width", key="objective.model.width", values=[16])]
    applied = space.apply(config, {"batch_size": 64, "lr": 0.5, "objective.model.width": 16}, dims)
    assert (applied.trainer.batch_size, applied.trainer.lr) == (64, 0.5)
    assert applied.objective["model"] == {"width": 16}
    assert config.objective["model"] == {"width": 8}


def test_n_trials_counts_repeats_and_caps_the_grid() -> None:
    assert space.total_trials(SearchConfig(), DIMS, repeats=2) == 12
    assert space.total_trials(SearchConfig(n_trials=5), DIMS, repeats=2) == 5
