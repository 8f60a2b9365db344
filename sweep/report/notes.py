"""Notes for optuna-dashboard, as markdown: one for the study, one for each trial.

What a user named is escaped, since the dashboard renders markdown with HTML in it.
"""

import html
import re
import textwrap

from sweep.analysis import wording
from sweep.analysis.summary import Summary
from sweep.records import RESULTS, State, StudyData, TrialRecord

FRONTS = (
    "The front shown here is of ends of runs. The report's front is of whole trajectories: each epoch of a trial "
    "is a choice there, so it holds points that no trial ended at."
)


def escape(item: object) -> str:
    """A user's string as markdown text."""
    return re.sub(r"([\\`*_\[\]#|~])", r"\\\1", html.escape(str(item), quote=False))


def study_note(summary: Summary) -> str:
    """What was found, what it cost, and how this front differs from Optuna's."""
    data, found = summary.data, summary.recommendations
    lines = [f"# {escape(data.study.name)}"]
    if data.study.data.notice:
        mend = f" ({escape(data.study.data.mend)})" if data.study.data.mend else ""
        lines.append(f"**{escape(data.study.data.notice)}**{mend}")
    if found.items:
        lines.append("\n".join(f"- {escape(item.action)}." for item in found.items))
    else:
        lines.append(f"Nothing can be recommended: {escape(found.reason)}.")
    if found.unsettled:
        lines.append(escape(found.unsettled))
    cost = wording.search_cost(summary.ledger.total_j, wording.provenance(data.study.domains))
    return "\n\n".join([*lines, f"{cost}.", FRONTS]) + "\n"


def trial_note(data: StudyData, record: TrialRecord) -> str:
    """How a trial ended, what it cost, and what is known of it on test data."""
    points = wording.in_points(data)
    reached = wording.quality(record.quality, in_points=points)
    best = "" if record.best_epoch is None else f" at epoch {record.best_epoch}"
    reason = record.stop_reason.replace("_", " ")
    ended = f"Ended by {reason}" if record.stop_reason in RESULTS else reason.capitalize()
    cost = f"{wording.energy(record.energy_j)} ({wording.provenance(data.study.domains)})"
    lines = [f"{ended} after {record.epochs} epochs: {escape(data.study.quality_name)} {reached}{best}, {cost}."]
    lines += [
        f"On test data, weights of epoch {test.weights_epoch}: {wording.quality(test.quality, in_points=points)}."
        for test in data.tests
        if test.number == record.number
    ]
    if record.load is not None and record.load.contaminated:
        lines.append(f"Other programs disturbed it: it waited {wording.share(record.load.wait_share)} of its time.")
    if record.message:
        lines.append(textwrap.indent(record.message.strip(), "    ", lambda _: True))  # a code block, shown as it is
    if record.imported_from:
        lines.append(f"Imported from {escape(record.imported_from)}.")
    if record.state is State.FAIL:
        lines.append("Its joules count in the ledger; it is not on the front.")
    return "\n\n".join(lines) + "\n"
