"""Frozen against trained-on encoders: Table 3 of "The Power of Training".

Both paradigms rest on the same pretraining, so only what follows it is compared, the downstream joules.

Limits: a frozen encoder that reaches less quality is no saving; the gap stands beside it.
"""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis import paired
from sweep.analysis.noise import Noise, gap_u
from sweep.analysis.paired import PairedSetup
from sweep.analysis.saving import PairedJoules, Saving, saving


class Freezing(NamedTuple):
    """One frozen paradigm against one that trains the encoder on.

    Attributes:
        saving: of downstream joules, by freezing.
        quality_gap: mean over setups, positive if freezing is better; ``None`` if a quality is not known.
        quality_gap_u: half-width of its interval; ``None`` without repeats.
        left_out: setups in which the two have no repeat in common with known joules.
    """

    frozen: str
    finetuned: str
    is_cached: bool
    saving: Saving
    quality_gap: float | None
    quality_gap_u: float | None
    left_out: int


def freezing(setups: Sequence[PairedSetup], noise: Noise) -> tuple[Freezing, ...]:
    """Every frozen paradigm against every one that trains the encoder on."""
    names = paired.paradigms(setups)
    found = (
        _against(setups, frozen, finetuned, noise)
        for frozen in names
        if frozen.startswith(paired.FROZEN)
        for finetuned in names
        if finetuned.startswith(paired.FINETUNED)
    )
    return tuple(item for item in found if item is not None)


def _against(setups: Sequence[PairedSetup], frozen: str, finetuned: str, noise: Noise) -> Freezing | None:
    tried = [setup for setup in setups if {frozen, finetuned} & setup.runs.keys()]
    pairs = [pair for setup in tried if (pair := _pair(setup, frozen, finetuned)) is not None]
    found = saving(pairs, noise.confidence)
    if found is None:
        return None
    trials = [runs for setup in tried for runs in setup.together(frozen, finetuned)]
    gaps = [a.quality - b.quality for a, b in trials if a.quality is not None and b.quality is not None]
    known = bool(gaps) and len(gaps) == len(trials)
    numbers = tuple(a.number for a, _ in trials), tuple(b.number for _, b in trials)
    u = gap_u(noise, len(gaps), len(gaps), numbers) if known and noise.is_known else None
    return Freezing(
        frozen=frozen,
        finetuned=finetuned,
        is_cached=paired.cached(trained for trained, _ in trials),
        saving=found,
        quality_gap=statistics.fmean(gaps) if known else None,
        quality_gap_u=u,
        left_out=len(tried) - len(pairs),
    )


def _pair(setup: PairedSetup, frozen: str, finetuned: str) -> PairedJoules | None:
    runs = setup.together(frozen, finetuned)
    joules = [(paired.downstream_j(a), paired.downstream_j(b)) for a, b in runs]
    known = tuple((a, b) for a, b in joules if a is not None and b is not None)
    if not runs or len(known) < len(runs):
        return None
    keys = tuple(a.pretraining.key if a.pretraining else str(a.number) for a, _ in runs)
    return PairedJoules(setup.params, known, keys)
