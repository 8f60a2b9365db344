"""Two studies side by side, as one HTML file that opens offline and as one JSON-ready mapping.

What makes the page safe and self-contained stands in ``sweep.report.page``.

The mapping, which ``sweep compare A B --format json`` prints:

    schema_version   1
    confidence       level of every interval
    a, b             name, created_at, command, machine, label (of what joules are a sum), domains, data, repeats,
                     trials
    warnings         what a reader must know first, as sentences; empty if nothing serious differs
    differences      [topic, a, b, means, serious]
    sentences        what carries over
    setups           [params, a and b {n, quality, quality_sd, energy_j, energy_sd_j, epochs, epoch_j, excluded},
                     ratio {value, low, high}]: joules in B over those in A
    unmatched        [params, study (in which it has no number), reason]
    overall          mean (geometric), low, high of the ratios, scale_u_rel (of the one factor in all of them)
    ranks            [quantity, n, rho, low, high]: Spearman's
    carries          [kind, chosen_in, used_in, is_same, is_within_noise, lost_j, lost_rel, reason,
                     choice, point and own {params, epoch, quality, energy_j}, difference]
    paradigms        [quantity, paradigm, is_cached, a and b {value, low, high}]; a break-even of null never comes

``null`` is not known otherwise. Standard deviations end in ``_sd``, half-widths in ``_u``.
"""

from pathlib import Path
from typing import Any

from sweep.analysis import wording
from sweep.analysis.comparing import words
from sweep.analysis.comparing.carry import Carry
from sweep.analysis.comparing.comparison import Comparison
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.summary import Summary
from sweep.errors import StudyError
from sweep.report import page
from sweep.report.comparison_charts import comparison_figures
from sweep.report.files import replace
from sweep.report.study_json import study_entry

SCHEMA_VERSION = 1
PAGE_NAME = "comparison.html"
CAPTIONS = {
    "energies": (
        "Joules against joules",
        "One mark a setup, both axes logarithmic. On the dotted line B takes the same multiple of A's joules.",
    ),
    "qualities": ("Quality against quality", "One mark a setup. On the dotted line both are equal."),
    "shares": (
        "Energy in per cent of the own worst setup",
        "Each study's dearest setup is 100 %, so that the meters' scales do not matter. Read it beside the quality.",
    ),
}


def render(found: Comparison, command: str) -> str:
    """The page.

    Args:
        found: the comparison.
        command: that makes it again.
    """
    figures = comparison_figures(found)
    told = words.style(found)
    environment = page.environment()
    environment.filters |= {
        "quality": lambda amount, u=None: wording.quality(amount, in_points=told.in_points, u=u),
        "ratio": words.ratio,
        "rho": words.rho,
    }
    return environment.get_template("comparison.html.j2").render(
        found=found,
        sides={"A": found.a, "B": found.b},
        header=list(words.header_rows(found)),
        warnings=words.warnings(found),
        sentences=words.sentences(found),
        paradigms=[
            (words.quantity(row), words.figure(row, row.a), words.figure(row, row.b)) for row in found.paradigms
        ],
        names=told.names,
        ordered=sorted(found.pairs, key=lambda pair: pair.a.energy_j),
        has_remarks=any(pair.a.excluded or pair.b.excluded for pair in found.pairs),
        over=words.over(found),
        captions=CAPTIONS,
        command=command,
        **page.parts(figures),
    )


def write_comparison(found: Comparison, folder: Path, command: str) -> Path:
    """Write the page.

    Returns:
        Its path.

    Raises:
        StudyError: if the folder cannot be written to.
    """
    path = folder / PAGE_NAME
    try:
        replace(path, render(found, command))
    except OSError as err:
        raise StudyError(
            f"the comparison cannot be written to {folder} ({err.strerror})", "set --out to a folder you may write to"
        ) from err
    return path


def comparison_dict(found: Comparison) -> dict[str, Any]:
    """The comparison as plain mappings, lists, strings and numbers."""
    return {
        "schema_version": SCHEMA_VERSION,
        "confidence": found.confidence,
        "a": _side(found.a),
        "b": _side(found.b),
        "warnings": list(words.warnings(found)),
        "differences": [item._asdict() for item in found.unlike],
        "sentences": list(words.sentences(found)),
        "setups": [
            {"params": p.params, "a": p.a._asdict(), "b": p.b._asdict(), "ratio": p.ratio._asdict()}
            for p in found.pairs
        ],
        "unmatched": [item._asdict() for item in found.alone],
        "overall": found.overall._asdict(),
        "ranks": [item._asdict() for item in found.ranks],
        "carries": [_carry(item) for item in found.carries],
        "paradigms": [
            row._asdict() | {"quantity": row.quantity.value, "a": row.a._asdict(), "b": row.b._asdict()}
            for row in found.paradigms
        ],
    }


def _side(summary: Summary) -> dict[str, Any]:
    kept = ("name", "created_at", "command", "machine", "domains", "data", "repeats")
    return study_entry(summary.data.study, kept) | {
        "label": summary.basis.label,
        "trials": len(summary.data.trials),
    }


def _carry(item: Carry) -> dict[str, Any]:
    return {
        "kind": item.kind.value,
        "chosen_in": item.chosen_in,
        "used_in": item.used_in,
        "is_same": item.is_same,
        "is_within_noise": item.is_within_noise,
        "lost_j": item.lost_j,
        "lost_rel": item.lost_rel,
        "reason": item.reason,
        **{name: _point(getattr(item, name)) for name in ("choice", "point", "own")},
        "difference": item.difference and item.difference._asdict(),
    }


def _point(point: FrontPoint | None) -> dict[str, Any] | None:
    if point is None:
        return None
    numbers = {name: getattr(point, name) for name in ("epoch", "quality", "energy_j")}
    return {"params": point.setup.params} | numbers
