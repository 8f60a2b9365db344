"""One trial: a function from a typed spec to a record. The seam behind which trials can move into other processes.

``TrialRunner`` holds what trials share (the recorder, loaded data, the folder for weights); nothing that one trial
leaves in it changes the result of another. A spec is plain data and can be sent anywhere.
"""

import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from sweep.config import Schedule, SweepConfig, digest
from sweep.energy.activities import Span, activity_energy
from sweep.energy.load import LoadWatch
from sweep.energy.process import usable_cores
from sweep.energy.recorder import Recorder
from sweep.errors import DataError, SweepError
from sweep.objective import Data, Objective
from sweep.paradigms.paradigm import Paradigm
from sweep.records import (
    RESULTS,
    DataInfo,
    Domain,
    DomainEnergy,
    Joules,
    LoadCheck,
    Machine,
    State,
    StopReason,
    TrajectoryPoint,
    TrialRecord,
    finite,
    total_j,
)
from sweep.registry import build
from sweep.study.identity import config_digest
from sweep.study.interruption import Interruption
from sweep.study.weights import Checkpoints
from sweep.training import device as devices
from sweep.training.feed import place
from sweep.training.trainer import EpochResult, PhaseResult, evaluate, train, warm_up


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


@dataclass(frozen=True)
class Loaded:
    """An objective with its data on the device."""

    objective: Objective
    data: Data
    info: DataInfo


@dataclass
class _Course:
    """What has happened in a trial so far."""

    spec: TrialSpec
    machine: Machine
    info: DataInfo
    started_at: str
    start_s: float
    phases: list[PhaseResult] = field(default_factory=list)
    message: str | None = None
    failure: StopReason | None = None


class Loader:
    """Objectives with their data, loaded once for a set of options; the last set stays in memory."""

    def __init__(self) -> None:
        self._key = ""
        self._loaded: Loaded | None = None

    def load(self, config: SweepConfig) -> Loaded:
        """The objective that a config describes, its training and validation data on the device.

        Raises:
            SweepError: if the options or the data cannot be used.
        """
        key = digest([config.objective, config.trainer.device])
        if self._loaded is None or key != self._key:
            self._loaded = None  # two sets need not fit side by side
            objective = build(config.objective, Objective, "objective")  # type: ignore[type-abstract]
            data = _data_of(objective)
            info = data.info()
            device = devices.choose(config.trainer.device)
            placed = data._replace(train=place(data.train, device), val=place(data.val, device))
            self._key, self._loaded = key, Loaded(objective, placed, info)
        return self._loaded


def _data_of(objective: Objective) -> Data:
    """An objective's data, with whatever a user's own code raises in our words."""
    name = type(objective).__name__
    try:
        data = objective.data()
    except SweepError:
        raise
    except Exception as err:
        raise DataError(
            f"{name} cannot load its data ({type(err).__name__}: {err})",
            "correct the task; --traceback shows where it fails",
        ) from err
    if not isinstance(data, Data):
        raise DataError(
            f"data() of {name} returned a {type(data).__name__}", "return a sweep.objective.Data with its splits"
        )
    return data


class TrialRunner:
    """Runs trials in this process.

    Args:
        recorder: running.
        loader: of objectives.
        weights: folder that takes the checkpoints.
        interruption: says where a signal may break in.
    """

    def __init__(self, recorder: Recorder, loader: Loader, weights: Path, interruption: Interruption) -> None:
        self._recorder = recorder
        self._loader = loader
        self._weights = weights
        self._interruption = interruption

    def warm_up(self, config: SweepConfig, paradigm: str) -> None:
        """Pay for what the first training of a process costs, before the first trial; see ``trainer.warm_up``."""
        loaded = self._loader.load(config)
        with suppress(Exception):  # whatever fails here fails again in the trial, which keeps a record of it
            phase = next(_paradigm(config, paradigm).phases(loaded.objective, loaded.data))
            phase.task.model.to(devices.choose(config.trainer.device))
            warm_up(phase.task, config.trainer)

    def run(
        self, spec: TrialSpec, on_epoch: Callable[[TrajectoryPoint, Callable[[], TrialRecord]], None]
    ) -> TrialRecord:
        """Train one setup.

        Args:
            spec: what to do.
            on_epoch: called after each epoch with its point and a function that makes the record so far.

        Returns:
            The record, whatever happened; an interruption is recorded with that stop reason, not raised.

        Raises:
            SweepError: if the setup cannot be loaded; nothing was spent on it.
        """
        loaded = self._loader.load(spec.config)
        device = devices.choose(spec.config.trainer.device)
        torch.set_num_threads(spec.config.trainer.threads or usable_cores())
        machine = devices.describe(spec.config.trainer, device)
        watch = LoadWatch()
        watch.start()
        course = _Course(spec, machine, loaded.info, datetime.now(UTC).isoformat(), self._recorder.mark())
        try:
            with self._interruption.armed():
                self._train(course, loaded, device, on_epoch)
        except KeyboardInterrupt:
            course.failure, course.message = StopReason.INTERRUPTED, "stopped by the user"
        except Exception as err:  # a trial that crashes is a result of the study, not its end
            course.failure = StopReason.CRASHED
            course.message = f"{type(err).__name__}: {err}\n{traceback.format_exc()}"
        end_s = self._recorder.mark()
        self._recorder.settle()
        return self._record(course, end_s, watch.stop())

    def _train(
        self,
        course: _Course,
        loaded: Loaded,
        device: torch.device,
        on_epoch: Callable[[TrajectoryPoint, Callable[[], TrialRecord]], None],
    ) -> None:
        spec = course.spec
        torch.manual_seed(spec.seed)
        paradigm = _paradigm(spec.config, spec.paradigm)
        keeper = Checkpoints(self._weights / str(spec.number))

        def listen(epoch: EpochResult) -> None:
            with self._recorder.set_apart():
                self._recorder.settle()
                point = self._point(course, course.phases[-1].name, epoch)
                on_epoch(point, lambda: self._record(course, epoch.end_s, None))

        reached_s = course.start_s
        for phase in paradigm.phases(loaded.objective, loaded.data):
            phase.task.model.to(device)
            size = min(spec.config.trainer.batch_size, len(phase.task.train))
            result = PhaseResult(phase.name, effective_batch_size=size)
            result.spans.append(Span(phase.name, "data", reached_s, self._recorder.mark()))
            course.phases.append(result)
            train(
                phase.task,
                spec.config.trainer,
                result,
                recorder=self._recorder,
                keeper=keeper,
                seed=spec.seed,
                on_epoch=listen,
            )
            reached_s = result.spans[-1].end_s
            if result.stop_reason == StopReason.DIVERGED:
                course.failure = StopReason.DIVERGED
                course.message = f"loss was not finite in epoch {result.epochs[-1].epoch} of phase {phase.name}"
                return

    def _point(self, course: _Course, phase: str, epoch: EpochResult) -> TrajectoryPoint:
        joules = self._recorder.timeline.joules(course.start_s, epoch.end_s)
        return TrajectoryPoint(
            phase=phase,
            epoch=epoch.epoch,
            loss=finite(epoch.loss),
            val_loss=finite(epoch.val_loss),
            quality=None if epoch.quality is None else finite(epoch.quality),
            energy_j=total_j(additive(joules, self._recorder.domains)),
            duration_s=epoch.end_s - course.start_s,
        )

    def _record(self, course: _Course, end_s: float, load: LoadCheck | None) -> TrialRecord:
        """The record of what has happened so far; one under way counts as killed until it ends."""
        spec, last = course.spec, course.phases[-1] if course.phases else None
        energy = self._recorder.timeline.energy(course.start_s, end_s)
        reason = course.failure or (last.stop_reason if last else None) or StopReason.KILLED
        points = [self._point(course, phase.name, epoch) for phase in course.phases for epoch in phase.epochs]
        best = _best_point(last, points)
        total = total_j(d.energy_j for d in energy.values() if d.additive)
        return TrialRecord(
            number=spec.number,
            params=spec.params,
            seed=spec.seed,
            repeat=spec.repeat,
            paradigm=spec.paradigm,
            state=State.COMPLETE if reason in RESULTS else State.FAIL,
            stop_reason=reason,
            message=course.message,
            quality=best.quality if best else None,
            best_epoch=best.epoch if best else None,
            energy_to_best_j=best.energy_j if best else None,
            epochs=len(points),
            effective_batch_size=last.effective_batch_size if last else None,
            energy_j=total,
            energy_spent_j=total,
            energy_u_scale_j=_sum_u(energy, "u_scale_j", linear=True),
            energy_u_random_j=_sum_u(energy, "u_random_j", linear=False),
            domains=energy,
            activities=activity_energy(
                [span for phase in course.phases for span in phase.spans if span.end_s <= end_s],
                self._recorder.timeline,
                course.start_s,
                end_s,
            ),
            trajectory=points,
            prefix_is_run=spec.config.trainer.schedule == Schedule.constant,
            load=load,
            machine=course.machine,
            started_at=course.started_at,
            duration_s=end_s - course.start_s,
            config_digest=config_digest(
                spec.config, spec.paradigm, course.info, self._recorder.domains, course.machine
            ),
        )

    def test(self, spec: TrialSpec, epoch: int) -> float | None:
        """Quality on the test split with the weights of one epoch.

        Returns:
            ``None`` if there is no test split, or no such weights any more.
        """
        loaded = self._loader.load(spec.config)
        keeper = Checkpoints(self._weights / str(spec.number))
        if loaded.data.test is None or not keeper.has(epoch):
            return None
        device = devices.choose(spec.config.trainer.device)
        model = _paradigm(spec.config, spec.paradigm).model(loaded.objective).to(device)
        keeper.restore(epoch, model)
        size = spec.config.trainer.eval_batch_size
        objective = loaded.objective
        split = place(loaded.data.test, device)
        return evaluate(model, split, objective.loss, objective.metric, size, device)[1]


def _paradigm(config: SweepConfig, name: str) -> Paradigm:
    return build(config.paradigms[name], Paradigm, f"paradigms.{name}")  # type: ignore[type-abstract]


def additive(joules: Joules, domains: tuple[Domain, ...]) -> list[float | None]:
    """Joules of the domains that enter the total."""
    return [joules[domain.name] for domain in domains if domain.additive]


def _best_point(last: PhaseResult | None, points: list[TrajectoryPoint]) -> TrajectoryPoint | None:
    if last is None or not last.best_epoch:
        return None
    return next(p for p in points if p.phase == last.name and p.epoch == last.best_epoch)


def _sum_u(energy: dict[str, DomainEnergy], name: str, *, linear: bool) -> float | None:
    """Uncertainty of a sum of domains: random parts in quadrature, scale parts, which may be shared, linearly."""
    parts = [getattr(d, name) for d in energy.values() if d.additive]
    total = total_j(parts if linear else [None if u is None else u * u for u in parts])
    return total if linear or total is None else total**0.5
