"""One session of a study: trial after trial until nothing is left, a signal comes, or nothing works any more.

    recover, import -> idle power -> [choose -> train -> store]* -> idle power -> test -> report

Stored at once after each trial; nothing is kept for the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from optuna.trial import Trial

from sweep.config import SweepConfig
from sweep.energy.recorder import Recorder
from sweep.errors import DataError, MeterError
from sweep.observer import Observer, Reporter
from sweep.records import (
    Dimension,
    Joules,
    SessionRecord,
    State,
    StopReason,
    StudyData,
    StudyRecord,
    TrajectoryPoint,
    TrialRecord,
    total_j,
)
from sweep.study import weights
from sweep.study.board import Board
from sweep.study.course import TrialSpec
from sweep.study.instruments import Instruments
from sweep.study.interruption import Interruption
from sweep.study.plan import Run, RunKey, free_repeat, next_run, run_key
from sweep.study.sampling import distributions, make_sampler
from sweep.study.search_space import apply, paradigm_of, trial_seed
from sweep.study.store import StudyStore
from sweep.study.takeover import take_over
from sweep.study.testing import run_tests
from sweep.study.trial import TrialRunner

CRASHES_IN_A_ROW = 3
PRUNE_EVERY = 8
"""Trials between two clearings of the weights: each looks at the whole study."""
JOURNAL_S = 1.0
"""Least seconds between two writings of the record under way: what a killed process can lose."""


@dataclass(frozen=True)
class Outcome:
    """How a session ended.

    Attributes:
        report: path of the HTML report.
        ran: trials of this session.
        finished: whether nothing is left to run.
    """

    folder: Path
    report: Path
    data: StudyData
    ran: int
    crashed: int
    interrupted: bool
    finished: bool


class Session:
    """One run of the command on one study."""

    def __init__(
        self,
        config: SweepConfig,
        dims: Sequence[Dimension],
        study: StudyRecord,
        store: StudyStore,
        runner: TrialRunner,
        instruments: Instruments,
        recorder: Recorder,
        observer: Observer,
        reporter: Reporter,
    ) -> None:
        self._config, self._dims, self._study = config, dims, study
        self._store, self._runner, self._recorder, self._instruments = store, runner, recorder, instruments
        self._observer, self._reporter = observer, reporter
        self._board = Board(store, reporter, observer.notice, recorder.clock)
        self._index = store.sessions()
        self._records: list[TrialRecord] = []
        self._test_j: list[Joules] = []
        self._crashed: set[RunKey] = set()

    def run(self, interruption: Interruption) -> Outcome:
        """Everything between the lock and the outcome."""
        killed = self._store.recover(lambda record: self._board.trial_view(self._study, record))
        for number, record in killed.items():
            joules = "its joules are kept" if record else "it left no record, so its joules are not known"
            self._observer.notice(f"trial {number} was killed; its setup runs again, {joules}")
        self._store.save_study(self._study)
        if self._config.study.import_from:
            source = self._config.study.import_from
            count = take_over(source, self._store, self._study, self._config, self._dims, self._board.trial_view)
            self._observer.notice(f"{count} records taken over from {source}")
        info = self._study.data
        if info.notice:
            self._observer.notice(f"{info.notice}{f' Real data: {info.mend}' if info.mend else ''}")
        self._announce_full_batches()
        self._instruments.announce()
        past = self._store.records()
        self._store.study.sampler = make_sampler(self._config.search.sampler, self._config.study.seed, len(past))
        self._observer.study_started(self._study, past, self._study.n_trials_planned)
        try:
            finished = self._run_trials(interruption)
            report = self._report()
        finally:
            self._observer.study_ended()
        return Outcome(
            folder=self._store.folder,
            report=report,
            data=self._store.data(),
            ran=len(self._records),
            crashed=len(self._crashed),
            interrupted=interruption.requested,
            finished=finished,
        )

    def _run_trials(self, interruption: Interruption) -> bool:
        """All that is left to run, then the test; returns whether nothing is left.

        Raises:
            DataError: if the data of a setup cannot be loaded; the report tells what ran until then.
            MeterError: if a domain that enters the total cannot be read any more; likewise.
        """
        try:
            self._loop(interruption)
        except (DataError, MeterError):
            self._report()
            raise
        own = {record.number for record in self._records}
        finished = next_run(self._config, self._dims, self._store.records(), own=own) is None
        weights.prune(self._store.data(), self._store.folder)
        if finished and self._config.study.test:
            self._test()
        return finished

    def _announce_full_batches(self) -> None:
        n_train = self._study.data.n_train
        swept = next((d for d in self._dims if d.key == "trainer.batch_size"), None)
        sizes = (swept.values or [swept.high]) if swept else [self._config.trainer.batch_size]
        larger = [size for size in sizes if size is not None and size > n_train]
        if larger:
            shown = ", ".join(str(size) for size in larger)
            self._observer.notice(f"batch_size {shown} is more than the {n_train} training samples: full batch")

    def _loop(self, interruption: Interruption) -> None:
        in_a_row = 0
        first = next_run(self._config, self._dims, self._store.records())
        if first is not None:
            self._board.redraw()
            self._take_idle()
            config = apply(self._config, first.params or {}, self._dims)
            self._runner.warm_up(config, paradigm_of(config, first.params or {}))
        while not interruption.requested and in_a_row < CRASHES_IN_A_ROW:
            run = self._next()
            if run is None:
                break
            if not self._instruments.make_ready():
                break
            record = self._trial(run)
            crashed = record.stop_reason == StopReason.CRASHED
            in_a_row = in_a_row + 1 if crashed else 0
            if crashed:
                self._crashed.add(run_key(record.params, record.repeat))
                reason = (record.message or "").splitlines()[0]
                self._observer.notice(f"trial {record.number} crashed: {reason}; its note and trials.csv say where")
        if in_a_row == CRASHES_IN_A_ROW:
            self._observer.notice(f"{in_a_row} trials crashed in a row: no further one is tried")
        if self._records and not interruption.requested:
            self._instruments.check_idle()
            self._save_session()

    def _next(self) -> Run | None:
        own = {record.number for record in self._records}
        return next_run(self._config, self._dims, self._store.records(), self._crashed, own)

    def _take_idle(self) -> None:
        """Idle power before the first trial; the study keeps it with its domains."""
        self._instruments.take_idle()
        self._study = msgspec.structs.replace(self._study, domains=list(self._recorder.domains))
        self._store.save_study(self._study)

    def _trial(self, run: Run) -> TrialRecord:
        trial, repeat = self._ask(run)
        params = dict(trial.params)
        config = apply(self._config, params, self._dims)
        spec = TrialSpec(
            number=trial.number,
            config=config,
            params=params,
            paradigm=paradigm_of(config, params),
            seed=trial_seed(config.study.seed, params, repeat),
            repeat=repeat,
        )
        self._observer.trial_started(spec.number, params, repeat)
        record = self._runner.run(spec, self._listener(spec.number))
        self._store.save_trial(trial, record, self._board.trial_view(self._study, record))
        self._announce_unknown_joules(record)
        self._records.append(record)
        self._observer.trial_ended(record)
        if len(self._records) % PRUNE_EVERY == 0:
            weights.prune(self._store.data(), self._store.folder)
        self._save_session()
        self._board.keep_current()
        return record

    def _announce_unknown_joules(self, record: TrialRecord) -> None:
        known = all(r.energy_j is not None for r in self._records)
        if known and record.energy_j is None and record.state == State.COMPLETE:
            self._observer.notice(
                f"trial {record.number} has no joules, so it cannot stand on the front: the meter did not cover all "
                "of it (a reading failed, or a recording ended: meter.repeat=true)"
            )

    def _ask(self, run: Run) -> tuple[Trial, int]:
        """Start a trial in Optuna; one that waits in the queue from an earlier session comes first."""
        study, space = self._store.study, distributions(self._dims)
        if run.params is not None and not self._store.waiting():
            study.enqueue_trial(run.params, user_attrs={"repeat": run.repeat})
        trial = study.ask(space)
        repeat = trial.user_attrs.get("repeat")
        return trial, free_repeat(trial.params, self._store.records()) if repeat is None else int(repeat)

    def _listener(self, number: int) -> Callable[[TrajectoryPoint, Callable[[], TrialRecord]], None]:
        last_s = -JOURNAL_S

        def listen(point: TrajectoryPoint, so_far: Callable[[], TrialRecord]) -> None:
            nonlocal last_s
            if point.duration_s - last_s >= JOURNAL_S:
                last_s = point.duration_s
                self._store.save_under_way(so_far())
            self._observer.epoch_ended(number, point)

        return listen

    def _test(self) -> None:
        start_s = self._recorder.mark()
        new = run_tests(self._store, self._runner, self._config, self._dims, self._observer.notice)
        if new:
            end_s = self._recorder.mark()
            self._recorder.settle()
            self._test_j.append(self._recorder.timeline.joules(start_s, end_s))
            self._save_session()
            self._board.retell({test.number for test in new})

    def _report(self) -> Path:
        self._board.redraw()
        return self._reporter.write(self._store.data(), self._store.folder)

    def _save_session(self) -> None:
        """The ledger of this session so far; replaced after every trial, so that a kill loses little."""
        end_s = self._recorder.mark()
        self._recorder.settle()
        start_s = self._recorder.timeline.start_s or end_s
        names = [d.name for d in self._recorder.domains]
        session = SessionRecord(
            started_at=self._study.created_at,
            command=self._study.command,
            duration_s=end_s - start_s,
            energy_j=self._recorder.timeline.joules(start_s, end_s),
            trials_j={n: _sum(r.domains[n].energy_j for r in self._records) for n in names},
            test_j={n: _sum(joules[n] for joules in self._test_j) for n in names},
            trials=[r.number for r in self._records],
            idle_before=self._instruments.idle_before,
            idle_after=self._instruments.idle_after,
        )
        self._store.save_session(self._index, session)


def _sum(values: Any) -> float | None:
    """Sum of joules; nothing spent is 0, something unknown makes the sum unknown."""
    items = list(values)
    return total_j(items) if items else 0.0
