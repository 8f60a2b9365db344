"""What runs next: a pure function of the config and of the records that are there.

Grid studies run in randomised blocks, one block a repeat. Other samplers are asked for a setup, whose remaining
repeats then come first. A run is settled when it gave a result or diverged (its seed would diverge again); crashed,
interrupted and killed runs are taken again, and with ``study.redo`` contaminated ones, but not twice in one session.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sweep.config import Redo, Sampler, SweepConfig
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


def settled(
    records: Sequence[TrialRecord], redo: Redo = Redo.nothing, own: Collection[int] = ()
) -> dict[RunKey, TrialRecord]:
    """The runs that need not be done again.

    Args:
        records: of all trials so far.
        redo: what is not good enough to be settled.
        own: numbers of this session's trials; these are settled whatever disturbed them.
    """
    return {
        run_key(r.params, r.repeat): r
        for r in records
        if r.stop_reason in SETTLED and (redo == Redo.nothing or r.number in own or not _is_contaminated(r))
    }


def _is_contaminated(record: TrialRecord) -> bool:
    return record.load is not None and record.load.contaminated


def next_run(
    config: SweepConfig,
    dims: Sequence[Dimension],
    records: Sequence[TrialRecord],
    given_up: Collection[RunKey] = (),
    own: Collection[int] = (),
) -> Run | None:
    """The next run, or ``None`` when the study is finished.

    Args:
        config: of the study.
        dims: its dimensions.
        records: of all trials so far.
        given_up: runs that crashed in this session.
        own: numbers of this session's trials.
    """
    done = set(settled(records, config.study.redo, own)) | set(given_up)
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
