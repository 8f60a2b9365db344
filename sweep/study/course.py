"""The course of one trial: what has happened in it so far, and the record that follows from that.

A record can be asked for at any moment, so that what was measured survives whatever comes next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.config import Schedule, SweepConfig
from sweep.energy.activities import activity_energy
from sweep.energy.checks.steadiness import steadiness
from sweep.energy.recorder import Recorder
from sweep.energy.timeline import Timeline
from sweep.layers.attribution.table import above_idle_j
from sweep.layers.loops.loop import LayerMarks
from sweep.layers.loops.phase import phase_table, with_shapes
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
        marks: of its steps; ``None`` if layers are not wanted.
        shapes: of its layers, once counted.
        notes: what a reader of its layer table must know.
        conditions: of the hardware at the end of each epoch, by epoch.
    """

    result: PhaseResult
    task: Task
    marks: LayerMarks | None
    shapes: list[LayerShape] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    conditions: dict[int, Conditions] = field(default_factory=dict)

    @property
    def batches(self) -> float:
        """Full batches that the samples of all ended epochs make; a diverging epoch ends early."""
        whole = len(self.task.train) / self.result.effective_batch_size
        return sum(min(epoch.steps, whole) for epoch in self.result.epochs)


@dataclass
class Course:
    """What has happened in a trial so far."""

    spec: TrialSpec
    machine: Machine
    info: DataInfo
    started_at: str
    start_s: float
    parts: list[Part] = field(default_factory=list)
    message: str | None = None
    failure: StopReason | None = None

    def point(self, part: Part, epoch: EpochResult, recorder: Recorder) -> TrajectoryPoint:
        """The state after an epoch of a phase; the timeline must cover it."""
        joules = recorder.timeline.joules(self.start_s, epoch.end_s)
        trained = recorder.timeline.joules(epoch.train.start_s, epoch.train.end_s)
        return TrajectoryPoint(
            phase=part.result.name,
            epoch=epoch.epoch,
            loss=finite(epoch.loss),
            val_loss=finite(epoch.val_loss),
            quality=None if epoch.quality is None else finite(epoch.quality),
            energy_j=total_j(additive(joules, recorder.domains)),
            duration_s=epoch.end_s - self.start_s,
            steps=epoch.steps,
            train_j=total_j(additive(trained, recorder.domains)),
            energy_dynamic_j=total_j(above_idle(joules, recorder.domains, epoch.end_s - self.start_s)),
            conditions=part.conditions.get(epoch.epoch),
        )

    def record(self, end_s: float, load: LoadCheck | None, recorder: Recorder) -> TrialRecord:
        """The record of what has happened up to a time; one under way counts as killed until it ends."""
        spec, last = self.spec, self.parts[-1].result if self.parts else None
        energy = recorder.energy(self.start_s, end_s)
        reason = self.failure or (last.stop_reason if last else None) or StopReason.KILLED
        points = [self.point(part, epoch, recorder) for part in self.parts for epoch in part.result.epochs]
        best = _best_point(last, points)
        total = total_j(d.energy_j for d in energy.values() if d.additive)
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
            energy_j=total,
            energy_spent_j=total,
            energy_u_scale_j=_sum_u(energy, "u_scale_j", linear=True),
            energy_u_random_j=_sum_u(energy, "u_random_j", linear=False),
            energy_dynamic_j=total_j(d.dynamic_j for d in energy.values() if d.additive),
            domains=energy,
            activities=activities,
            trajectory=points,
            layers=self._tables(activities, recorder.timeline),
            prefix_is_run=spec.config.trainer.schedule == Schedule.constant,
            load=load,
            sensors=recorder.sensors.summary(self.start_s, end_s),
            steadiness=steadiness(recorder, self.start_s, end_s),
            machine=self.machine,
            started_at=self.started_at,
            duration_s=end_s - self.start_s,
            config_digest=config_digest(spec.config, spec.paradigm, self.info, recorder.domains, self.machine),
        )

    def _tables(self, activities: Sequence[ActivityEnergy], timeline: Timeline) -> list[LayerTable]:
        """The layer table of each phase whose steps were marked."""
        tables = []
        for part in self.parts:
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
