"""Recommendations in words: one sentence for what to do, and the caveats that belong to it.

Plain text, so that the console, the report, the notes and JSON all say the same. Without repeats a sentence
tells what was seen in one run each, and claims no interval.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sweep.analysis import wording
from sweep.analysis.noise import Difference, Noise, mean_u
from sweep.analysis.pareto import FrontPoint
from sweep.records import Domain, Provenance, StudyData

AGAINST = {
    "cheapest_within_noise": "",
    "stop_earlier": "",
    "versus_median": "Against the setup of median energy:",
    "versus_worst": "Against the setup of most energy:",
}


class Words(NamedTuple):
    """How one study is spoken of.

    Attributes:
        quality_name: as the objective names it.
        names: dimensions that differ between setups.
        in_points: whether differences of quality are told in points of a hundred.
    """

    quality_name: str
    names: tuple[str, ...]
    in_points: bool
    noise: Noise

    def action(self, kind: str, point: FrontPoint, reference: FrontPoint | None, difference: Difference | None) -> str:
        """The sentence of a recommendation."""
        if reference is None or difference is None:
            return self._most_accurate(point)
        sentence = f"{self._change(point, reference)} {self._saving(difference)}"
        if point.setup is not reference.setup:
            sentence += f"; stop at epoch {point.epoch}"
        return f"{AGAINST[kind]} {sentence}".strip() + self._seen_once()

    def _most_accurate(self, point: FrontPoint) -> str:
        reached = wording.quality(point.quality, in_points=self.in_points, u=mean_u(self.noise, point.n))
        return (
            f"{wording.setup(point.setup.params, self.names)} is the most accurate: {reached} "
            f"{self.quality_name} for {wording.energy(point.energy_j)}; stop at epoch {point.epoch}"
            f"{self._seen_once()}"
        )

    def _change(self, point: FrontPoint, reference: FrontPoint) -> str:
        if point.setup is reference.setup:
            setup = wording.setup(point.setup.params, self.names)
            return f"Stopping {setup} at epoch {point.epoch} instead of {reference.epoch}"
        return wording.change(point.setup.params, reference.setup.params, self.names)

    def _saving(self, difference: Difference) -> str:
        saving = wording.share(difference.saving_rel, difference.saving_rel_u)
        gain = wording.gain(difference.quality, in_points=self.in_points, u=difference.quality_u)
        verb = "saves" if self.noise.is_known else "saved"
        return (
            f"{verb} {saving} of the joules ({wording.energy(difference.saving_j)} a training) "
            f"for {gain} of {self.quality_name}"
        )

    def _seen_once(self) -> str:
        return "" if self.noise.is_known else " (seen in one run each, not confirmed)"


def unsettled(noise: Noise, data: StudyData) -> str:
    """What one repeat leaves unknown, and what would settle it."""
    floor = ""
    if noise.quality_floor is not None:
        floor = (
            f" The validation split alone ({data.study.data.n_val} samples) gives {data.study.quality_name} "
            f"a standard error of at least {100 * noise.quality_floor:.1f} points."
        )
    return (
        "Each setup was trained once, so how much quality and joules vary from run to run is not known, and "
        f"no difference between two setups is confirmed.{floor} study.repeats=3 would settle it."
    )


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
    return (*found, *_not_measured(data.study.domains))


def _not_measured(domains: Sequence[Domain]) -> Iterator[str]:
    """Which of the joules no sensor told in this study; all of them, or those of some domains."""
    summed = [domain for domain in domains if domain.additive]
    for provenance in (Provenance.MODELLED, Provenance.REPLAYED):
        names = [domain.name for domain in summed if domain.provenance is provenance]
        if names:
            of = "" if len(names) == len(summed) else f" of {', '.join(names)}"
            yield f"joules{of} are {provenance}, not measured"
