"""What all advice is made from, and the pieces that its sentences and data share."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sweep.analysis import sentences
from sweep.analysis.budget import Budget
from sweep.analysis.changes import change_to
from sweep.analysis.noise import Noise, compare
from sweep.analysis.pareto import FrontPoint, front_point
from sweep.analysis.recommendation import Against, Kind, Recommendation, Recommendations, ToTrain, saving_of
from sweep.analysis.sentences import Words
from sweep.analysis.setups import Setup
from sweep.analysis.wording import in_points, varying
from sweep.records import StudyData


class Context(NamedTuple):
    """A study with its recommended setup.

    Attributes:
        names: dimensions that differ between setups.
    """

    data: StudyData
    groups: Sequence[Setup]
    found: Recommendations
    primary: ToTrain
    best: FrontPoint
    front: tuple[FrontPoint, ...]
    names: tuple[str, ...]
    words: Words

    @property
    def noise(self) -> Noise:
        """Of the study."""
        return self.found.noise

    def compared(
        self, kind: Kind, against: Against, point: FrontPoint, reference: FrontPoint, action: str, **more: Any
    ) -> ToTrain:
        """Advice to train one setup instead of another; ``more`` are fields of its own."""
        difference = compare(point, reference, self.noise)
        fields: dict[str, Any] = {
            "caveats": sentences.caveats(self.data, point, reference, self.noise),
            "change": change_to(self.data, point),
            "confirmed": self.noise.is_known,
        }
        return ToTrain(
            kind=kind,
            action=action + self.words.seen_once(),
            point=point,
            reference=reference,
            difference=difference,
            confidence=self.noise.confidence,
            primary=False,
            evidence=tuple(sorted({*point.trials, *reference.trials})),
            against=against,
            saving=saving_of(difference),
            **fields | more,
        )

    def told(self, kind: Kind, action: str, evidence: Iterable[int], **more: Any) -> Recommendation:
        """Advice about no setup; ``more`` are fields of its own."""
        fields: dict[str, Any] = {"caveats": (), "confirmed": False, **more}
        return Recommendation(
            kind=kind,
            action=action,
            point=None,
            reference=None,
            difference=None,
            confidence=self.noise.confidence,
            primary=False,
            evidence=tuple(sorted(set(evidence))),
            **fields,
        )


def context(
    data: StudyData, found: Recommendations, groups: Sequence[Setup], front: tuple[FrontPoint, ...]
) -> Context | None:
    """All of it; ``None`` where nothing is recommended."""
    if found.primary is None or found.best is None:
        return None
    names = varying(data)
    words = Words(data.study.quality_name, names, in_points(data), found.noise, Budget(None, None))
    return Context(data, groups, found, found.primary, found.best, front, names, words)


def top(setup: Setup) -> FrontPoint:
    """The most accurate point of a setup that may stand on the front, at the earliest epoch that reaches it."""
    return front_point(setup, max(setup.candidates, key=lambda point: (point.quality, -point.epoch)))


def alike(groups: Sequence[Setup], setup: Setup, dimension: str) -> list[Setup]:
    """The other setups on the front that differ from one in a single dimension."""
    return [
        other
        for other in groups
        if other.candidates
        and other.params.keys() == setup.params.keys()
        and other.params[dimension] != setup.params[dimension]
        and all(item == setup.params[name] for name, item in other.params.items() if name != dimension)
    ]
