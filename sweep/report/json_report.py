"""The report as one JSON-ready mapping, for scripts: what ``sweep report DIR --format json`` prints.

    schema_version    1
    study             name, created_at, command, quality_name, repeats, data, machine
    recommendations   confidence, reason, unsettled, items: see ``recommendation_json``
    front             [params, epoch, quality, quality_sd, energy_j, energy_sd_j, n, trials], by rising joules
    setups            [params, trials, failed, excluded, contaminated, superseded, dynamic_j,
                      domains {name: energy_j, dynamic_j, polled_j; means over trials}, final {epoch, quality, ...}]
    ledger            joules of the search; payback [reference, saving_j, trainings, reason, note]
    break_even        equation 2 of each setup and pretrained paradigm [params (without the paradigm), paradigm,
                      cached_features, trainings (null: never or not known), never, interval {low, high, never_share;
                      null bounds: never}, pretraining_j, downstream_j, baseline_j, reason, n, trials, diverged,
                      quality_gap, quality_gap_u, verdict]; empty without a pretrained paradigm and a baseline
    paradigms         sentences; break_even over setups [paradigm, all, comparable {n, n_never, best, worst, mean,
                      mean_interval, of_mean_joules}], freezing [frozen, finetuned, saving, quality_gap ...],
                      amortisation {charged_reuses, rows and changes [reuses (null: without end), params, epoch,
                      energy_j ...]}, multitask {heads, saving, qualities ...}, means [paradigm, energy_per_epoch_j,
                      epochs, energy_j, quality {mean, sd, n}]; null without several paradigms
    factors           why the energy differs: sentences, groups [paradigm (null: all), factors, by_response
                      {energy_per_epoch, epochs, energy: variance, effects [factors, share, low, high], residual},
                      missing, n_capped, n_diverged, from_epochs], correlations [name, rho, n]; null if nothing varies
    codecs            what compressing costs, a row for each setup as in its table; empty where nothing was compressed
    inferences        what predicting costs [param.<name>, batch, j_per_sample, ..., latency_s, samples]; likewise
    footprint         CO2e and money: config, intensity, label, rows [what, energy_j, co2e_kg, money], sentences
    layers            of the recommended setup (params, trials, is_recommended): energy_j, provenance, methods, steps,
                      marked_steps, notes, rows [phase, layer, type, pass, duration_s, energy_j, energy_u_random_j,
                      share, dynamic_j, flops, flops_per_j]; null if no layers were measured
    drift             energy per step: first, trend {size_rel, p, n}, warm_up_epochs, temperature, clock
                      {first, last, correlation}, trials, disturbed, sentences; null if it was not recorded
    provenance        [domain records]: name, provenance, scope, scale_u_rel, random_u_rel, tick_s, additive, source ...
    energy            what the joules rest on: label (of what a total is a sum), sentences,
                      idle [domain, before, after {power_w, power_u_w, polled_w, duration_s, quiet, reason}, moved_rel,
                      has_moved], polled (equation 1) [domain, n, energy_j, polled_j, mean, sd, low, high of the ratio],
                      gaps [number, domain, gap_s, share, u_random_j, u_ungapped_j],
                      disturbed [number, domains, reasons, wait_share, other_cpu_share], superseded {number: by number},
                      n_steadiness, unsteady [number, drift_rel, u_rel],
                      sensors [domain, n, temperature_start_c {low, high} ...]

Units stand in the names; shares are fractions; ``null`` is not known. Half-widths end in ``_u``, standard
deviations in ``_sd``.
"""

from dataclasses import asdict
from typing import Any

import msgspec
import pandas as pd

from sweep.analysis.basis import Basis, Range, SensorRow
from sweep.analysis.basis_words import basis_sentences
from sweep.analysis.codec import codecs_frame
from sweep.analysis.domains import DomainRow, setup_domains
from sweep.analysis.drift import Drift
from sweep.analysis.drift_words import drift_sentences
from sweep.analysis.inference import inferences_frame
from sweep.analysis.layers import SetupLayers
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.setups import Setup
from sweep.analysis.summary import Summary, summarise
from sweep.analysis.tables import LAYER_NUMBERS
from sweep.records import StudyData
from sweep.report.footprint import footprint_dict
from sweep.report.paradigm_json import break_even_entries, factors_entry, paradigms_entry
from sweep.report.recommendation_json import recommendations_entry
from sweep.report.study_json import study_entry

SCHEMA_VERSION = 1


def to_dict(data: StudyData, confidence: float = 0.95) -> dict[str, Any]:
    """The report as plain mappings, lists, strings and numbers."""
    return summary_dict(summarise(data, confidence))


def summary_dict(summary: Summary) -> dict[str, Any]:
    """As ``to_dict``, for analyses already made."""
    kept = ("name", "created_at", "command", "quality_name", "repeats", "data", "machine")
    ledger = asdict(summary.ledger)
    return {
        "schema_version": SCHEMA_VERSION,
        "study": study_entry(summary.data.study, kept),
        "recommendations": recommendations_entry(summary.data, summary.recommendations),
        "front": [_point(point) for point in summary.front],
        "setups": [_setup(setup) for setup in summary.setups],
        "ledger": ledger
        | {
            "sessions": [row._asdict() for row in summary.ledger.sessions],
            "payback": [item._asdict() | {"reference": item.reference.value} for item in summary.ledger.payback],
        },
        "break_even": break_even_entries(summary),
        "paradigms": paradigms_entry(summary),
        "factors": factors_entry(summary),
        "codecs": _rows(codecs_frame(summary.codecs)),
        "inferences": _rows(inferences_frame(summary.inferences)),
        "footprint": footprint_dict(summary.footprint),
        "layers": None if summary.layers is None else _layers(summary.layers),
        "drift": None if summary.drift is None else _drift(summary.drift),
        "provenance": msgspec.to_builtins(summary.data.study.domains),
        "energy": _energy(summary.basis),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table by column, missing numbers as ``None``."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.astype(object).to_dict(orient="records")
    ]


def _point(point: FrontPoint) -> dict[str, Any]:
    numbers = {name: item for name, item in point._asdict().items() if name != "setup"}
    return {"params": point.setup.params} | numbers | {"trials": list(point.trials)}


def _setup(setup: Setup) -> dict[str, Any]:
    return {
        "params": setup.params,
        "trials": list(setup.numbers),
        "failed": list(setup.failed),
        "excluded": setup.excluded,
        "contaminated": list(setup.contaminated),
        "superseded": list(setup.superseded),
        "dynamic_j": setup.dynamic_j,
        "domains": {name: mean._asdict() for name, mean in setup_domains(setup).items()},
        "final": None if setup.final is None else setup.final._asdict(),
    }


def _layers(found: SetupLayers) -> dict[str, Any]:
    numbers = asdict(found.breakdown)
    numbers["rows"] = [
        {
            "phase": row.phase,
            "layer": row.layer,
            "type": row.type,
            "pass": row.pass_,
            **{name: getattr(row, name) for name in LAYER_NUMBERS},
        }
        for row in found.breakdown.rows
    ]
    return {"params": found.params, "trials": list(found.numbers), "is_recommended": found.is_recommended} | numbers


def _drift(found: Drift) -> dict[str, Any]:
    parts = {name: getattr(found, name) for name in ("first", "trend", "temperature", "clock")}
    return {
        **{name: part and part._asdict() for name, part in parts.items()},
        "warm_up_epochs": found.warm_up_epochs,
        "trials": list(found.trials),
        "disturbed": list(found.disturbed),
        "sentences": list(drift_sentences(found)),
    }


def _energy(found: Basis) -> dict[str, Any]:
    return {
        "label": found.label,
        "sentences": list(basis_sentences(found)),
        "idle": [_idle(row) for row in found.domains],
        "polled": [item._asdict() for item in found.polled],
        "gaps": [item._asdict() for item in found.gaps],
        "disturbed": [
            item._asdict() | {"domains": list(item.domains), "reasons": list(item.reasons)} for item in found.disturbed
        ],
        "superseded": {str(number): by for number, by in found.superseded.items()},
        "n_steadiness": found.n_steadiness,
        "unsteady": [
            {"number": number, "drift_rel": item.drift_rel, "u_rel": item.u_rel} for number, item in found.unsteady
        ],
        "sensors": [_sensor(row) for row in found.sensors],
    }


def _idle(row: DomainRow) -> dict[str, Any]:
    windows = {"before": row.before, "after": row.after}
    return {
        "domain": row.domain.name,
        **{when: None if item is None else msgspec.to_builtins(item) for when, item in windows.items()},
        "moved_rel": row.moved_rel,
        "has_moved": row.has_moved,
    }


def _sensor(row: SensorRow) -> dict[str, Any]:
    return {name: item._asdict() if isinstance(item, Range) else item for name, item in row._asdict().items()}
