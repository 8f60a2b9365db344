"""The study in Optuna dashboard, kept current while trials run, at a bounded price.

    trial ends -> its note and files, at once
               -> the study's note and figures, if enough time has passed since the last

Redrawing looks at the whole study, so it takes longer and longer. It is done when ``SHARE`` of the time since the last
one covers what that took: over a session of T seconds all of it takes about ``SHARE`` T, apart from those at the
beginning, after the first trial and at the end. Everything is replaced in place, so the database does not grow with
the number of times.

It happens between trials, outside every interval that a trial is charged with: its joules are the search's overhead.
What cannot be shown is said once and ends nothing.
"""

from collections.abc import Callable, Iterable

from sweep.observer import Reporter, TrialView
from sweep.records import StudyRecord, TrialRecord
from sweep.study.store import StudyStore

SHARE = 0.02
"""Part of the time that redrawing may take while trials run."""


class Board:
    """What a session shows of its study.

    Args:
        store: open for writing.
        reporter: makes notes, files and figures from records.
        notice: told once what cannot be shown.
        clock: seconds.
    """

    def __init__(
        self, store: StudyStore, reporter: Reporter, notice: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._store, self._reporter, self._notice, self._clock = store, reporter, notice, clock
        self._ended_s = 0.0
        self._took_s: float | None = None
        self._has_failed = False

    def trial_view(self, study: StudyRecord, record: TrialRecord) -> TrialView:
        """Note and files of a trial; an empty note if they cannot be made."""
        try:
            return self._reporter.trial_view(study, record)
        except Exception as err:
            self._say(f"the note of trial {record.number}", err)
            return TrialView("")

    def keep_current(self) -> None:
        """After a trial: redraw the study if enough time has passed; after the first one at once."""
        start_s = self._clock()
        if self._took_s is not None and SHARE * (start_s - self._ended_s) < self._took_s:
            return
        self.redraw()
        self._ended_s = self._clock()
        self._took_s = self._ended_s - start_s

    def redraw(self) -> None:
        """Bring the note and the figures of the study up to date."""
        try:
            self._store.show(self._reporter.study_view(self._store.data()))
        except Exception as err:
            self._say("the note or a figure of the study", err)

    def retell(self, numbers: Iterable[int]) -> None:
        """Write the notes of trials again, of which more is known now."""
        try:
            data = self._store.data()
            wanted = set(numbers)
            for record in data.trials:
                if record.number in wanted:
                    view = self._reporter.trial_view(data.study, record, data.tests)
                    self._store.retell(record.number, view.note)
        except Exception as err:
            self._say("the result of a test in a trial's note", err)

    def _say(self, what: str, err: Exception) -> None:
        if not self._has_failed:
            reason = " ".join(str(err).split()) or type(err).__name__
            self._notice(f"{what} cannot be shown in Optuna dashboard ({reason}); the records are whole")
        self._has_failed = True
