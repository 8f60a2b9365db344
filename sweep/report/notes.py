"""Notes for optuna-dashboard, as markdown: one for the study, one for each trial.

What a user named is escaped, since the dashboard renders markdown with HTML in it.
"""

import html
import re
import textwrap
from collections.abc import Iterator

from sweep.analysis import wording
from sweep.analysis.basis import disturbed
from sweep.analysis.basis_words import basis_sentences, disturbance
from sweep.analysis.paradigm_words import paradigm_sentences
from sweep.analysis.summary import Summary
from sweep.records import RESULTS, DomainEnergy, State, StudyData, TrialRecord

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
    lines.append(f"{wording.search_cost(summary.ledger.total_j, escape(summary.basis.label))}.")
    told = paradigm_sentences(summary.paradigms, wording.varying(data), in_points=wording.in_points(data))
    lines.append("\n".join(f"- {escape(sentence)}" for sentence in told))
    lines.append("\n".join(f"- {escape(sentence)}" for sentence in basis_sentences(summary.basis)[1:]))
    return "\n\n".join([*(line for line in lines if line), FRONTS]) + "\n"


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
    lines += _energy(data, record)
    if record.load is not None and record.load.contaminated:
        lines.append(f"Other programs disturbed it: {escape(disturbance(disturbed(record)))}.")
    if record.steadiness is not None and not record.steadiness.steady:
        drift = f"{100.0 * record.steadiness.drift_rel:+.0f} %"
        lines.append(f"Its power was not steady: {drift} from its first to its last third.")
    if record.message:
        lines.append(textwrap.indent(record.message.strip(), "    ", lambda _: True))  # a code block, shown as it is
    if record.imported_from:
        lines.append(f"Imported from {escape(record.imported_from)}.")
    if record.state is State.FAIL:
        lines.append("Its joules count in the ledger; it is not on the front.")
    return "\n\n".join(lines) + "\n"


def _energy(data: StudyData, record: TrialRecord) -> Iterator[str]:
    """The trial's joules by domain, then of what its total is a sum: that ends the list for what follows."""
    scopes = {domain.name: domain.scope for domain in data.study.domains}
    rows = [
        f"- {escape(name)} ({wording.kind(scopes.get(name), energy.provenance)}): {_domain(energy)}"
        for name, energy in record.domains.items()
    ]
    if rows:
        yield "\n".join(rows)
        yield f"Energy is {escape(wording.energy_label(data.study.domains))}."


def _domain(energy: DomainEnergy) -> str:
    """Joules of one domain with everything that is known beside them."""
    told = [wording.energy(energy.energy_j) + ("" if energy.additive else ", not in the total")]
    if energy.dynamic_j is not None:
        told.append(f"{wording.energy(energy.dynamic_j)} above idle")
    if energy.polled_j is not None:
        told.append(f"{wording.energy(energy.polled_j)} by mean polled power times duration")
    if energy.gap_s > 0.0:
        told.append(f"{wording.seconds(energy.gap_s)} of it bridged")
    return ", ".join(told)
