"""Recommendations in words: one sentence for what to do, and the caveats that belong to it.

Plain text, so that the console, the report, the notes and JSON all say the same. Without repeats a sentence
tells what was seen in one run each, and claims no interval.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.budget import Budget
from sweep.analysis.choose import end
from sweep.analysis.current_setup import Current, fit_sentence
from sweep.analysis.noise import Difference, Noise, compare, mean_u
from sweep.analysis.pareto import FrontPoint
from sweep.analysis.recommendation import Against, Kind
from sweep.analysis.repeats import of_all
from sweep.analysis.setups import Setup
from sweep.records import Domain, Provenance, StudyData

LEADS = {
    Kind.KNEE: "At the knee of the front, against the recommendation",
    Kind.CHEAPER_AT_CURRENT_QUALITY: "As good as your current setup",
    Kind.VERSUS_MEDIAN: "Against the setup of median energy",
    Kind.VERSUS_WORST: "Against the setup of most energy",
}
"""What a sentence opens with, where it says more than what changes."""


class Words(NamedTuple):
    """How one study is spoken of.

    Attributes:
        quality_name: as the objective names it.
        names: dimensions that differ between setups.
        in_points: whether differences of quality are told in points of a hundred.
        budget: what one training may cost.
    """

    quality_name: str
    names: tuple[str, ...]
    in_points: bool
    noise: Noise
    budget: Budget

    def action(
        self,
        kind: Kind,
        point: FrontPoint,
        against: Against | None,
        reference: FrontPoint | None,
        also: Sequence[Kind] = (),
    ) -> str:
        """The sentence of a recommendation; ``also`` are further kinds that chose the same point."""
        if kind is Kind.NO_CHANGE:
            sentence = self._no_change(point, against, reference)
        elif kind is Kind.WITHIN_BUDGET:
            sentence = self._within_budget(point, reference)
        elif reference is None:
            claim = "is the most accurate: " if self.names else "reached "
            sentence = f"{self._setup(point)} {claim}{self._reached(point)}"
        else:
            sentence = self._compared(kind, point, against, reference)
        return sentence + self._also(also) + self.seen_once()

    def nothing_fits(self, groups: Sequence[Setup]) -> str:
        """That no setup keeps within the budget, and what comes nearest."""
        least = min((setup for setup in groups if setup.candidates), key=lambda setup: setup.candidates[0].energy_j)
        first = least.candidates[0]
        return (
            f"Nothing keeps within {self.budget.words()}; of fewest joules is "
            f"{wording.setup(least.params, self.names)} stopped at epoch {first.epoch}, "
            f"{wording.energy(first.energy_j)}"
        )

    def compared(self, point: FrontPoint, reference: FrontPoint) -> str:
        """What changes, and what that saves or costs."""
        return f"{self.change(point, reference)} {self._saving(point, reference)}"

    def change(self, point: FrontPoint, reference: FrontPoint) -> str:
        """What differs between two points."""
        if point.setup is reference.setup:
            return f"Stopping {self._setup(point)} at epoch {point.epoch} instead of {reference.epoch}"
        told = wording.change(point.setup.params, reference.setup.params, self.names)
        return told or f"{self._setup(point)} instead of {self._setup(reference)}"

    def gain(self, difference: Difference) -> str:
        """A difference of quality: ``-0.4 ± 0.6 points of accuracy``."""
        gain = wording.gain(difference.quality, in_points=self.in_points, u=difference.quality_u)
        return f"{gain} of {self.quality_name}"

    def saved(self, difference: Difference) -> str:
        """A saving: ``saves 70 % ± 4 of the joules (12.3 kJ a training)``."""
        saving = wording.share(difference.saving_rel, difference.saving_rel_u)
        verb = "saves" if self.noise.is_known else "saved"
        return f"{verb} {saving} of the joules ({wording.energy(difference.saving_j)} a training)"

    def seen_once(self) -> str:
        """What is added where nothing was repeated."""
        return "" if self.noise.is_known else " (seen in one run each, not confirmed)"

    def _also(self, kinds: Sequence[Kind]) -> str:
        told = {
            Kind.MOST_ACCURATE: "it is also the most accurate",
            Kind.STOP_EARLIER: "the epochs after it gain nothing beyond the noise",
            Kind.VERSUS_MEDIAN: "it is compared with the setup of median energy",
            Kind.VERSUS_WORST: "it is compared with the setup of most energy",
            Kind.KNEE: "the knee of the front lies there too",
            Kind.WITHIN_BUDGET: f"it keeps within {self.budget.words()}",
        }
        return "".join(f"; {told[kind]}" for kind in kinds if kind in told)

    def _within_budget(self, point: FrontPoint, reference: FrontPoint | None) -> str:
        gained = (
            ""
            if reference is None
            else f" ({self.gain(compare(point, reference, self.noise))} against the recommendation)"
        )
        return (
            f"Within {self.budget.words()} the choice is {self._setup(point)}: {self._amounts(point)}{gained}; "
            f"stop at epoch {point.epoch}"
        )

    def _compared(self, kind: Kind, point: FrontPoint, against: Against | None, reference: FrontPoint) -> str:
        sentence = self.compared(point, reference)
        if point.setup is not reference.setup:
            sentence += f"; stop at epoch {point.epoch}"
        elif kind is Kind.STOP_EARLIER:
            sentence += "; the epochs after it gain nothing beyond the noise"
        lead = LEADS.get(kind) or ("Against your current setup" if against is Against.CURRENT else "")
        if lead and point.setup is reference.setup:
            sentence = sentence[:1].lower() + sentence[1:]
        return f"{lead}: {sentence}" if lead else sentence

    def _saving(self, point: FrontPoint, reference: FrontPoint) -> str:
        difference, back = compare(point, reference, self.noise), compare(reference, point, self.noise)
        if difference.saves:
            return f"{self.saved(difference)} for {self.gain(difference)}"
        if back.saves:
            more = wording.share(-difference.saving_rel, difference.saving_rel_u)
            verb = "costs" if self.noise.is_known else "cost"
            cost = wording.energy(-difference.saving_j)
            return f"{verb} {more} more joules ({cost} a training) for {self.gain(difference)}"
        return f"gives {self.gain(difference)}, for joules that do not differ beyond the noise"

    def _no_change(self, point: FrontPoint, against: Against | None, reference: FrontPoint | None) -> str:
        if reference is not None:
            difference = compare(point, reference, self.noise)
            told = f"No change is worth it: your current setup, {self._setup(point)},"
            if difference.saves:
                return f"{told} {self.saved(difference)} for {self.gain(difference)} against {self._setup(reference)}"
            return (
                f"{told} and the best choice otherwise, {self._setup(reference)}, differ in neither joules nor "
                f"{self.quality_name} beyond the noise"
            )
        if against is Against.CURRENT:
            return f"No change is worth it: your current setup, {self._setup(point)}, is the best choice"
        return (
            f"No change is worth it: no setup differs from another beyond the noise; {self._setup(point)} stands "
            f"first, with {self._reached(point)}"
        )

    def _setup(self, point: FrontPoint) -> str:
        return wording.setup(point.setup.params, self.names)

    def _reached(self, point: FrontPoint) -> str:
        return f"{self._amounts(point)}; stop at epoch {point.epoch}"

    def _amounts(self, point: FrontPoint) -> str:
        u = mean_u(self.noise, point.n, point.trials)
        reached = wording.quality(point.quality, in_points=self.in_points, u=u)
        return f"{reached} {self.quality_name} for {wording.energy(point.energy_j)}"


def unsettled(noise: Noise, data: StudyData, groups: Sequence[Setup], best: FrontPoint) -> str:
    """What one repeat leaves unknown, and what would settle it at what price."""
    repeats = of_all(data, groups)
    price = ""
    if repeats.price_j:
        price = f", for about {wording.energy(repeats.price_j)} ({wording.count(repeats.n_setups, 'setup')})"
    run = " ".join(f"{key}={item}" for key, item in repeats.change.items())
    return (
        "Each setup was trained once, so how much quality and joules vary from run to run is not known, and "
        f"no difference between two setups is confirmed.{_floor(noise, data, best)} {run} would settle it{price}."
    )


def _floor(noise: Noise, data: StudyData, best: FrontPoint) -> str:
    """The least that the quality is uncertain by, from the samples that it was judged on."""
    sampling = noise.sampling
    se = sampling.mean_se(end(best.setup).trials) if sampling is not None else None
    units = (
        f"{sampling.n_units} {sampling.unit}s" if sampling is not None and se else f"{data.study.data.n_val} samples"
    )
    se = se or noise.quality_floor
    if se is None:
        return ""
    told = f"{100 * se:.1f} points" if wording.in_points(data) else f"{se:.2g}"
    return f" The validation split alone ({units}) gives {data.study.quality_name} a standard error of at least {told}."


def caveats(data: StudyData, point: FrontPoint, reference: FrontPoint | None, noise: Noise) -> tuple[str, ...]:
    """What a reader must know beside a recommendation."""
    points = [point] if reference is None else [point, reference]
    disturbed = sorted({number for item in points for number in item.setup.contaminated})
    imported = sorted({t.number for item in points for t in item.setup.trials if t.imported_from})
    found = []
    if not noise.is_known:
        found.append("not confirmed: one run each; study.repeats=3 would settle it")
    elif any(item.n == 1 for item in points):
        found.append("a setup here was trained once; its interval rests on the repeats of other setups")
    if disturbed:
        found.append(f"other programs disturbed trial {wording.numbers(disturbed)}")
    if any(trial.prefix_is_run is False for item in points for trial in item.setup.trials):
        found.append("the schedule depends on the planned length, so only whole runs are compared")
    if imported:
        found.append(f"trial {wording.numbers(imported)} was imported from another study")
    return (*found, *not_measured(data.study.domains))


def about_current(data: StudyData, current: Current | None) -> tuple[str, ...]:
    """What a reader must know of the setup that was named as the current one."""
    if current is None:
        return ()
    if current.point is None:
        return (f"nothing is compared with your current setup: {current.reason}",)
    if current.point.setup.excluded:
        return (f"your current setup is off the front: {current.point.setup.excluded}",)
    return () if current.n_matching == 1 else (fit_sentence(data, current).rstrip("."),)


def not_measured(domains: Sequence[Domain]) -> Iterator[str]:
    """Which of the joules no sensor told in this study; all of them, or those of some domains."""
    summed = [domain for domain in domains if domain.additive]
    for provenance in (Provenance.MODELLED, Provenance.REPLAYED):
        names = [domain.name for domain in summed if domain.provenance is provenance]
        if names:
            of = "" if len(names) == len(summed) else f" of {', '.join(names)}"
            yield f"joules{of} are {provenance}, not measured"
