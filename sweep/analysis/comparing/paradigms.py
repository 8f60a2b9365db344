"""Break-even of a pretraining, and what freezing saves, in both studies: equation 2 and Table 3 of the paper.

Only what both studies have: the same pretrained paradigm, with features cached in both or in neither. Each number is
that of the study's own report (``sweep.analysis.break_even``, ``sweep.analysis.freezing``) over all its setups.
"""

from enum import StrEnum
from typing import NamedTuple

from sweep.analysis.summary import Summary


class Quantity(StrEnum):
    """What is compared.

    Attributes:
        BREAK_EVEN: trainings after which the pretraining has paid for itself, by the mean joules of all setups.
        FREEZING: share of the downstream joules that freezing the encoder saves.
    """

    BREAK_EVEN = "break_even"
    FREEZING = "freezing"


class Figure(NamedTuple):
    """A number of one study.

    Attributes:
        value: ``None`` for a break-even that never comes.
        low: of its interval; ``None`` without repeats, or for never.
    """

    value: float | None
    low: float | None
    high: float | None


class Row(NamedTuple):
    """One quantity of one paradigm in both studies."""

    quantity: Quantity
    paradigm: str
    is_cached: bool
    a: Figure
    b: Figure


def paradigm_rows(a: Summary, b: Summary) -> tuple[Row, ...]:
    """What both studies have; empty without pretrained paradigms."""
    first, second = _figures(a), _figures(b)
    return tuple(Row(*key, first[key], second[key]) for key in first if key in second)


def _figures(summary: Summary) -> dict[tuple[Quantity, str, bool], Figure]:
    found: dict[tuple[Quantity, str, bool], Figure] = {}
    for line in summary.paradigms.break_even:
        if line.all is not None:
            low, high = (line.all.interval.low, line.all.interval.high) if line.all.interval else (None, None)
            found[Quantity.BREAK_EVEN, line.paradigm, line.is_cached] = Figure(line.all.joules.trainings, low, high)
    for item in summary.paradigms.freezing:
        if item.saving.saving_rel is not None:
            figure = Figure(item.saving.saving_rel, item.saving.low, item.saving.high)
            found[Quantity.FREEZING, f"{item.frozen} against {item.finetuned}", item.is_cached] = figure
    return found
