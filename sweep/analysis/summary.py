"""All analyses of a study, made once and handed to whoever shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from sweep.analysis.advice.advise import advise
from sweep.analysis.basis import Basis, basis
from sweep.analysis.codec import SetupCodec, codecs
from sweep.analysis.drift import Drift, drift
from sweep.analysis.energy_factors import EnergyFactors, energy_factors
from sweep.analysis.footprint import Footprint, footprint
from sweep.analysis.inference import SetupInference, inferences
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
        basis: what the joules rest on.
        paradigms: what the learning paradigms cost against each other.
        factors: why the energy differs; ``None`` if no dimension varies or no joules are known.
        codecs: what compressing with each setup costs; empty where nothing was compressed.
        inferences: what predicting with each setup costs; empty where nothing was predicted.
        footprint: CO2e and money.
        steps: gives ``drift``, which is worked out when it is asked for, or waited for.
    """

    data: StudyData
    setups: tuple[Setup, ...]
    front: tuple[FrontPoint, ...]
    recommendations: Recommendations
    ledger: Ledger
    layers: SetupLayers | None
    basis: Basis
    paradigms: Paradigms
    factors: EnergyFactors | None
    codecs: tuple[SetupCodec, ...]
    inferences: tuple[SetupInference, ...]
    footprint: Footprint
    steps: Callable[[], Drift | None]

    @property
    def drift(self) -> Drift | None:
        """Of the energy per step; ``None`` if no joules of steps were recorded."""
        return self.steps()


def summarise(data: StudyData, confidence: float = 0.95, steps: Callable[[], Drift | None] | None = None) -> Summary:
    """Run every analysis.

    Args:
        data: the study.
        confidence: two-sided level of the intervals.
        steps: gives the drift of its energy per step, if someone else works that out.
    """
    groups = setups(data)
    front = envelope(groups)
    chosen = recommend(data, confidence, groups, front)
    primary = chosen.primary
    account = ledger(data, chosen, groups)
    layers = setup_layers(data, primary.point.setup if primary else None)
    paradigms = compare_paradigms(data, chosen, groups, front)
    factors = energy_factors(data, confidence)
    emitted = footprint(data, chosen, account)
    advised = advise(
        data, chosen, groups, front, paradigms=paradigms, factors=factors, layers=layers, footprint=emitted
    )
    return Summary(
        data=data,
        setups=groups,
        front=front,
        recommendations=advised,
        ledger=account,
        layers=layers,
        basis=basis(data),
        paradigms=paradigms,
        factors=factors,
        codecs=codecs(data, groups),
        inferences=inferences(data, groups),
        footprint=emitted,
        steps=cache(partial(drift, data, confidence)) if steps is None else steps,
    )
