"""What runs next: a pure function of the config and of the records that are there.

Grid studies run in randomised blocks, one block a repeat. Other samplers are asked for a setup, whose remaining
repeats then come first. A run is settled when it gave a result or diverged (its seed would diverge again); crashed,
interrupted and killed runs are taken again, but not twice in one session.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sweep.config import Sampler, SweepConfig
from sweep.records import SETTLED, Dimension, TrialRecord
from sweep.study.search_space import Params, planned_runs, setup_key, total_trials

RunKey = tuple[str, int]
"""Setup and repeat."""


class Run(NamedTuple):
    """A run to start; ``params=None`` asks the sampler for a setup."""

    params: Params | None
    repeat: int


def run_key(params: Params, repeat: int) -> RunKey:
    """Identity of a run within a study."""
    return setup_key(params), repeat


def settled(records: Sequence[TrialRecord]) -> dict[RunKey, TrialRecord]:
    """The runs that need not be done again."""
    return {run_key(r.params, r.repeat): r for r in records if r.stop_reason in SETTLED}


def next_run(
    config: SweepConfig,
    dims: Sequence[Dimension],
    records: Sequence[TrialRecord],
    given_up: Collection[RunKey] = (),
) -> Run | None:
    """The next run, or ``None`` when the study is finished.

    Args:
        config: of the study.
        dims: its dimensions.
        records: of all trials so far.
        given_up: runs that crashed in this session.
    """
    done = set(settled(records)) | set(given_up)
    limit = total_trials(config.search, dims, config.study.repeats)
    if limit is not None and len(done) >= limit:
        return None
    if config.search.sampler == Sampler.grid:
        planned = planned_runs(dims, config.study.repeats, config.study.seed)
        return next((Run(*run) for run in planned if run_key(*run) not in done), None)
    for record in records:
        for repeat in range(config.study.repeats):
            if run_key(record.params, repeat) not in done:
                return Run(record.params, repeat)
    return Run(None, 0)


def free_repeat(params: Params, records: Sequence[TrialRecord]) -> int:
    """The first repeat of a setup that is not settled: a sampler may choose a setup again."""
    done = settled(records)
    repeat = 0
    while run_key(params, repeat) in done:
        repeat += 1
    return repeat
