"""Two studies of one experiment, compared: what differs, the pairs of setups, their order, and what carries over."""

from dataclasses import dataclass

from sweep.analysis.comparing.carry import Carry, Side, carry
from sweep.analysis.comparing.differences import Unlike, differences, refuse_others
from sweep.analysis.comparing.pairs import Alone, Overall, Pair, keyed, match, overall, unmatched
from sweep.analysis.comparing.paradigms import Row, paradigm_rows
from sweep.analysis.comparing.ranks import Rank, rank
from sweep.analysis.summary import Summary, summarise
from sweep.errors import StudyError
from sweep.records import StudyData


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two studies side by side.

    Attributes:
        a: the first study and its analyses.
        b: the second.
        unlike: in what they differ, the serious first.
        pairs: setups with numbers in both; at least one.
        alone: setups without a number in one of them.
        overall: joules in B over those in A.
        ranks: of energy, joules per epoch, epochs and quality.
        carries: choices of A in B, then of B in A.
        paradigms: break-even and freezing, where both studies have them.
        confidence: level of every interval.
    """

    a: Summary
    b: Summary
    unlike: tuple[Unlike, ...]
    pairs: tuple[Pair, ...]
    alone: tuple[Alone, ...]
    overall: Overall
    ranks: tuple[Rank, ...]
    carries: tuple[Carry, ...]
    paradigms: tuple[Row, ...]
    confidence: float

    @property
    def serious(self) -> tuple[Unlike, ...]:
        """The differences that change what a number means."""
        return tuple(item for item in self.unlike if item.serious)


def compare_studies(a: StudyData, b: StudyData, confidence: float = 0.95) -> Comparison:
    """Compare two studies.

    Args:
        a: the first, e.g. of a workstation.
        b: the second, e.g. of a laptop.
        confidence: two-sided level of every interval, in (0, 1).

    Raises:
        StudyError: if they are not of one experiment, or have no setup in common.
    """
    refuse_others(a, b)
    first, second = summarise(a, confidence), summarise(b, confidence)
    setups = keyed(first, second), keyed(second, first)
    pairs = match(*setups, (first.recommendations.noise, second.recommendations.noise))
    if not pairs:
        raise StudyError(
            f"{a.study.name} and {b.study.name} have no setup with joules and quality in common",
            "compare two studies of the same experiment",
        )
    sides = Side("A", first, setups[0]), Side("B", second, setups[1])
    return Comparison(
        a=first,
        b=second,
        unlike=differences(a, b),
        pairs=tuple(pairs),
        alone=tuple(unmatched(*setups)),
        overall=overall(pairs, first, second),
        ranks=_ranks(pairs, confidence),
        carries=(*carry(*sides), *carry(*sides[::-1])),
        paradigms=paradigm_rows(first, second),
        confidence=confidence,
    )


def _ranks(pairs: list[Pair], confidence: float) -> tuple[Rank, ...]:
    names = {"energy": "energy_j", "joules per epoch": "epoch_j", "epochs": "epochs", "quality": "quality"}
    return tuple(
        rank(name, [getattr(pair.a, field) for pair in pairs], [getattr(pair.b, field) for pair in pairs], confidence)
        for name, field in names.items()
    )
