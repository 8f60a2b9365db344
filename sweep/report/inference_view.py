"""Tables of predictions in words: joules of a sample, and when a dearer training pays. Plain text without markup."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.inference import Payback, SetupInference, Verdict
from sweep.analysis.work import told
from sweep.records import StudyData

MAX_PAYBACKS = 60


class PredictionCells(NamedTuple):
    """One setup: joules of a sample and latency of a batch, for each batch size; empty where not measured."""

    setup: str
    energy: list[str]
    latency: list[str]


class PaybackCells(NamedTuple):
    """Two setups of the front at one batch size; ``quality`` is what the dearer has more of it."""

    dearer: str
    cheaper: str
    quality: str
    batch_size: str
    predictions: str


class InferenceView(NamedTuple):
    """Both tables, and what a reader must know to use them."""

    batch_sizes: list[int]
    rows: list[PredictionCells]
    paybacks: list[PaybackCells]
    notes: list[str]


def inference_view(data: StudyData, items: Sequence[SetupInference], pairs: Sequence[Payback]) -> InferenceView | None:
    """The tables; ``None`` if no predictions were measured."""
    if not items:
        return None
    names = wording.varying(data)
    sizes = sorted({each.batch_size for item in items for each in item.predictions})
    notes = [
        "± is the standard uncertainty. Energy is " + wording.energy_label(data.study.domains) + ".",
        "Copying inputs to the device is not counted, nor a server that waits.",
    ]
    if len(pairs) > MAX_PAYBACKS:
        notes.append(f"The first {MAX_PAYBACKS} of {len(pairs)} comparisons.")
    return InferenceView(
        batch_sizes=sizes,
        rows=[_cells(wording.setup(item.setup.params, names), item, sizes) for item in items],
        paybacks=[_payback(pair, names, in_points=wording.in_points(data)) for pair in pairs[:MAX_PAYBACKS]],
        notes=notes,
    )


def _cells(setup: str, item: SetupInference, sizes: Sequence[int]) -> PredictionCells:
    found = [item.at(size) for size in sizes]
    return PredictionCells(
        setup=setup,
        energy=["" if each is None else told(each.energy_j) for each in found],
        latency=["" if each is None else f"{1e3 * each.latency_s:.3g} ms" for each in found],
    )


def _payback(pair: Payback, names: Sequence[str], *, in_points: bool) -> PaybackCells:
    return PaybackCells(
        dearer=_point(pair.dearer.setup.params, pair.dearer.epoch, names),
        cheaper=_point(pair.cheaper.setup.params, pair.cheaper.epoch, names),
        quality=wording.gain(pair.dearer.quality - pair.cheaper.quality, in_points=in_points),
        batch_size=str(pair.batch_size),
        predictions=_predictions(pair),
    )


def _point(params: dict[str, object], epoch: int, names: Sequence[str]) -> str:
    return f"{wording.setup(params, names)}, {wording.count(epoch, 'epoch')}"


def _predictions(pair: Payback) -> str:
    if pair.verdict is Verdict.UNTOLD:
        return "cannot be told: their predictions cost the same within the noise"
    if pair.verdict is Verdict.NEVER or pair.predictions is None:
        return "never: its predictions are dearer, too"
    return f"{_rounded(pair.predictions)} ± {_rounded(pair.u_predictions or 0.0)}"


def _rounded(number: float) -> str:
    """A whole number with three digits."""
    digits = max(0, math.floor(math.log10(number)) - 2) if number >= 1 else 0
    return f"{round(number, -digits):,.0f}"
