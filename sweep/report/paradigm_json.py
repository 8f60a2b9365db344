"""Comparisons of paradigms, and what rules the energy, as JSON-ready mappings; fields stand in ``json_report``."""

import math
from typing import Any

from sweep.analysis.amortisation import Amortisation, AmortisedRow
from sweep.analysis.break_even import BreakEven, BreakEvenLine, Extremes, Interval
from sweep.analysis.energy_factors import Decompositions
from sweep.analysis.factor_words import factor_sentences
from sweep.analysis.paradigm_words import paradigm_sentences
from sweep.analysis.saving import Saving
from sweep.analysis.summary import Summary
from sweep.analysis.wording import in_points, varying


def break_even_entries(summary: Summary) -> list[dict[str, Any]]:
    """One entry for each setup and pretrained paradigm."""
    return [_entry(item) for line in summary.paradigms.break_even for item in line.items]


def paradigms_entry(summary: Summary) -> dict[str, Any] | None:
    """All comparisons but the entries of break-even; ``None`` where there is nothing to tell."""
    found = summary.paradigms
    if found.is_empty:
        return None
    multitask = found.multitask
    names, points = varying(summary.data), in_points(summary.data)
    return {
        "sentences": list(paradigm_sentences(found, names, in_points=points)),
        "break_even": [_line(line) for line in found.break_even],
        "freezing": [item._asdict() | {"saving": _saving(item.saving)} for item in found.freezing],
        "amortisation": None if found.amortisation is None else _amortisation(found.amortisation),
        "multitask": None
        if multitask is None
        else {
            "heads": list(multitask.heads),
            "saving": _saving(multitask.saving),
            "reason": multitask.reason,
            "left_out": multitask.left_out,
            "qualities": [
                {"params": item.params, "heads": [_tuples(head._asdict()) for head in item.heads]}
                for item in multitask.qualities
            ],
        },
        "means": [_tuples(item._asdict()) for item in found.means],
    }


def factors_entry(summary: Summary) -> dict[str, Any] | None:
    """Variance shares and correlations; ``None`` where nothing varies."""
    found = summary.factors
    if found is None:
        return None
    return {
        "sentences": list(factor_sentences(found)),
        "groups": [_group(group) for group in found.groups],
        "correlations": [item._asdict() for item in found.correlations],
    }


def _entry(item: BreakEven) -> dict[str, Any]:
    joules = (None, None, None) if item.joules is None else item.joules
    return {
        "params": item.params,
        "paradigm": item.paradigm,
        "cached_features": item.is_cached,
        "trainings": item.trainings,
        "never": item.is_never,
        "interval": _interval(item.interval),
        **dict(zip(("pretraining_j", "downstream_j", "baseline_j"), joules, strict=True)),
        "reason": item.reason,
        "n": item.n,
        "trials": list(item.trials),
        "diverged": list(item.diverged),
        "quality_gap": item.quality_gap,
        "quality_gap_u": item.quality_gap_u,
        "verdict": item.verdict.value,
    }


def _line(line: BreakEvenLine) -> dict[str, Any]:
    return {
        "paradigm": line.paradigm,
        "cached_features": line.is_cached,
        "all": _extremes(line.all),
        "comparable": _extremes(line.comparable),
    }


def _extremes(found: Extremes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "n": found.n,
        "n_never": found.n_never,
        **{
            name: item and {"params": item.params, "trainings": item.trainings, "interval": _interval(item.interval)}
            for name, item in (("best", found.best), ("worst", found.worst))
        },
        "mean": found.mean,
        "mean_interval": _interval(found.mean_interval),
        "of_mean_joules": found.joules._asdict()
        | {"trainings": found.joules.trainings, "interval": _interval(found.interval)},
    }


def _interval(found: Interval | None) -> dict[str, Any] | None:
    return None if found is None else found._asdict()


def _saving(found: Saving | None) -> dict[str, Any] | None:
    return None if found is None else found._asdict() | {"setups": [row._asdict() for row in found.setups]}


def _amortisation(found: Amortisation) -> dict[str, Any]:
    return {
        "charged_reuses": found.charged_reuses,
        "rows": [_amortised(row) for row in found.rows],
        "changes": [_amortised(row) for row in found.changes],
    }


def _amortised(row: AmortisedRow) -> dict[str, Any]:
    point = row.point
    return {
        "reuses": None if math.isinf(row.reuses) else row.reuses,
        "params": row.params,
        "epoch": point and point.epoch,
        "quality": point and point.quality,
        "energy_j": point and point.energy_j,
        "confirmed": row.confirmed,
    }


def _group(group: Decompositions) -> dict[str, Any]:
    shares = {
        name: None
        if found is None
        else {
            "variance": found.variance,
            "effects": [item._asdict() | {"factors": list(item.factors)} for item in found.effects],
            "residual": found.residual and {name: getattr(found.residual, name) for name in ("share", "low", "high")},
        }
        for name, found in group.by_response.items()
    }
    return group._asdict() | {"factors": list(group.factors), "by_response": shares}


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """Named tuples one level down as mappings."""
    return {name: item._asdict() if hasattr(item, "_asdict") else item for name, item in fields.items()}
