"""The report as Markdown, short enough for a pull request: what to do, the front, what it rests on.

Tables follow GitHub's flavour, and every string of a user is escaped (``sweep.report.notes.escape``), on one line.

Limits: at most ``MAX_FRONT`` points of the front, ends included; ``sweep report DIR --format json`` has all.
"""

import re
from collections.abc import Iterator, Sequence

from sweep.analysis import wording
from sweep.analysis.advice.impact import impact_sentence
from sweep.analysis.basis_words import basis_sentences
from sweep.analysis.changes import command, typed
from sweep.analysis.factor_words import factor_sentences
from sweep.analysis.footprint_words import closing, footprint_sentences
from sweep.analysis.paradigm_words import paradigm_sentences
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.summary import Summary, summarise
from sweep.records import StudyData
from sweep.report import notes

MAX_FRONT = 12


def escape(item: object) -> str:
    """A user's string as markdown text on one line: no line feed in it begins a block of its own."""
    return " ".join(notes.escape(item).split())


def to_markdown(data: StudyData, confidence: float = 0.95) -> str:
    """The report as Markdown; ends with a line feed."""
    return summary_markdown(summarise(data, confidence))


def summary_markdown(summary: Summary) -> str:
    """As ``to_markdown``, for analyses already made."""
    parts = (_head, _advice, _front, _findings, _cost, _basis)
    return "\n\n".join(block for part in parts for block in part(summary)) + "\n"


def _head(summary: Summary) -> Iterator[str]:
    data = summary.data
    yield f"# {escape(data.study.name)}: quality and energy"
    yield (
        f"{wording.count(len(summary.setups), 'setup')}, {wording.count(len(data.trials), 'trial')}, "
        f"{_repeats(summary)} of each, on {escape(data.study.machine.model)} "
        f"({escape(data.study.machine.compute)}). Energy is {escape(summary.basis.label)}."
    )
    if data.study.data.notice:
        yield f"> **{escape(data.study.data.notice)}**"


def _repeats(summary: Summary) -> str:
    """How often setups were run to an end, which need not be what the last session was asked for."""
    counts = {len(setup.trials) for setup in summary.setups if setup.trials} or {summary.data.study.repeats}
    if len(counts) == 1:
        return wording.count(counts.pop(), "repeat")
    return f"{min(counts)} to {wording.count(max(counts), 'repeat')}"


def _advice(summary: Summary) -> Iterator[str]:
    found = summary.recommendations
    yield "## What to do"
    if found.primary is None:
        yield f"Nothing can be recommended: {escape(found.reason)}."
        return
    yield f"**{escape(found.primary.action)}.**"
    if found.primary.impact is not None and (
        told := impact_sentence(found.primary.impact, confirmed=found.primary.confirmed)
    ):
        yield f"{escape(told)}."
    words = typed(summary.data, found.primary.change)
    if words:
        line = command(summary.data, words)
        fence = "`" * max(3, _longest_ticks(line) + 1)
        yield f"{fence}sh\n{line}\n{fence}"
    others = [f"- {escape(item.action)}." for item in found.items if not item.primary]
    if others:
        yield "\n".join(others)
    if found.unsettled:
        yield f"Not confirmed. {escape(found.unsettled)}"
    if found.primary.caveats:
        yield "\n".join(f"- Note: {escape(caveat)}." for caveat in found.primary.caveats)


def _front(summary: Summary) -> Iterator[str]:
    if not summary.front:
        return
    data, names = summary.data, wording.varying(summary.data)
    points = _spread(summary.front)
    shown = "" if len(points) == len(summary.front) else f", {len(points)} of its {len(summary.front)} points"
    yield f"## Front{shown}"
    head = [*names, "epoch", data.study.quality_name, "energy", "n"]
    rows = [_row([escape(name) for name in head]), _row(["---"] * len(head))]
    yield "\n".join([*rows, *(_row(_cells(point, names, in_points=wording.in_points(data))) for point in points)])
    yield (
        f"Best validation {escape(data.study.quality_name)} up to that epoch and joules up to it, means over n repeats "
        "with their standard deviation (SD). No choice of setup and epoch beats these in both."
    )


def _spread(front: Sequence[FrontPoint]) -> list[FrontPoint]:
    """At most ``MAX_FRONT`` points at equal distances, both ends among them."""
    if len(front) <= MAX_FRONT:
        return list(front)
    return [front[round(index * (len(front) - 1) / (MAX_FRONT - 1))] for index in range(MAX_FRONT)]


def _cells(point: FrontPoint, names: Sequence[str], *, in_points: bool) -> list[str]:
    quality, energy = wording.quality(point.quality, in_points=in_points), wording.energy(point.energy_j)
    if point.quality_sd is not None:
        quality += f" (SD {wording.quality(point.quality_sd, in_points=in_points)})"
    if point.energy_sd_j is not None:
        energy += f" (SD {wording.energy(point.energy_sd_j)})"
    params = [escape(wording.value(point.setup.params.get(name, ""))) for name in names]
    return [*params, str(point.epoch), quality, energy, str(point.n)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"


def _findings(summary: Summary) -> Iterator[str]:
    names, in_points = wording.varying(summary.data), wording.in_points(summary.data)
    told = list(paradigm_sentences(summary.paradigms, names, in_points=in_points))
    told += [] if summary.factors is None else factor_sentences(summary.factors)
    if told:
        yield "## Paradigms, and why the energy differs"
        yield "\n".join(f"- {escape(sentence)}" for sentence in told)


def _cost(summary: Summary) -> Iterator[str]:
    yield "## What the search cost"
    yield f"{wording.search_cost(summary.ledger.total_j, escape(summary.basis.label))}."
    told = [
        f"- Paid for after {wording.count(item.trainings, 'training')} ({escape(item.reference.replace('_', ' '))})."
        for item in summary.ledger.payback
        if item.trainings is not None
    ]
    if told:
        yield "\n".join(told)
    emitted = closing(summary.footprint)
    if emitted:
        yield f"{escape(emitted)}."
    footprint = footprint_sentences(summary.footprint)
    if footprint:
        yield "\n".join(f"- {escape(sentence)}" for sentence in footprint)


def _basis(summary: Summary) -> Iterator[str]:
    yield "## What the joules rest on"
    yield "\n".join(f"- {escape(sentence)}" for sentence in basis_sentences(summary.basis))
    yield f"Command: {_code(summary.data.study.command)}"


def _code(text: str) -> str:
    """Text as it is, on one line, between more backticks than stand in it."""
    ticks = "`" * (_longest_ticks(text) + 1)
    space = " " if "`" in text else ""
    return f"{ticks}{space}{' '.join(text.split())}{space}{ticks}"


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
