"""What runs next, from records alone."""

from dataclasses import replace

import msgspec

from sweep.config import Redo, Sampler, SearchConfig, StudyConfig, SweepConfig
from sweep.records import Dimension, LoadCheck, StopReason
from sweep.study.plan import free_repeat, next_run, run_key
from tests.factories import trial

DIMS = [Dimension(name="lr", key="trainer.lr", values=[0.1, 0.01])]


def config(sampler: Sampler = Sampler.grid, n_trials: int | None = None, repeats: int = 2) -> SweepConfig:
    return SweepConfig(search=SearchConfig(sampler=sampler, n_trials=n_trials), study=StudyConfig(repeats=repeats))


def finish(cfg: SweepConfig, limit: int = 20) -> list[tuple[str, int]]:
    records, order = [], []
    while (run := next_run(cfg, DIMS, records)) is not None and len(order) < limit:
        params = run.params if run.params is not None else {"lr": 0.1 * (1 + len(order))}
        records.append(trial(len(records), params, repeat=run.repeat))
        order.append(run_key(params, run.repeat))
    return order


def test_a_grid_runs_every_setup_and_repeat_once() -> None:
    order = finish(config())
    assert len(order) == len(set(order)) == 4


def test_other_samplers_finish_the_repeats_of_a_setup_before_they_are_asked_again() -> None:
    order = finish(config(Sampler.tpe, n_trials=4))
    assert [repeat for _, repeat in order] == [0, 1, 0, 1]
    assert order[0][0] == order[1][0] != order[2][0] == order[3][0]


def test_diverged_runs_are_settled_and_broken_off_ones_are_not() -> None:
    cfg = config(repeats=1)
    first = next_run(cfg, DIMS, [])
    assert first is not None
    assert first.params is not None
    for reason, again in (
        (StopReason.DIVERGED, False),
        (StopReason.INTERRUPTED, True),
        (StopReason.KILLED, True),
        (StopReason.CRASHED, True),
    ):
        following = next_run(cfg, DIMS, [trial(0, first.params, stop_reason=reason)])
        assert (following == first) is again, reason


def test_a_run_that_crashed_in_this_session_is_given_up() -> None:
    cfg = config(repeats=1)
    first = next_run(cfg, DIMS, [])
    assert first is not None
    assert first.params is not None
    assert next_run(cfg, DIMS, [], {run_key(first.params, 0)}) not in (first, None)


def test_a_setup_chosen_again_gets_a_repeat_of_its_own() -> None:
    records = [trial(0, {"lr": 0.1}, repeat=0), trial(1, {"lr": 0.1}, repeat=1)]
    assert free_repeat({"lr": 0.1}, records) == 2
    assert free_repeat({"lr": 0.2}, records) == 0


def test_contaminated_runs_are_taken_again_on_request_and_once_a_session() -> None:
    asked = replace(config(repeats=1), study=StudyConfig(repeats=1, redo=Redo.contaminated))
    first = next_run(asked, DIMS, [])
    assert first is not None
    assert first.params is not None
    disturbed = msgspec.structs.replace(trial(0, first.params), load=LoadCheck(wait_share=0.5, contaminated=True))
    clean = msgspec.structs.replace(trial(1, first.params), load=LoadCheck(wait_share=0.0, contaminated=False))
    assert next_run(config(repeats=1), DIMS, [disturbed]) != first
    assert next_run(asked, DIMS, [disturbed]) == first
    assert next_run(asked, DIMS, [disturbed], own=[0]) != first
    assert next_run(asked, DIMS, [disturbed, clean]) != first
    assert next_run(asked, DIMS, [clean, disturbed]) != first
