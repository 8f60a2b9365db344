"""All analyses of a study, made once and handed to whoever shows them."""

from dataclasses import dataclass

from sweep.analysis.ledger import Ledger, ledger
from sweep.analysis.pareto import FrontPoint, envelope
from sweep.analysis.recommend import Recommendations, recommend
from sweep.analysis.setups import Setup, setups
from sweep.records import StudyData


@dataclass(frozen=True, slots=True)
class Summary:
    """A study and what follows from it."""

    data: StudyData
    setups: tuple[Setup, ...]
    front: tuple[FrontPoint, ...]
    recommendations: Recommendations
    ledger: Ledger


def summarise(data: StudyData, confidence: float = 0.95) -> Summary:
    """Run every analysis."""
    groups = setups(data)
    recommendations = recommend(data, confidence, groups)
    return Summary(data, groups, envelope(groups), recommendations, ledger(data, recommendations))
