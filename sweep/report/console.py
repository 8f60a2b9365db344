"""The console: one progress line for the study, and a closing table.

    trial 7/48 · best accuracy 93.1 % · cheapest on the front 140 J · 12.4 kJ spent · 8 min 20 s left

The line is redrawn on events only, by the thread that reports them: no refresh thread disturbs the measurement.
Where the output is not a terminal there is no line, only notices and the closing table. The front of the line is
of ends of trials, as Optuna's is; time left is the mean duration of this session's trials times those to come.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sweep.analysis import wording
from sweep.analysis.advice.impact import impact_sentence
from sweep.analysis.basis_words import disturbed_sentence
from sweep.analysis.footprint_words import closing
from sweep.analysis.paradigm_words import paradigm_sentences
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.summary import Summary
from sweep.observer import Observer
from sweep.records import State, StudyRecord, TrajectoryPoint, TrialRecord
from sweep.report.recommended import recommended_command

REFRESH_S = 0.2
MAX_ROWS = 10


class QuietConsole(Console):
    """Falls silent when nobody reads it any more: a study must not end because ``2>&1 | head`` did."""

    def on_broken_pipe(self) -> None:
        """Called by rich, whose own way is to exit."""
        self.quiet = True


class Progress(Observer):
    """The progress line.

    Args:
        console: where to write; standard error by default, so that results can be piped.
        clock: monotonic seconds, to redraw at most every ``REFRESH_S``.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or QuietConsole(stderr=True)
        self._clock = clock
        self._live: Live | None = None
        self._drawn_at = float("-inf")
        self._study: StudyRecord | None = None
        self._planned: int | None = None
        self._ended: list[TrialRecord] = []
        self._durations_s: list[float] = []
        self._epoch: TrajectoryPoint | None = None

    def study_started(self, study: StudyRecord, finished: Sequence[TrialRecord], planned: int | None) -> None:
        """Show the line, counting what earlier sessions finished."""
        self._study, self._planned, self._ended = study, planned, list(finished)
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def trial_started(self, number: int, params: dict[str, object], repeat: int) -> None:
        """A new trial has no epochs yet."""
        self._epoch = None
        self._draw(now=True)

    def epoch_ended(self, number: int, point: TrajectoryPoint) -> None:
        """Show the epoch, unless the line was drawn a moment ago."""
        self._epoch = point
        self._draw(now=False)

    def trial_ended(self, record: TrialRecord) -> None:
        """Count the trial."""
        self._ended.append(record)
        self._durations_s.append(record.duration_s)
        self._epoch = None
        self._draw(now=True)

    def notice(self, message: str) -> None:
        """Print above the line."""
        self._console.print(Text(message), soft_wrap=True, highlight=False)

    def study_ended(self) -> None:
        """Remove the line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def line(self) -> str:
        """The text of the line."""
        if self._study is None:
            return ""
        running = min(len(self._ended) + 1, self._planned) if self._planned else len(self._ended) + 1
        parts = [f"trial {running}/{self._planned}" if self._planned else f"trial {running}"]
        if self._epoch is not None:
            parts.append(f"epoch {self._epoch.epoch}")
        parts += [*self._best(self._study.quality_name), f"{self._spent()} spent"]
        if self._planned and self._durations_s:
            mean_s = sum(self._durations_s) / len(self._durations_s)
            parts.append(f"{wording.duration(mean_s * max(self._planned - len(self._ended), 0))} left")
        return " · ".join(parts)

    def _best(self, quality_name: str) -> list[str]:
        complete = [record for record in self._ended if record.state is State.COMPLETE]
        qualities = [record.quality for record in complete if record.quality is not None]
        joules = [r.energy_j for r in complete if r.energy_j is not None and r.quality is not None]
        parts = []
        if qualities:
            in_points = all(0.0 <= item <= 1.0 for item in qualities)
            parts.append(f"best {quality_name} {wording.quality(max(qualities), in_points=in_points)}")
        if joules:
            parts.append(f"cheapest on the front {wording.energy(min(joules))}")
        return parts

    def _spent(self) -> str:
        spent = [record.energy_spent_j for record in self._ended if record.imported_from is None]
        known = sum(item for item in spent if item is not None)
        return f"at least {wording.energy(known)}" if None in spent else wording.energy(known)

    def _draw(self, *, now: bool) -> None:
        if self._live is None or not (now or self._clock() - self._drawn_at >= REFRESH_S):
            return
        self._drawn_at = self._clock()
        self._live.update(Text(self.line(), no_wrap=True, overflow="ellipsis"), refresh=True)


def print_closing(summary: Summary, folder: Path, console: Console | None = None) -> None:
    """Print what was found, what it cost and where it is.

    Args:
        summary: the study and its analyses.
        folder: the study's folder, which holds the report.
        console: where to; standard output by default.
    """
    console = console or QuietConsole()
    found = summary.recommendations
    if summary.front:
        console.print(closing_table(summary))
    sentences = [f"{'* ' if item.primary else '  '}{item.action}." for item in found.items]
    if found.primary and found.primary.impact:
        sentences.append(f"{impact_sentence(found.primary.impact, confirmed=found.primary.confirmed)}.")
    if found.reason:
        sentences.append(f"Nothing can be recommended: {found.reason}.")
    if found.unsettled:
        sentences.append(found.unsettled)
    points = wording.in_points(summary.data)
    sentences += paradigm_sentences(summary.paradigms, wording.varying(summary.data), in_points=points)
    disturbed = disturbed_sentence(summary.basis)
    if disturbed:
        sentences.append(disturbed)
    sentences.append(f"{wording.search_cost(summary.ledger.total_j, summary.basis.label)}.")
    footprint = closing(summary.footprint)
    if footprint:
        sentences.append(footprint)
    sentences.append(f"Report: {folder / 'report.html'}")
    if found.primary:
        sentences.append(f"Train the recommendation: {recommended_command(folder)}")
    for sentence in sentences:
        console.print(Text(sentence), soft_wrap=True, highlight=False)


def closing_table(summary: Summary) -> Table:
    """The setups on the front, each at its most accurate front point, and the recommended point."""
    names, points = wording.varying(summary.data), wording.in_points(summary.data)
    primary = summary.recommendations.primary
    table = Table(title=Text(summary.data.study.name))
    table.add_column("setup on the front")
    for name in ("stop at epoch", summary.data.study.quality_name, "energy", "n"):
        table.add_column(escape(name), justify="right")
    for point in _table_points(summary):
        chosen = primary is not None and point == primary.point
        table.add_row(
            escape(wording.setup(point.setup.params, names)) + (" *" if chosen else ""),
            str(point.epoch),
            wording.quality(point.quality, in_points=points),
            wording.energy(point.energy_j),
            str(point.n),
            style="bold" if chosen else None,
        )
    return table


def _table_points(summary: Summary) -> list[FrontPoint]:
    last = {id(point.setup): point for point in summary.front}
    primary = summary.recommendations.primary
    if primary is not None:
        last[id(primary)] = primary.point  # a key of its own: its setup may have a later front point
    unique = {(id(point.setup), point.epoch): point for point in last.values()}
    return sorted(unique.values(), key=lambda point: point.energy_j)[-MAX_ROWS:]
