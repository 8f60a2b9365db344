"""What the joules of a study rest on, in words, the same in the report, its JSON and the notes; without markup."""

from collections.abc import Iterator

from sweep.analysis import wording
from sweep.analysis.basis import Basis, Disturbed
from sweep.analysis.domains import MOVED_REL, DomainRow, PolledRatio
from sweep.records import Provenance

REDO = "study.redo=contaminated does them again"


def basis_sentences(found: Basis) -> tuple[str, ...]:
    """What a reader must know before using the joules; the first says what they are a sum of."""
    return (
        f"Energy is {found.label}.",
        *mixture_sentences(found),
        *_idle(found),
        *_idle_kept(found),
        *_polled(found),
        *_gaps(found),
        *_disturbed(found),
        *_superseded(found),
        *_steadiness(found),
    )


def mixture_sentences(found: Basis) -> Iterator[str]:
    """That unlike joules are added, if they are."""
    summed = [row.domain for row in found.domains if row.domain.additive]
    if len({domain.provenance for domain in summed}) > 1:
        yield "The total adds joules of different provenance, so it is not a measured one."
    if len({domain.scope for domain in summed}) > 1:
        yield "The total adds joules of whole devices, whoever used them, to joules of this process alone."


def disturbance(item: Disturbed) -> str:
    """What other programs did to a trial; records of before version 3 know only the waiting."""
    reasons = list(item.reasons)
    if not reasons and item.wait_share is not None:
        reasons.append(f"it waited {wording.share(item.wait_share)} of its time")
    return "; ".join(reasons) or "the reason was not recorded"


def _idle(found: Basis) -> Iterator[str]:
    """Idle powers that are not known, those of one reason together, and those that moved."""
    unknown: dict[str, list[str]] = {}
    for row in found.domains:
        if row.before is None and row.after is None and row.domain.provenance is Provenance.MEASURED:
            unknown.setdefault("was not measured", []).append(row.domain.name)
        for when, idle in (("before", row.before), ("after", row.after)):
            if idle is not None and not (idle.quiet and idle.power_w is not None):
                reason = idle.reason or "the counter did not tell"
                unknown.setdefault(f"is not known from {when} the study: {reason}", []).append(row.domain.name)
    for what, names in unknown.items():
        yield f"Idle power of {', '.join(names)} {what}."
    for row in found.domains:
        yield from _idle_moved(row)


def _idle_moved(row: DomainRow) -> Iterator[str]:
    before, after = row.before, row.after
    if row.has_moved and before is not None and after is not None and row.moved_rel is not None:
        was, became = (wording.power(idle.power_w, idle.power_u_w) for idle in (before, after))
        verb = "rose" if row.moved_rel > 0.0 else "fell"
        yield (
            f"Idle power of {row.domain.name} {verb} by {wording.share(abs(row.moved_rel))}, from {was} before the "
            f"study to {became} after it, so joules above idle depend on when it was taken."
        )


def _idle_kept(found: Basis) -> Iterator[str]:
    names = [row.domain.name for row in found.domains if row.has_moved is False]
    if names:
        yield (
            f"Idle power of {', '.join(names)} was the same before and after the study within "
            f"{wording.share(MOVED_REL)} or two standard uncertainties."
        )


def _polled(found: Basis) -> Iterator[str]:
    if found.polled:
        told = (_ratio(item) for item in found.polled)
        yield f"Mean polled power times duration (equation 1), against the counter: {'; '.join(told)}."


def _ratio(item: PolledRatio) -> str:
    spread = "" if item.sd is None else f" (SD {100.0 * item.sd:.1f}, {item.n} trials)"
    return f"{item.domain} {100.0 * (item.mean - 1.0):+.1f} %{spread}"


def _gaps(found: Basis) -> Iterator[str]:
    if found.gaps:
        numbers = sorted({row.number for row in found.gaps})
        longest = max(found.gaps, key=lambda row: row.gap_s)
        yield (
            f"Holes in the counters were bridged in {wording.trials(numbers)}, at most "
            f"{wording.seconds(longest.gap_s)} ({longest.domain}, trial {longest.number}); "
            "the uncertainty of these joules says so."
        )


def disturbed_sentence(found: Basis) -> str | None:
    """That other programs disturbed trials, and what to do about it; ``None`` if they did not."""
    return next(_disturbed(found), None)


def _disturbed(found: Basis) -> Iterator[str]:
    if found.disturbed:
        domains = dict.fromkeys(name for item in found.disturbed for name in item.domains)
        held = f", and their joules are in {', '.join(domains)}" if domains else ""
        yield f"Other programs disturbed {wording.trials([item.number for item in found.disturbed])}{held}: {REDO}."


def _superseded(found: Basis) -> Iterator[str]:
    if found.superseded:
        numbers = wording.trials(sorted(found.superseded))
        yield f"Done again, and left out of every comparison: {numbers}. The ledger counts their joules."


def _steadiness(found: Basis) -> Iterator[str]:
    trials = f"{wording.count(found.n_steadiness, 'trial')} long enough to tell"
    if found.unsteady:
        number, worst = found.unsteady[0]
        yield (
            f"Power was not steady in {len(found.unsteady)} of {trials}: it changed by "
            f"{100.0 * worst.drift_rel:+.0f} % from the first to the last third of trial {number}."
        )
    elif found.n_steadiness:
        yield f"Power was steady in all of {trials}."
