"""The course of one trial: what has happened in it so far, and the record that follows from that.

A record can be asked for at any moment, so that what was measured survives whatever comes next.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sweep.config import Schedule, SweepConfig, pretraining_shares
from sweep.energy.activities import activity_energy
from sweep.energy.checks.steadiness import steadiness
from sweep.energy.recorder import Recorder
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.table import above_idle_j
from sweep.layers.loops.loop import LayerMarks
from sweep.layers.loops.phase import phase_table, with_shapes, work_table
from sweep.records import (
    RESULTS,
    ActivityEnergy,
    Conditions,
    DataInfo,
    Domain,
    DomainEnergy,
    Joules,
    LayerShape,
    LayerTable,
    LoadCheck,
    Machine,
    OperatorTable,
    Pretraining,
    SampleScores,
    SharedPhase,
    State,
    StopReason,
    TrajectoryPoint,
    TrialRecord,
    finite,
    total_j,
)
from sweep.study.identity import config_digest
from sweep.training.trainer import EpochResult, PhaseResult, Task


@dataclass(frozen=True)
class TrialSpec:
    """What a trial is to do.

    Attributes:
        config: with the params applied.
        paradigm: key in ``config.paradigms``.
    """

    number: int
    config: SweepConfig
    params: dict[str, Any]
    paradigm: str
    seed: int
    repeat: int


@dataclass
class Part:
    """One phase of a trial, under way or ended.

    Attributes:
        task: ``None`` for work that is no training.
        marks: of its steps; ``None`` if layers are not wanted.
        shapes: of its layers, once counted.
        notes: what a reader of its layer table must know.
        conditions: of the hardware at the end of each epoch, by epoch.
        is_shared: whether other trials may use it again.
        is_done: whether work that is no training has ended.
    """

    result: PhaseResult
    task: Task | None
    marks: LayerMarks | None
    is_shared: bool = False
    is_done: bool = False
    shapes: list[LayerShape] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    conditions: dict[int, Conditions] = field(default_factory=dict)

    @property
    def batches(self) -> float:
        """Full batches that the samples of all ended epochs make; a diverging epoch ends early."""
        whole = len(self.task.train) / self.result.effective_batch_size if self.task else 0.0
        return sum(min(epoch.steps, whole) for epoch in self.result.epochs)


@dataclass
class Course:
    """What has happened in a trial so far.

    Attributes:
        shared: the pretraining it rests on, once that is known; ``None`` before, and without one.
        reused: whether another trial has trained it.
        results: of work that is no training.
        operators: of profiled steps.
    """

    spec: TrialSpec
    machine: Machine
    info: DataInfo
    started_at: str
    start_s: float
    parts: list[Part] = field(default_factory=list)
    shared: SharedPhase | None = None
    reused: bool = False
    results: dict[str, float | None] = field(default_factory=dict)
    operators: list[OperatorTable] = field(default_factory=list)
    message: str | None = None
    failure: StopReason | None = None

    def point(self, part: Part, epoch: EpochResult, recorder: Recorder) -> TrajectoryPoint:
        """The state after an epoch of a phase, as it is charged; the timeline must cover it."""
        joules = recorder.timeline.joules(self.start_s, epoch.end_s)
        trained = recorder.timeline.joules(epoch.train.start_s, epoch.train.end_s)
        duration_s = epoch.end_s - self.start_s
        spent_j = total_j(additive(joules, recorder.domains))
        dynamic_j = total_j(above_idle(joules, recorder.domains, duration_s))
        shared = self.shared
        return TrajectoryPoint(
            phase=part.result.name,
            epoch=epoch.epoch,
            loss=finite(epoch.loss),
            val_loss=finite(epoch.val_loss),
            quality=None if epoch.quality is None else finite(epoch.quality),
            energy_j=self._charged(spent_j, None if shared is None else shared.energy_j),
            duration_s=duration_s + (shared.duration_s if shared and self.reused else 0.0),
            steps=epoch.steps,
            train_j=total_j(additive(trained, recorder.domains)),
            energy_dynamic_j=self._charged(dynamic_j, None if shared is None else shared.energy_dynamic_j),
            conditions=part.conditions.get(epoch.epoch),
            qualities=dict(epoch.parts),
        )

    def _charged(self, spent_j: float | None, shared_j: float | None) -> float | None:
        """What was spent, with one part of the pretraining in the place of what it spent here."""
        if self.shared is None:
            return spent_j
        if spent_j is None or shared_j is None:
            return None
        return spent_j - (0.0 if self.reused else shared_j) + shared_j / self._shares

    @property
    def _shares(self) -> float:
        return pretraining_shares(self.spec.config.study.energy)

    def points(self, recorder: Recorder) -> list[TrajectoryPoint]:
        """All epochs so far, those of the pretraining first."""
        ended = [part for part in self.parts if not (part.is_shared and self.shared)]
        own = [self.point(part, epoch, recorder) for part in ended for epoch in part.result.epochs]
        return own if self.shared is None else charged_points(self.shared, self._shares) + own

    def record(self, end_s: float, load: LoadCheck | None, recorder: Recorder) -> TrialRecord:
        """The record of what has happened up to a time; one under way counts as killed until it ends."""
        spec, shared = self.spec, self.shared
        last = next((part.result for part in self.parts[::-1] if part.task is not None), None)
        energy = recorder.energy(self.start_s, end_s)
        trained = recorder.energy(self.start_s, self._trained_until_s(end_s))
        reason = self.failure or (last.stop_reason if last and not self._is_unfinished() else None) or StopReason.KILLED
        points = self.points(recorder)
        best = _best_point(last, points)
        spent = total_j(d.energy_j for d in trained.values() if d.additive)
        dynamic = total_j(d.dynamic_j for d in trained.values() if d.additive)
        spans = [span for part in self.parts for span in part.result.spans if span.end_s <= end_s]
        activities = activity_energy(spans, recorder.timeline, self.start_s, end_s)
        return TrialRecord(
            number=spec.number,
            params=spec.params,
            seed=spec.seed,
            repeat=spec.repeat,
            paradigm=spec.paradigm,
            state=State.COMPLETE if reason in RESULTS else State.FAIL,
            stop_reason=reason,
            message=self.message,
            quality=best.quality if best else None,
            best_epoch=best.epoch if best else None,
            energy_to_best_j=best.energy_j if best else None,
            epochs=len(points),
            effective_batch_size=last.effective_batch_size if last else None,
            energy_j=self._charged(spent, None if shared is None else shared.energy_j),
            energy_spent_j=total_j(d.energy_j for d in energy.values() if d.additive),
            energy_u_scale_j=self._charged(
                _sum_u(trained, "u_scale_j", linear=True), None if shared is None else shared.energy_u_scale_j
            ),
            energy_u_random_j=self._random_u(_sum_u(trained, "u_random_j", linear=False)),
            energy_dynamic_j=self._charged(dynamic, None if shared is None else shared.energy_dynamic_j),
            domains=energy,
            activities=activities,
            trajectory=points,
            layers=self._tables(activities, recorder.timeline),
            prefix_is_run=spec.config.trainer.schedule == Schedule.constant,
            pretraining=None if shared is None else self._pretraining(shared),
            pretraining_shares=self._shares,
            qualities=dict(best.qualities) if best else {},
            scores=self._scores(last),
            results=dict(self.results),
            operators=list(self.operators),
            load=load,
            sensors=recorder.sensors.summary(self.start_s, end_s),
            steadiness=steadiness(recorder, self.start_s, end_s),
            machine=self.machine,
            started_at=self.started_at,
            duration_s=end_s - self.start_s,
            config_digest=config_digest(spec.config, spec.paradigm, self.info, recorder.domains, self.machine),
        )

    def _trained_until_s(self, end_s: float) -> float:
        """Where the training ends that a trial is charged with: other work is spent, and not charged."""
        work = (part.result.spans[0].start_s for part in self.parts if part.task is None)
        return min(next(work, end_s), end_s)

    def _scores(self, last: PhaseResult | None) -> SampleScores | None:
        """The scores of the weights that are kept, of the validation samples that the task's data have."""
        digest = self.info.val_digest
        if last is None or last.scores is None or digest is None or len(last.scores) != self.info.n_val:
            return None
        return SampleScores.pack(last.scores.numpy(), digest)

    def _is_unfinished(self) -> bool:
        """Whether work is under way that follows a training that has ended."""
        return bool(self.parts) and self.parts[-1].task is None and not self.parts[-1].is_done

    def _random_u(self, spent_u_j: float | None) -> float | None:
        """Random uncertainty of what is charged; of a pretraining that was spent here it is in what was spent."""
        if self.shared is None or not self.reused:
            return spent_u_j
        if spent_u_j is None or self.shared.energy_u_random_j is None:
            return None
        return math.hypot(spent_u_j, self.shared.energy_u_random_j / self._shares)

    def _pretraining(self, shared: SharedPhase) -> Pretraining:
        return Pretraining(
            key=shared.key,
            number=shared.number,
            reused=self.reused,
            energy_j=shared.energy_j,
            energy_u_random_j=shared.energy_u_random_j,
            epochs=len(shared.points),
            duration_s=shared.duration_s,
        )

    def share(self, key: str, part: Part, recorder: Recorder) -> SharedPhase:
        """What other trials need to know of a pretraining that has just ended here."""
        end_s = part.result.spans[-1].end_s
        energy = recorder.energy(self.start_s, end_s)
        self.shared = SharedPhase(
            key=key,
            number=self.spec.number,
            points=[self.point(part, epoch, recorder) for epoch in part.result.epochs],
            energy_j=total_j(d.energy_j for d in energy.values() if d.additive),
            energy_u_scale_j=_sum_u(energy, "u_scale_j", linear=True),
            energy_u_random_j=_sum_u(energy, "u_random_j", linear=False),
            energy_dynamic_j=total_j(d.dynamic_j for d in energy.values() if d.additive),
            duration_s=end_s - self.start_s,
        )
        return self.shared

    def _tables(self, activities: Sequence[ActivityEnergy], timeline: Timeline) -> list[LayerTable]:
        """The layer table of each phase whose steps were marked."""
        tables = []
        for part in self.parts:
            if part.task is None and any(other.marks for other in self.parts):
                tables.append(work_table(part.result.name, activities, part.result.spans, timeline))
            if part.marks is not None:
                part.marks.fold(timeline)
                table = phase_table(part.result.name, part.marks, activities, part.result.spans, timeline)
                tables.append(with_shapes(table, part.shapes, part.notes, part.batches))
        return tables


def additive(joules: Joules, domains: tuple[Domain, ...]) -> list[float | None]:
    """Joules of the domains that enter the total."""
    return [joules[domain.name] for domain in domains if domain.additive]


def above_idle(joules: Joules, domains: tuple[Domain, ...], duration_s: float) -> list[float | None]:
    """Dynamic joules of the domains that enter the total."""
    return [above_idle_j(joules[domain.name], domain, duration_s) for domain in domains if domain.additive]


def _best_point(last: PhaseResult | None, points: list[TrajectoryPoint]) -> TrajectoryPoint | None:
    if last is None or not last.best_epoch:
        return None
    return next(p for p in points if p.phase == last.name and p.epoch == last.best_epoch)


def _sum_u(energy: dict[str, DomainEnergy], name: str, *, linear: bool) -> float | None:
    """Uncertainty of a sum of domains: random parts in quadrature, scale parts, which may be shared, linearly."""
    parts = [getattr(d, name) for d in energy.values() if d.additive]
    total = total_j(parts if linear else [None if u is None else u * u for u in parts])
    return total if linear or total is None else total**0.5


def charged_points(shared: SharedPhase, shares: float) -> list[TrajectoryPoint]:
    """The epochs of a pretraining as they stand in a trial that pays one of ``shares`` parts of it."""
    return [
        msgspec.structs.replace(
            point,
            energy_j=None if point.energy_j is None else point.energy_j / shares,
            energy_dynamic_j=None if point.energy_dynamic_j is None else point.energy_dynamic_j / shares,
        )
        for point in shared.points
    ]
