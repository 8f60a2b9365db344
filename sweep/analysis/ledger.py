"""What the search itself cost, and when it has paid for itself.

    total    = sum over sessions of their joules + joules of trials that no session counted
    overhead = session - its trials - its test evaluation      (loading, choosing, storing, reporting, idle)
    payback  = ceil(total / joules saved by one training with the recommendation instead of the reference)

References are those of the recommendations and, where ``study.current`` names it, the setup that is trained today
(``payback.against_current``).

A session that was killed leaves trials but no session record: their joules are counted as uncounted trials,
its overhead is lost. Imported records were paid for in another study and stand apart. Unknown joules make a
sum unknown (``None``), never smaller.

Limits: embodied energy and the energy of the people who wait are not in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sweep.analysis.payback import Payback, against_current, paybacks
from sweep.analysis.recommend import Recommendations
from sweep.analysis.setups import Setup, setups
from sweep.records import Joules, SessionRecord, State, StudyData, TrialRecord, total_j


class SessionRow(NamedTuple):
    """Joules of one session; the three parts sum to ``total_j``."""

    started_at: str
    duration_s: float
    n_trials: int
    trials_j: float | None
    test_j: float | None
    overhead_j: float | None
    total_j: float | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every joule of a search; ``None`` is unknown.

    Attributes:
        uncounted_j: trials of sessions that ended without a record.
        completed_j: of the total, spent on trials that were completed.
        failed_j: of the total, spent on trials that failed.
        imported_j: joules of imported records, not in the total; 0 without any.
        total_j: what this search spent.
        payback: against each reference, the current setup first if the user named it, then the most accurate one.
    """

    sessions: tuple[SessionRow, ...]
    trials_j: float | None
    test_j: float | None
    overhead_j: float | None
    uncounted_j: float | None
    completed_j: float | None
    failed_j: float | None
    imported_j: float | None
    total_j: float | None
    payback: tuple[Payback, ...]


def ledger(data: StudyData, recommendations: Recommendations, groups: Sequence[Setup] | None = None) -> Ledger:
    """The ledger of a study.

    Args:
        data: the study.
        recommendations: of it.
        groups: ``setups(data)``, if the caller has it already.
    """
    groups = setups(data) if groups is None else groups
    apart = {domain.name for domain in data.study.domains if not domain.additive}
    rows = tuple(_row(session, apart) for session in data.sessions)
    counted = {number for session in data.sessions for number in session.trials}
    own = [trial for trial in data.trials if trial.imported_from is None]
    uncounted_j = _spent(trial for trial in own if trial.number not in counted)
    total = None if not rows and not own else _sum([*(row.total_j for row in rows), uncounted_j])
    return Ledger(
        sessions=rows,
        trials_j=total_j(row.trials_j for row in rows),
        test_j=total_j(row.test_j for row in rows),
        overhead_j=total_j(row.overhead_j for row in rows),
        uncounted_j=uncounted_j,
        completed_j=_spent(trial for trial in own if trial.state is State.COMPLETE),
        failed_j=_spent(trial for trial in own if trial.state is State.FAIL),
        imported_j=_spent(trial for trial in data.trials if trial.imported_from is not None),
        total_j=total,
        payback=(*against_current(data, groups, recommendations, total), *paybacks(recommendations, total)),
    )


def _row(session: SessionRecord, apart: set[str]) -> SessionRow:
    trials, test, total = (_additive(joules, apart) for joules in (session.trials_j, session.test_j, session.energy_j))
    overhead = None if total is None or trials is None or test is None else total - trials - test
    return SessionRow(session.started_at, session.duration_s, len(session.trials), trials, test, overhead, total)


def _additive(joules: Joules, apart: set[str]) -> float | None:
    return total_j(item for name, item in joules.items() if name not in apart)


def _spent(trials: Iterable[TrialRecord]) -> float | None:
    return _sum(trial.energy_spent_j for trial in trials)


def _sum(items: Iterable[float | None]) -> float | None:
    """Sum of what is there; nothing there is 0, something unknown there is unknown."""
    return total_j([0.0, *items])
