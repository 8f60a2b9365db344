"""What the learning paradigms of a study cost against each other: all such analyses, made once.

Empty where a study has no such paradigms, so that nothing is said of what was not tried.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sweep.analysis.amortisation import Amortisation, amortisation
from sweep.analysis.break_even import BreakEvenLine, break_even
from sweep.analysis.freezing import Freezing, freezing
from sweep.analysis.multitask import MultiTask, ParadigmMean, multitask, paradigm_means
from sweep.analysis.paired import paired
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommend import Recommendations
from sweep.analysis.setups import Setup
from sweep.records import StudyData


class Paradigms(NamedTuple):
    """The comparisons of paradigms.

    Attributes:
        break_even: of each pretrained paradigm against the baseline (equation 2, Fig. 4).
        freezing: frozen against trained-on encoders (Table 3).
        amortisation: the recommendation over the number of trainings that share a pretraining.
        multitask: several heads at once against one by one (Table 4, Fig. 5).
        means: each paradigm over its setups; empty with one paradigm.
    """

    break_even: tuple[BreakEvenLine, ...]
    freezing: tuple[Freezing, ...]
    amortisation: Amortisation | None
    multitask: MultiTask | None
    means: tuple[ParadigmMean, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not any(self)


def compare_paradigms(
    data: StudyData,
    recommendations: Recommendations,
    groups: Sequence[Setup] | None = None,
    front: Sequence[FrontPoint] | None = None,
) -> Paradigms:
    """All comparisons of a study.

    Args:
        data: the study.
        recommendations: of it.
        groups: ``setups(data)``, if the caller has it already.
        front: ``envelope(groups)``, likewise.
    """
    setups, noise = paired(data), recommendations.noise
    return Paradigms(
        break_even=break_even(setups, noise),
        freezing=freezing(setups, noise),
        amortisation=amortisation(data, noise.confidence, groups, noise, front),
        multitask=multitask(setups, noise),
        means=paradigm_means(setups),
    )
