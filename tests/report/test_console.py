"""What the console says, and that it stays quiet where nobody watches."""

import io
from pathlib import Path

from rich.console import Console

from sweep.analysis.summary import summarise
from sweep.records import StopReason, StudyData
from sweep.report.console import REFRESH_S, Progress, QuietConsole, print_closing
from tests.energy_factories import CLOUD, CLOUD_LABEL, sensed
from tests.factories import nasty, sixteen, study, trial


def _console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=terminal, width=200, color_system=None), stream


def _closing(data: StudyData) -> str:
    console, stream = _console(terminal=False)
    print_closing(summarise(data), Path("reports/x"), console)
    return stream.getvalue()


def test_the_line_counts_trials_quality_joules_and_time() -> None:
    data = sixteen(1)
    progress = Progress(_console(terminal=False)[0])
    progress.study_started(data.study, [], 16)
    progress.trial_started(0, {}, 0)
    assert progress.line() == "trial 1/16 · 0 J spent"
    record = trial(0, qualities=(0.5, 0.81), epoch_j=50.0)
    progress.trial_ended(record)
    progress.trial_started(1, {}, 0)
    progress.epoch_ended(1, record.trajectory[0])
    assert progress.line() == (
        "trial 2/16 · epoch 1 · best accuracy 81.0 % · cheapest on the front 100 J · 100 J spent · 15 s left"
    )


def test_a_resumed_study_starts_where_it_was_and_failures_only_cost() -> None:
    progress = Progress(_console(terminal=False)[0])
    failed = trial(1, qualities=(0.99,), epoch_j=10.0, stop_reason=StopReason.DIVERGED)
    progress.study_started(study([]).study, [trial(0, epoch_j=10.0), failed], None)
    assert progress.line() == "trial 3 · best accuracy 80.0 % · cheapest on the front 30.0 J · 40.0 J spent"


def test_unknown_joules_make_the_sum_a_lower_bound() -> None:
    progress = Progress(_console(terminal=False)[0])
    progress.study_started(study([]).study, [trial(0), trial(1, epoch_j=None)], None)
    assert "at least 30.0 J spent" in progress.line()


def test_without_a_terminal_only_notices_are_printed() -> None:
    console, stream = _console(terminal=False)
    progress = Progress(console)
    progress.study_started(study([]).study, [], 3)
    progress.trial_started(0, {}, 0)
    progress.notice("read [this]")
    progress.trial_ended(trial(0))
    progress.study_ended()
    assert stream.getvalue() == "read [this]\n"


def test_on_a_terminal_the_line_is_redrawn_on_events_but_not_too_often() -> None:
    now = [0.0]
    console, stream = _console(terminal=True)
    progress = Progress(console, clock=lambda: now[0])
    progress.study_started(study([]).study, [], 3)
    progress.trial_started(0, {}, 0)
    points = trial(0).trajectory
    before = stream.getvalue()
    assert "trial 1/3" in before
    progress.epoch_ended(0, points[0])
    assert stream.getvalue() == before
    now[0] = REFRESH_S
    progress.epoch_ended(0, points[1])
    assert "epoch 2" in stream.getvalue()
    progress.study_ended()
    progress.study_ended()


def test_the_closing_table_names_the_recommendation_the_report_and_the_command() -> None:
    text = _closing(sixteen(3))
    assert "batch_size 1024, lr 0.01 *" in text
    assert "batch_size 1024 instead of 64 saves" in text
    assert "\nEach training saves 658 J" in text
    assert "Report: reports/x/report.html\n" in text
    assert "python -m sweep --config-dir reports/x/conf +experiment=recommended\n" in text
    assert "(modelled)" in text


def test_the_closing_line_says_what_the_joules_are_a_sum_of() -> None:
    assert f"J: {CLOUD_LABEL}.\n" in _closing(sensed(sixteen(1), CLOUD))


def test_a_study_without_a_result_closes_with_its_reason() -> None:
    text = _closing(study([]))
    assert "Nothing can be recommended: no trial has ended yet." in text
    assert "recommended" not in text.replace("be recommended", "")


def test_names_are_not_console_markup() -> None:
    assert "<script>alert(1)</script>[red]" in _closing(nasty())


def test_a_reader_that_left_does_not_end_the_study() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    progress = Progress(QuietConsole(file=Gone()))
    progress.notice("one")
    progress.notice("two")


def test_a_notice_is_one_line_however_narrow_the_terminal() -> None:
    out = io.StringIO()
    Progress(Console(file=out, width=20)).notice("word " * 20)
    assert len(out.getvalue().splitlines()) == 1
