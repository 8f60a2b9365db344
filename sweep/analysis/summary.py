"""All analyses of a study, made once and handed to whoever shows them."""

from dataclasses import dataclass

from sweep.analysis.basis import Basis, basis
from sweep.analysis.drift import Drift, drift
from sweep.analysis.energy_factors import EnergyFactors, energy_factors
from sweep.analysis.layers import SetupLayers, setup_layers
from sweep.analysis.ledger import Ledger, ledger
from sweep.analysis.paradigms import Paradigms, compare_paradigms
from sweep.analysis.pareto import FrontPoint, envelope
from sweep.analysis.recommend import Recommendations, recommend
from sweep.analysis.setups import Setup, setups
from sweep.records import StudyData


@dataclass(frozen=True, slots=True)
class Summary:
    """A study and what follows from it.

    Attributes:
        layers: of the recommended setup; ``None`` if no layers were measured.
        drift: of the energy per step; ``None`` if no joules of steps were recorded.
        basis: what the joules rest on.
        paradigms: what the learning paradigms cost against each other.
        factors: why the energy differs; ``None`` if no dimension varies or no joules are known.
    """

    data: StudyData
    setups: tuple[Setup, ...]
    front: tuple[FrontPoint, ...]
    recommendations: Recommendations
    ledger: Ledger
    layers: SetupLayers | None
    drift: Drift | None
    basis: Basis
    paradigms: Paradigms
    factors: EnergyFactors | None


def summarise(data: StudyData, confidence: float = 0.95) -> Summary:
    """Run every analysis."""
    groups = setups(data)
    recommendations = recommend(data, confidence, groups)
    primary = recommendations.primary
    return Summary(
        data=data,
        setups=groups,
        front=envelope(groups),
        recommendations=recommendations,
        ledger=ledger(data, recommendations, groups),
        layers=setup_layers(data, primary.point.setup if primary else None),
        drift=drift(data, confidence),
        basis=basis(data),
        paradigms=compare_paradigms(data, recommendations),
        factors=energy_factors(data, confidence),
    )
