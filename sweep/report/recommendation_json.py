"""Recommendations as plain mappings, for the JSON report.

confidence, reason, unsettled
items  kind, also (other kinds that chose the same point), primary, action (a sentence), confirmed, evidence (trial
       numbers), caveats
       params, epoch, quality, quality_u, energy_j, quality_test   of the setup to train; null where it is about none
       reference {against, params, epoch}, saving_j, saving_rel, saving_rel_u, quality_difference,
       quality_difference_u                                        against the reference; null without one
       versus [as the six before]          against today's setup, else the setups of median and of most joules
       saving {energy_j, rel, rel_u, at_most}                      what is claimed; null where nothing is
       change      Hydra overrides by key; overrides and command: the same as words to type
       price_j     joules that following it costs once
       impact      {per_training, per_year {energy_j, co2e_kg, money: value, low, high}, trainings_per_year, currency,
                   co2e_source}
"""

from typing import Any

from sweep.analysis.changes import command, typed
from sweep.analysis.noise import Difference, mean_u
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Against, Impact, Recommendation, Recommendations, Versus, Worth
from sweep.records import StudyData

NO_DIFFERENCE = dict.fromkeys(("saving_j", "saving_rel", "saving_rel_u", "quality_difference", "quality_difference_u"))


def recommendations_entry(data: StudyData, found: Recommendations) -> dict[str, Any]:
    """The section of the report."""
    return {
        "confidence": found.noise.confidence,
        "reason": found.reason,
        "unsettled": found.unsettled,
        "items": [_item(data, item, found) for item in found.items],
    }


def _item(data: StudyData, item: Recommendation, found: Recommendations) -> dict[str, Any]:
    test = item.quality_test
    overrides = typed(data, item.change, item.called)
    return {
        "kind": item.kind.value,
        "also": [kind.value for kind in item.also],
        "primary": item.primary,
        "action": item.action,
        **_point(item.point, found),
        "reference": None if item.reference is None else _reference(item.against, item.reference),
        **_difference(item.difference),
        "versus": [_versus(start) for start in item.versus],
        "saving": item.saving and item.saving._asdict(),
        "change": item.change,
        "overrides": list(overrides),
        "command": command(data, overrides) if overrides else None,
        "price_j": item.price_j,
        "impact": item.impact and _impact(item.impact),
        "confirmed": item.confirmed,
        "evidence": list(item.evidence),
        "caveats": list(item.caveats),
        "quality_test": test and test._asdict(),
    }


def _point(point: FrontPoint | None, found: Recommendations) -> dict[str, Any]:
    if point is None:
        return dict.fromkeys(("params", "epoch", "quality", "quality_u", "energy_j"))
    return {
        "params": point.setup.params,
        "epoch": point.epoch,
        "quality": point.quality,
        "quality_u": mean_u(found.noise, point.n, point.trials),
        "energy_j": point.energy_j,
    }


def _reference(against: Against | None, reference: FrontPoint) -> dict[str, Any]:
    return {"against": against and against.value, "params": reference.setup.params, "epoch": reference.epoch}


def _difference(difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return dict(NO_DIFFERENCE)
    return {
        "saving_j": difference.saving_j,
        "saving_rel": difference.saving_rel,
        "saving_rel_u": difference.saving_rel_u,
        "quality_difference": difference.quality,
        "quality_difference_u": difference.quality_u,
    }


def _versus(start: Versus) -> dict[str, Any]:
    return {"reference": _reference(start.against, start.reference), **_difference(start.difference)}


def _impact(impact: Impact) -> dict[str, Any]:
    return impact._asdict() | {
        "per_training": _worth(impact.per_training),
        "per_year": impact.per_year and _worth(impact.per_year),
    }


def _worth(worth: Worth) -> dict[str, Any]:
    return {name: amount and amount._asdict() for name, amount in worth._asdict().items()}
