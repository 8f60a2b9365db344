"""The table of operators in words: hot spots of a training step. Plain text without markup; the template escapes it."""

from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.operators import HotSpots
from sweep.records import OperatorKind

MAX_ROWS = 25
KINDS = {
    OperatorKind.COMPUTE: "arithmetic",
    OperatorKind.COPY: "moving data",
    OperatorKind.MEMORY: "taking and filling memory",
    OperatorKind.RUNTIME: "calls into the device's driver",
}


class OperatorCells(NamedTuple):
    """One operator in one training step."""

    operator: str
    kind: str
    calls: str
    time: str
    share: str


class HotSpotsView(NamedTuple):
    """One phase.

    Attributes:
        kinds: what each kind of operator takes, as one sentence.
    """

    title: str
    kinds: str
    rows: list[OperatorCells]
    notes: list[str]


def hot_spots_views(found: Sequence[HotSpots]) -> list[HotSpotsView]:
    """A table for each profiled phase."""
    return [_view(each) for each in found]


def _view(found: HotSpots) -> HotSpotsView:
    where = "the accelerator" if found.on_device else "the host"
    rows = [
        OperatorCells(
            operator=each.name,
            kind=KINDS[each.kind],
            calls=f"{each.calls:.3g}",
            time=f"{1e3 * ((each.device_s or 0.0) if found.on_device else each.host_s):.3g} ms",
            share=wording.share(each.share),
        )
        for each in found.operators[:MAX_ROWS]
    ]
    basis = (
        f"Times are of {where}, under a profiler that slows short operators most, so compare shares only; "
        f"{wording.count(found.steps, 'step')} of batch size {found.batch_size} after the trial."
    )
    notes = [basis]
    if len(found.operators) > MAX_ROWS:
        notes.append(f"The {MAX_ROWS} costliest of {len(found.operators)}; hot_spots.csv has all.")
    kinds = ", ".join(f"{KINDS[kind]} {wording.share(share)}" for kind, share in found.kinds.items())
    return HotSpotsView(f"Trial {found.number}, {found.phase}", f"Of the time of a step: {kinds}.", rows, notes)
