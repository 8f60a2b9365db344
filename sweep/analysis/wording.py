"""Numbers and setups as a reader says them: ``batch_size 1024 instead of 64``, ``71 % ± 4``, ``12.3 kJ``.

Plain text without markup; whoever prints it escapes it. An unknown value is ``unknown``, never 0.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sweep.analysis.once import once
from sweep.records import Domain, DomainEnergy, Provenance, Scope, StudyData

UNKNOWN = "unknown"
UNCOVERED = "of unknown origin"
ABOVE_IDLE = "above idle"
MAX_NUMBERS = 12
PREFIXES = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"))


def value(item: Any) -> str:
    """A param's value; floats with four digits (trials.csv has all)."""
    return f"{item:.4g}" if isinstance(item, float) else str(item)


@once
def varying(data: StudyData) -> tuple[str, ...]:
    """Names of the dimensions in which the trials differ, in the order of the search space."""
    params = [trial.params for trial in data.trials]
    names = dict.fromkeys(dimension.name for dimension in data.study.dimensions)
    for own in dict.fromkeys(map(tuple, params)):
        names.update(dict.fromkeys(own))
    return tuple(name for name in names if _differ(own[name] for own in params if name in own))


def _differ(items: Iterator[Any]) -> bool:
    first = repr(next(items, None))
    return any(repr(item) != first for item in items)


def setup(params: Mapping[str, Any], names: Sequence[str]) -> str:
    """A setup by the dimensions that tell it from the others."""
    told = [f"{name} {value(params[name])}" for name in names if name in params]
    return ", ".join(told) if told else "the only setup"


def change(new: Mapping[str, Any], old: Mapping[str, Any], names: Sequence[str]) -> str:
    """What differs from one setup to another: ``batch_size 1024 instead of 64``."""
    told = [
        f"{name} {value(new[name])} instead of {value(old[name])}"
        for name in names
        if name in new and name in old and new[name] != old[name]
    ]
    return " and ".join(told)


def energy(joules: float | None) -> str:
    """Joules with three digits and a prefix."""
    if joules is None:
        return UNKNOWN
    if joules == 0:
        return "0 J"
    factor, unit = next((p for p in PREFIXES if abs(joules) >= 0.9995 * p[0]), PREFIXES[-1])
    return f"{_three_digits(joules / factor)} {unit}"


def power(watts: float | None, u: float | None = None) -> str:
    """Watts with their standard uncertainty: ``12.3 W ± 0.1``."""
    if watts is None:
        return UNKNOWN
    text = f"{_three_digits(watts)} W"
    return text if u is None else f"{text} ± {u:.2g}"


def search_cost(total_j: float | None, label: str) -> str:
    """What the search spent and of what it is a sum, as a sentence without its full stop."""
    if total_j is None:
        return "What the search spent is not known"
    return f"The search spent {energy(total_j)}: {label}"


def duration(seconds: float | None) -> str:
    """Seconds as ``42 s``, ``3 min 20 s`` or ``2 h 05 min``."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def seconds(duration_s: float) -> str:
    """A duration; short ones keep their fractions."""
    return f"{duration_s:.2f} s" if duration_s < 60.0 else duration(duration_s)


def share(part: float, u: float | None = None) -> str:
    """A share as per cent with its half-width: ``71 % ± 4``."""
    digits = 0 if abs(part) >= 0.1 and (u is None or u >= 0.01) else 1
    text = f"{100 * part:.{digits}f} %"
    return text if u is None else f"{text} ± {100 * u:.{digits}f}"


def saved(part: float, u: float | None = None) -> str:
    """A saving as a share: ``71 % ± 4 of the joules saved``, or ``40 % more joules`` where it is none."""
    return f"{share(part, u)} of the joules saved" if part >= 0 else f"{share(-part, u)} more joules"


def quality(amount: float | None, *, in_points: bool, u: float | None = None) -> str:
    """A quality: ``93.1 % ± 0.4`` where all lie in [0, 1], else the plain number."""
    if amount is None:
        return UNKNOWN
    text = f"{100 * amount:.1f} %" if in_points else f"{amount:.4g}"
    if u is None:
        return text
    return f"{text} ± {100 * u:.1f}" if in_points else f"{text} ± {u:.2g}"


def gain(amount: float, *, in_points: bool, u: float | None = None) -> str:
    """A difference of qualities with its sign: ``-0.4 ± 0.6 points``."""
    scaled = 100 * amount if in_points else amount
    text = f"{scaled:+.1f}" if in_points else f"{scaled:+.3g}"
    text = "0.0" if text in ("-0.0", "+0.0") else text
    if u is not None:
        text += f" ± {100 * u:.1f}" if in_points else f" ± {u:.2g}"
    return f"{text} points" if in_points else text


def in_points(data: StudyData) -> bool:
    """Whether differences of this study's quality can be told in points of a hundred."""
    known = [trial.quality for trial in data.trials if trial.quality is not None]
    return bool(known) and min(known) >= 0.0 and max(known) <= 1.0


def provenance(domains: Iterable[Domain | DomainEnergy]) -> str:
    """Where the total's joules come from: ``modelled``, ``measured + modelled`` or ``above idle, measured``."""
    summed = [domain for domain in domains if domain.additive]
    kinds = " + ".join(sorted({str(domain.provenance) for domain in summed})) or UNCOVERED
    return f"{ABOVE_IDLE}, {kinds}" if any(isinstance(d, Domain) and d.above_idle for d in summed) else kinds


def energy_label(domains: Iterable[Domain]) -> str:
    """What a total is a sum of: ``gpu:0 (whole device, measured) + cpu:process (this process, modelled)``.

    Joules of whole devices and of one process, measured and modelled ones, add up to a number only beside this label.
    Domains that do not enter the total are left out.
    """
    groups: dict[tuple[Scope | None, Provenance, bool], list[str]] = {}
    for domain in domains:
        if domain.additive:
            groups.setdefault((domain.scope, domain.provenance, domain.above_idle), []).append(domain.name)
    told = (
        f"{', '.join(names)} ({kind(scope, source, n=len(names))}{f', {ABOVE_IDLE}' if is_above else ''})"
        for (scope, source, is_above), names in groups.items()
    )
    return " + ".join(told) or UNCOVERED


def kind(scope: Scope | None, provenance: Provenance, *, n: int = 1) -> str:
    """Whose joules those of ``n`` domains are, and where they come from: ``whole device, measured``."""
    return ", ".join(part for part in (whose(scope, n=n), str(provenance)) if part)


def whose(scope: Scope | None, *, n: int = 1) -> str:
    """Whose joules those of ``n`` domains are; empty in records of before version 3."""
    if scope is None:
        return ""
    return "this process" if scope is Scope.PROCESS else "whole device" if n == 1 else "whole devices"


def count(n: int, noun: str) -> str:
    """A number of things: ``1 trial``, ``3 trials``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def numbers(items: Iterable[int]) -> str:
    """Trial numbers as ``0, 3, 7``."""
    return ", ".join(str(item) for item in items)


def trials(items: Sequence[int]) -> str:
    """Trials by their numbers, or how many if there are more than ``MAX_NUMBERS``."""
    if len(items) > MAX_NUMBERS:
        return count(len(items), "trial")
    return f"trial{'s' if len(items) > 1 else ''} {numbers(items)}"


def _three_digits(amount: float) -> str:
    decimals = max(0, 2 - math.floor(math.log10(abs(amount)))) if amount else 0
    return f"{amount:.{min(decimals, 2)}f}"
