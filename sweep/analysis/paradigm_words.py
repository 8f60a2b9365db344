"""Comparisons of learning paradigms in words, for console, report, notes and JSON alike.

Plain text. "Never" is a result and said as one; a number without repeats is said to be seen once.
"""

import math
from collections.abc import Iterator

from sweep.analysis import wording
from sweep.analysis.amortisation import Amortisation, AmortisedRow
from sweep.analysis.break_even import BreakEven, BreakEvenLine, Extremes, Interval, Verdict
from sweep.analysis.freezing import Freezing
from sweep.analysis.multitask import MultiTask
from sweep.analysis.paradigms import Paradigms
from sweep.analysis.saving import Saving
from sweep.analysis.wording import count

NEVER = "never"
BASELINE = "the baseline"


def trainings(number: float | None) -> str:
    """A number of trainings with three digits; ``None`` is never."""
    if number is None:
        return NEVER
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def interval(found: Interval | None) -> str:
    """``3.1 to 5.2``, ``3.1 to never``; empty without repeats."""
    if found is None:
        return ""
    if found.low is None:
        return NEVER
    return f"{trainings(found.low)} to {trainings(found.high)}"


def is_known(item: BreakEven) -> str:
    """Break-even of one setup: a number, never, or unknown."""
    return wording.UNKNOWN if item.joules is None else trainings(item.trainings)


def comparison(item: BreakEven) -> str:
    """What the quality gap makes of a break-even."""
    if item.diverged:
        return f"not comparable: {wording.trials(item.diverged)} diverged"
    told = {
        Verdict.COMPARABLE: "comparable",
        Verdict.BETTER: f"{item.paradigm} is better by more than the noise",
        Verdict.INCOMPARABLE: f"not comparable: {item.paradigm} is worse by more than the noise",
        Verdict.UNKNOWN: "whether the qualities differ is not known",
    }
    return told[item.verdict]


def called(paradigm: str, *, is_cached: bool) -> str:
    """A paradigm, and whether its features are computed once, which changes equation 2."""
    return f"{paradigm} (features cached)" if is_cached else paradigm


def break_even_sentences(line: BreakEvenLine, names: tuple[str, ...]) -> tuple[str, ...]:
    """What reusing a pretraining is worth, over setups."""
    name = called(line.paradigm, is_cached=line.is_cached)
    if line.all is None:
        reasons = "; ".join(dict.fromkeys(item.reason for item in line.items if item.reason))
        return (f"The break-even of {name} is not known: {reasons}.",)
    return tuple(_break_even(line, line.all, name, names))


def _break_even(line: BreakEvenLine, found: Extremes, name: str, names: tuple[str, ...]) -> Iterator[str]:
    once = "" if found.interval else ", seen in one run each"
    if found.best is None or found.worst is None:
        yield f"The pretraining of {name} never pays for itself, in none of {count(found.n, 'setup')}{once}."
    else:
        never = f" of {found.n}; in {found.n_never} it never does" if found.n_never else ""
        yield (
            f"The pretraining of {name} has paid for itself after {trainings(found.best.trainings)} trainings at best "
            f"({wording.setup(found.best.params, names)}) and {trainings(found.worst.trainings)} at worst "
            f"({wording.setup(found.worst.params, names)}), {trainings(found.mean)}{_told(found.mean_interval)} in the "
            f"mean over the {count(found.n - found.n_never, 'setup')} where it does{never}{once}."
        )
    yield (
        f"With the mean joules of all setups, {wording.energy(found.joules.pretraining_j)} to pretrain, then "
        f"{wording.energy(found.joules.downstream_j)} instead of {wording.energy(found.joules.baseline_j)} a training, "
        f"break-even is {trainings(found.joules.trainings)}{_told(found.interval)}."
    )
    fair = line.comparable.n if line.comparable else 0
    if fair < found.n:
        yield (
            f"In {fair} of {found.n} setups the quality is not worse than that of {BASELINE} by more than the noise; "
            "elsewhere the joules buy less, and break-even says nothing."
        )


def _told(found: Interval | None) -> str:
    return "" if found is None else f" ({interval(found)})"


def freezing_sentence(found: Freezing, *, in_points: bool) -> str:
    """Frozen against trained-on, in one sentence."""
    against = called(found.frozen, is_cached=found.is_cached)
    gap = "at unknown quality"
    if found.quality_gap is not None:
        gain = wording.gain(found.quality_gap, in_points=in_points, u=found.quality_gap_u)
        gap = f"for {gain} of quality in the mean"
    return (
        f"After the pretraining, {against} {_saves(found.saving)} of the joules of {found.finetuned} {gap}; "
        f"it saves in {found.saving.n_saving} of {count(len(found.saving.setups), 'setup')}."
    )


def _saves(found: Saving) -> str:
    if found.saving_rel is None:
        return "saves an unknown share"
    verb = "saves" if found.saving_rel >= 0 else "costs a further"
    low_high = "" if found.low is None or found.high is None else f" ({_signed(found.low)} to {_signed(found.high)})"
    return f"{verb} {wording.share(abs(found.saving_rel))}{low_high}"


def _signed(part: float) -> str:
    return f"-{wording.share(-part)}" if part < 0 else wording.share(part)


def multitask_sentence(found: MultiTask) -> str:
    """Several heads at once against one by one."""
    heads = ", ".join(found.heads)
    if found.saving is None:
        return f"The joules of multitask against single tasks ({heads}) are not comparable: {found.reason}."
    return (
        f"One training of {heads} together {_saves(found.saving)} of the joules of {len(found.heads)} single-task "
        f"trainings ({wording.energy(found.saving.energy_j)} instead of {wording.energy(found.saving.reference_j)}, "
        f"mean over {count(len(found.saving.setups), 'setup')})."
    )


def amortisation_sentences(found: Amortisation, names: tuple[str, ...]) -> tuple[str, ...]:
    """How the recommendation changes with the number of trainings that share a pretraining."""
    first = found.rows[0]
    if first.point is None:
        return ()
    start = f"Trained once, {wording.setup(first.point.setup.params, names)} is the recommendation"
    if not found.changes:
        return (f"{start}, and it stays so however many trainings share a pretraining.",)
    return (f"{start}.", *(_change(row, names) for row in found.changes))


def _change(row: AmortisedRow, names: tuple[str, ...]) -> str:
    setup = "nothing" if row.point is None else wording.setup(row.point.setup.params, names)
    if math.isinf(row.reuses):
        return f"Only if the pretraining costs nothing, {setup} is the recommendation."
    return f"From {count(int(row.reuses), 'training')} that share a pretraining on, {setup} is the recommendation."


def paradigm_sentences(found: Paradigms, names: tuple[str, ...], *, in_points: bool) -> tuple[str, ...]:
    """All of it; ``names`` are the dimensions that tell setups apart, the paradigm's among them."""
    told = [sentence for line in found.break_even for sentence in break_even_sentences(line, names)]
    told += [freezing_sentence(item, in_points=in_points) for item in found.freezing]
    if found.multitask is not None:
        told.append(multitask_sentence(found.multitask))
    if found.amortisation is not None:
        told += amortisation_sentences(found.amortisation, names)
    return tuple(told)
