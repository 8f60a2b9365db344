"""The warm-up test in words, so that the report, its JSON and a monitor say the same. Plain text without markup."""

from sweep.analysis import wording
from sweep.analysis.drift import MIN_LATER, MIN_TRIALS, Drift, Effect

MAX_NUMBERS = 12


def drift_sentences(found: Drift) -> tuple[str, ...]:
    """What was found, as plain sentences; the first one is the answer."""
    if found.first is None:
        return (
            f"No undisturbed trial is long enough ({1 + MIN_LATER} epochs) to compare the first epoch with later ones.",
            *_left_out(found),
        )
    return (_first(found, found.first), *_trend_words(found), _sensors(found), *_left_out(found))


def _first(found: Drift, first: Effect) -> str:
    sentence = f"Energy per step in the first epoch was {_change(first.size_rel)} the later median ({_evidence(first)})"
    if first.p is not None and not _is_real(found, first):
        sentence += ", which may be chance"
    if found.warm_up_epochs > 1:
        sentence += f"; epochs 1 to {found.warm_up_epochs} were each dearer than what followed"
    return f"{sentence}."


def _trend_words(found: Drift) -> tuple[str, ...]:
    trend = found.trend
    if trend is None:
        return ()
    when = f"after epoch {found.warm_up_epochs}" if found.warm_up_epochs else "over all epochs"
    if trend.p is not None and not _is_real(found, trend):
        return (f"No trend is seen {when} ({_evidence(trend)}).",)
    verb = "rose" if trend.size_rel > 0 else "fell"
    return (f"It {verb} by {_per_cent(trend.size_rel)} an epoch {when} ({_evidence(trend)}).",)


def _sensors(found: Drift) -> str:
    told = [
        f"{name} went from {item.first:.{digits}f} to {item.last:.{digits}f} {unit}"
        + ("" if item.correlation is None else f" (rank correlation with energy per step {item.correlation:+.2f})")
        for name, item, unit, digits in (
            ("temperature", found.temperature, "°C", 1),
            ("clock", found.clock, "MHz", 0),
        )
        if item is not None
    ]
    missing = [name for name, item in (("temperature", found.temperature), ("clock", found.clock)) if item is None]
    if missing:
        told.append(f"no sensor gave {' or '.join(missing)}")
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _left_out(found: Drift) -> tuple[str, ...]:
    if not found.disturbed:
        return ()
    few = len(found.disturbed) <= MAX_NUMBERS
    trials = f"trial {wording.numbers(found.disturbed)}" if few else wording.count(len(found.disturbed), "trial")
    return (f"Left out, since other programs disturbed them: {trials}.",)


def _is_real(found: Drift, effect: Effect) -> bool:
    return effect.p is not None and effect.p < 1.0 - found.confidence


def _evidence(effect: Effect) -> str:
    trials = wording.count(effect.n, "trial")
    if effect.p is None:
        return f"{trials}: too few to test, {MIN_TRIALS} are needed"
    return f"p {'< 0.001' if effect.p < 0.001 else f'= {effect.p:.2g}'}, {trials}"


def _change(size_rel: float) -> str:
    return f"{_per_cent(size_rel)} {'below' if size_rel < 0 else 'above'}"


def _per_cent(size_rel: float) -> str:
    amount = 100.0 * abs(size_rel)
    return f"{amount:.0f} %" if amount >= 10.0 else f"{amount:.2g} %"
