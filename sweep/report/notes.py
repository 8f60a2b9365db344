"""Notes for optuna-dashboard, as markdown: one for the study, one for each trial.

What a user named is escaped, since the dashboard renders markdown with HTML in it. Tables are GitHub's, which it
knows.
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
from sweep.records import RESULTS, DomainEnergy, State, StudyData, TrialRecord, total_j

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
    """What a trial was, how it ended, what it cost by domain and phase, and what is known of it on test data."""
    points = wording.in_points(data)
    lines = [_identity(record), _ending(data, record, in_points=points), *_pretrained(record)]
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


def _identity(record: TrialRecord) -> str:
    """The setup with all its dimensions, and which run of it this was."""
    setup = escape(wording.setup(record.params, list(record.params)))
    paradigm = "" if record.params.get("paradigm") == record.paradigm else f", paradigm {escape(record.paradigm)}"
    return f"**{setup}**{paradigm}; run {record.repeat + 1} of this setup, seed {record.seed}."


def _ending(data: StudyData, record: TrialRecord, *, in_points: bool) -> str:
    """Why it stopped, what it reached and what that cost."""
    reached = wording.quality(record.quality, in_points=in_points)
    best = "" if record.best_epoch is None else f" at epoch {record.best_epoch}"
    reason = record.stop_reason.replace("_", " ")
    ended = f"Ended by {reason}" if record.stop_reason in RESULTS else reason.capitalize()
    cost = f"{_with_u(record.energy_j, record.energy_u_random_j)} ({wording.provenance(data.study.domains)})"
    after = wording.count(record.epochs, "epoch")
    return f"{ended} after {after}: {escape(data.study.quality_name)} {reached}{best}, {cost}."


def _pretrained(record: TrialRecord) -> Iterator[str]:
    """What it is charged with beside what was spent in it, for a trial with a shared first part."""
    shared = record.pretraining
    if shared is None:
        return
    where = f"in trial {shared.number}" if shared.reused else "here"
    part = "all of it" if record.pretraining_shares == 1 else f"one part in {record.pretraining_shares:.4g} of it"
    yield (
        f"Its pretraining took {wording.energy(shared.energy_j)} in {wording.count(shared.epochs, 'epoch')} {where}; "
        f"the trial is charged with {part}. Spent in the trial itself: {wording.energy(record.energy_spent_j)}."
    )


def _energy(data: StudyData, record: TrialRecord) -> Iterator[str]:
    """The trial's joules by domain and phase, then of what its total is a sum: that ends the list for what follows."""
    scopes = {domain.name: domain.scope for domain in data.study.domains}
    rows = [
        f"- {escape(name)} ({wording.kind(scopes.get(name), energy.provenance)}): {_domain(energy)}"
        for name, energy in record.domains.items()
    ]
    if not rows:
        return
    yield "\n".join(rows)
    yield f"Energy is {escape(wording.energy_label(data.study.domains))}. {_meaning_of_u(record)}".rstrip()
    if record.activities:
        yield _phases(record)


def _meaning_of_u(record: TrialRecord) -> str:
    if record.energy_u_random_j is None:
        return ""
    told = "± is the standard uncertainty from one run to the next"
    if not record.energy_u_scale_j or not record.energy_j:
        return f"{told}."
    scale = wording.share(record.energy_u_scale_j / record.energy_j)
    return f"{told}; that of the scale, {scale}, comes on top and cancels between setups on one machine."


def _phases(record: TrialRecord) -> str:
    """A table of what was spent in the trial: a row for each activity of each phase, a column for each domain."""
    names = list(record.domains)
    added = [name for name, energy in record.domains.items() if energy.additive]
    head = ["phase", "time", *(escape(name) for name in names), "total"]
    rows = [head, ["---", *("--:" for _ in head[1:])]]
    for part in record.activities:
        joules = [wording.energy(part.energy_j.get(name)) for name in names]
        total = wording.energy(total_j(part.energy_j.get(name) for name in added))
        rows.append([escape(f"{part.phase}: {part.activity}"), wording.seconds(part.duration_s), *joules, total])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _with_u(joules: float | None, u_j: float | None) -> str:
    """Joules with their standard uncertainty, where both are known."""
    told = wording.energy(joules)
    return told if joules is None or u_j is None else f"{told} ± {wording.energy(u_j)}"


def _domain(energy: DomainEnergy) -> str:
    """Joules of one domain with everything that is known beside them."""
    told = [_with_u(energy.energy_j, energy.u_random_j) + ("" if energy.additive else ", not in the total")]
    if energy.dynamic_j is not None:
        told.append(f"{wording.energy(energy.dynamic_j)} above idle")
    if energy.polled_j is not None:
        told.append(f"{wording.energy(energy.polled_j)} by mean polled power times duration")
    if energy.gap_s > 0.0:
        told.append(f"{wording.seconds(energy.gap_s)} of it bridged")
    return ", ".join(told)
