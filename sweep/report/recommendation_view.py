"""Recommendations as cards of plain text: what to do, how to type it, what it saves and costs, and what it rests on.

The template escapes everything. A number that is not known has no line of its own, rather than a line that says so.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.changes import command, typed
from sweep.analysis.footprint_words import co2e, money
from sweep.analysis.recommendation import CALLED, Impact, Kind, Recommendation, Saving, Worth
from sweep.analysis.summary import Summary
from sweep.records import StudyData

TITLES = {
    Kind.CHEAPEST_WITHIN_NOISE: "Cheapest within the noise",
    Kind.MOST_ACCURATE: "Most accurate",
    Kind.NO_CHANGE: "Change nothing",
    Kind.STOP_EARLIER: "Stop earlier",
    Kind.CHEAPER_AT_CURRENT_QUALITY: "Cheaper at today's quality",
    Kind.KNEE: "Knee of the front",
    Kind.WITHIN_BUDGET: "Best within the budget",
    Kind.VERSUS_MEDIAN: "Against the setup of median energy",
    Kind.VERSUS_WORST: "Against the setup of most energy",
    Kind.PARADIGM: "Learning paradigm",
    Kind.DIMENSION: "What to tune first",
    Kind.LAYER: "A layer worth a trial",
    Kind.MEASURE_BETTER: "Measure better",
}

MAX_EVIDENCE = 24
"""Trials that are named one by one; of more the first are, and JSON has all."""


class Card(NamedTuple):
    """One recommendation.

    Attributes:
        titles: of its kind, and of the other kinds that chose the same.
        facts: what it saves, costs and rests on, each with its name.
        overrides: the change of the config, one a line; empty where nothing changes.
        command: the study's own command with them.
        epoch: at which to stop; ``None`` where it is about no setup.
    """

    titles: tuple[str, ...]
    action: str
    primary: bool
    facts: tuple[tuple[str, str], ...]
    overrides: tuple[str, ...]
    command: str
    caveats: tuple[str, ...]
    evidence: str
    epoch: int | None


def cards(summary: Summary) -> list[Card]:
    """All recommendations of a study, the primary first."""
    return [_card(summary.data, item) for item in summary.recommendations.items]


def _card(data: StudyData, item: Recommendation) -> Card:
    words = typed(data, item.change, item.called)
    return Card(
        titles=tuple(TITLES[kind] for kind in item.kinds),
        action=item.action,
        primary=item.primary,
        facts=tuple(_facts(data, item)),
        overrides=words,
        command=command(data, words) if words else "",
        caveats=item.caveats,
        evidence=_evidence(item.evidence),
        epoch=item.point.epoch if item.point else None,
    )


def reference(item: Recommendation) -> str:
    """What a recommendation is compared with."""
    return CALLED[item.against] if item.against else "the most accurate setup"


def _facts(data: StudyData, item: Recommendation) -> Iterator[tuple[str, str]]:
    points = wording.in_points(data)
    if item.saving is not None:
        yield "Saves", _saving(item.saving) + (f", against {reference(item)}" if item.against else "")
    if item.difference is not None:
        gained = wording.gain(item.difference.quality, in_points=points, u=item.difference.quality_u)
        yield "Quality", f"{gained} of {data.study.quality_name} (validation)"
    if item.quality_test is not None:
        sd = item.quality_test.sd
        spread = "" if sd is None else f" (SD {wording.quality(sd, in_points=points)}, n = {item.quality_test.n})"
        yield "On test data", f"{wording.quality(item.quality_test.mean, in_points=points)}{spread}"
    elif item.point is not None:
        yield "On test data", "not tested"
    for versus in item.versus if item.primary else ():
        told = wording.saved(versus.difference.saving_rel, versus.difference.saving_rel_u)
        gained = wording.gain(versus.difference.quality, in_points=points, u=versus.difference.quality_u)
        yield f"Against {CALLED[versus.against]}", f"{told}, {gained} of quality"
    if item.price_j is not None:
        yield "Costs once", wording.energy(item.price_j)
    if item.impact is not None:
        yield from _impact(item.impact, told_source=item.primary)
    yield "Confidence", _confidence(item)


def _saving(saving: Saving) -> str:
    most, share = "at most " if saving.at_most else "", wording.share(saving.rel, saving.rel_u)
    return f"{most}{share} of the joules, {wording.energy(saving.energy_j)} a training"


def _impact(impact: Impact, *, told_source: bool) -> Iterator[tuple[str, str]]:
    told = _worth(impact.per_training, impact)
    if told:
        source = f" ({impact.co2e_source})" if told_source and impact.co2e_source else ""
        yield "Each training saves", f"{told}{source}"
    if impact.per_year is not None and impact.trainings_per_year:
        yearly = ", ".join(
            part for part in (wording.energy(impact.per_year.energy_j.value), _worth(impact.per_year, impact)) if part
        )
        yield f"Each year of {impact.trainings_per_year:g} trainings saves", yearly


def _worth(worth: Worth, impact: Impact) -> str:
    told = [f"{co2e(worth.co2e_kg)} CO2e"] if worth.co2e_kg else []
    return ", ".join([*told, money(worth.money, impact.currency)] if worth.money else told)


def _confidence(item: Recommendation) -> str:
    if item.confirmed:
        return f"repeats stand behind it; ± is the {wording.share(item.confidence)} interval"
    return "not confirmed: seen once, without an interval from repeats"


def _evidence(numbers: tuple[int, ...]) -> str:
    if len(numbers) <= MAX_EVIDENCE:
        return wording.numbers(numbers)
    return f"{wording.numbers(numbers[:MAX_EVIDENCE])} and {len(numbers) - MAX_EVIDENCE} more"
