"""A comparison in sentences and cells: plain text, the same for the page, the console and JSON."""

from collections.abc import Iterator
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.comparing.carry import Carry, Choice
from sweep.analysis.comparing.comparison import Comparison
from sweep.analysis.comparing.pairs import Ratio
from sweep.analysis.comparing.paradigms import Figure, Quantity, Row
from sweep.analysis.comparing.ranks import LEAST, Rank
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.summary import Summary
from sweep.records import StudyRecord

CHOICES = {Choice.RECOMMENDATION: "recommendation", Choice.MOST_ACCURATE: "most accurate setup"}
NEVER = "never"
ONE_RUN = "one run each, not confirmed"


class Style(NamedTuple):
    """How the setups and qualities of both studies are spoken of.

    Attributes:
        names: dimensions that differ between setups.
        in_points: whether differences of quality are told in points of a hundred.
    """

    names: tuple[str, ...]
    in_points: bool


def style(found: Comparison) -> Style:
    """Of a comparison."""
    data = found.a.data, found.b.data
    names = dict.fromkeys(name for item in data for name in wording.varying(item))
    return Style(tuple(names), all(wording.in_points(item) for item in data))


def machine(summary: Summary) -> str:
    """On what a study ran: ``cuda:0 (NVIDIA RTX 6000, on bench)``."""
    told = summary.data.study.machine
    return f"{told.compute} ({told.model}, {wording.count(told.threads, 'thread')}, on {told.host})"


def warnings(found: Comparison) -> tuple[str, ...]:
    """What a reader must know before the first number; empty if the studies differ in nothing serious."""
    return tuple(f"{item.topic}: {item.means}. A: {item.a}. B: {item.b}." for item in found.serious)


def over(found: Comparison) -> str:
    """Whose joules a ratio divides: ``measured / modelled`` where the provenances differ, else empty."""
    kinds = [wording.provenance(side.data.study.domains) for side in (found.b, found.a)]
    return "" if kinds[0] == kinds[1] else f"{kinds[0]} / {kinds[1]}"


def sentences(found: Comparison) -> tuple[str, ...]:
    """What carries over, the order of the setups first."""
    told = style(found)
    energy = next(item for item in found.ranks if item.quantity == "energy")
    return (
        _order(energy, found.confidence),
        *(_carry(item, told) for item in found.carries),
        _overall(found),
    )


def ratio(item: Ratio) -> str:
    """``3.21 (3.05 to 3.38)``."""
    text = _factor(item.value)
    return text if item.low is None or item.high is None else f"{text} ({_factor(item.low)} to {_factor(item.high)})"


def rho(item: Rank) -> str:
    """``0.93 (0.80 to 0.98)``, or why not."""
    if item.rho is None:
        return "not known: too few setups" if item.n < 3 else "not known: one side has a single value"
    if item.low is None or item.high is None:
        return f"{item.rho:.2f} (no interval below {LEAST} setups)"
    return f"{item.rho:.2f} ({item.low:.2f} to {item.high:.2f})"


def quantity(row: Row) -> str:
    """What a row of paradigms is of."""
    cached = ", features cached" if row.is_cached else ""
    if row.quantity is Quantity.BREAK_EVEN:
        return f"break-even of {row.paradigm}{cached}, in trainings"
    return f"downstream joules saved by {row.paradigm}{cached}"


def figure(row: Row, item: Figure) -> str:
    """A number of a row: ``10.5 (8.2 to never)``."""
    if row.quantity is Quantity.BREAK_EVEN:
        text = NEVER if item.value is None else f"{item.value:.3g}"
        if item.low is None:
            return text
        return f"{text} ({item.low:.3g} to {NEVER if item.high is None else f'{item.high:.3g}'})"
    text = wording.UNKNOWN if item.value is None else wording.share(item.value)
    if item.low is None or item.high is None:
        return text
    return f"{text} ({wording.share(item.low)} to {wording.share(item.high)})"


def _order(item: Rank, confidence: float) -> str:
    told = f"Spearman's rho of the setups' energy is {rho(item)} over {wording.count(item.n, 'setup')}"
    if item.rho is None or item.low is None or item.high is None:
        return f"Whether the order of the setups by energy carries over cannot be told: {told}."
    level = f"{wording.share(confidence)} interval"
    if item.low > 0.0:
        return f"The order of the setups by energy carries over: {told} ({level} in brackets)."
    if item.high < 0.0:
        return f"The order of the setups by energy is turned round: {told} ({level} in brackets)."
    return f"The order of the setups by energy does not show to carry over: {told} ({level} in brackets)."


def _overall(found: Comparison) -> str:
    item, n = found.overall, len(found.pairs)
    spread = wording.count(n, "setup") + (f", from {_factor(item.low)} to {_factor(item.high)}" if n > 1 else "")
    kinds = f"{over(found)}; " if over(found) else ""
    told = f"B takes {_factor(item.mean)} times the joules of A ({kinds}geometric mean of {spread})"
    if item.scale_u_rel is None:
        return f"{told}. How far the scales of the two meters are off is not known."
    return (
        f"{told}. This factor is uncertain by {wording.share(item.scale_u_rel)} (standard uncertainty), the same in "
        "every ratio: the scales of two meters do not cancel."
    )


def _carry(item: Carry, told: Style) -> str:
    whose = f"{item.chosen_in}'s {CHOICES[item.kind]}"
    if item.choice is not None:
        whose += f" ({_point(item.choice, told)})"
    if item.difference is None or item.point is None or item.own is None:
        return f"{whose}: what it is worth on {item.used_in} is not known, {item.reason}."
    if item.is_same:
        return f"{whose} is that of {item.used_in} too."
    return f"{whose}, on {item.used_in}, {_cost(item)} {_gain(item, told)}: {_verdict(item)}."


def _point(point: FrontPoint, told: Style) -> str:
    return f"{wording.setup(point.setup.params, told.names)}, stopped at epoch {point.epoch}"


def _cost(item: Carry) -> str:
    found, lost_j, lost_rel = item.difference, item.lost_j or 0.0, item.lost_rel or 0.0
    u = None if found is None else found.saving_rel_u
    word = "more" if lost_rel >= 0.0 else "fewer"
    return f"takes {wording.share(abs(lost_rel), u)} {word} joules ({wording.energy(abs(lost_j))} a training)"


def _gain(item: Carry, told: Style) -> str:
    found = item.difference
    gain = "" if found is None else wording.gain(found.quality, in_points=told.in_points, u=found.quality_u)
    return f"than {item.used_in}'s own, for {gain} of quality"


def _verdict(item: Carry) -> str:
    if item.is_within_noise is None:
        return ONE_RUN
    return "no worse than the noise" if item.is_within_noise else "worse by more than the noise"


def _factor(item: float) -> str:
    return f"{item:.2f}" if 0.1 <= item < 100.0 else f"{item:.3g}"


def header_rows(found: Comparison) -> Iterator[tuple[str, str, str]]:
    """What each study is: label, A, B."""
    a, b = found.a, found.b
    first, second = a.data.study, b.data.study
    yield "study", first.name, second.name
    yield "started", first.created_at, second.created_at
    yield "machine", machine(a), machine(b)
    yield "energy", a.basis.label, b.basis.label
    yield "data", _data(first), _data(second)
    yield "trials", str(len(a.data.trials)), str(len(b.data.trials))
    yield "repeats", str(first.repeats), str(second.repeats)


def _data(study: StudyRecord) -> str:
    return f"{study.data.description or 'not described'} ({study.data.source})"
