"""One trial: a function from a typed spec to a record. The seam behind which trials can move into other processes.

``TrialRunner`` holds what trials share (the recorder, loaded data, the folder for weights); nothing that one trial
leaves in it changes the result of another. A spec is plain data and can be sent anywhere.
"""

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweep.config import LayerMode, SweepConfig
from sweep.energy.activities import Span
from sweep.energy.checks.load import PROCESSOR, LoadWatch
from sweep.energy.host.process import usable_cores
from sweep.energy.recorder import Recorder
from sweep.errors import LayerError
from sweep.layers.loops.loop import LayerMarks, NoMarks
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import can_time, marks_for
from sweep.layers.marking.support import check_model
from sweep.layers.workload import workload
from sweep.paradigms.paradigm import Paradigm
from sweep.records import Conditions, Domain, LayerShape, Provenance, StopReason, TrajectoryPoint, TrialRecord
from sweep.registry import build
from sweep.study.calibrator import Calibrator
from sweep.study.course import Course, Part, TrialSpec
from sweep.study.interruption import Interruption
from sweep.study.loading import Loaded, Loader
from sweep.study.weights import Checkpoints
from sweep.training import device as devices
from sweep.training.feed import place
from sweep.training.rehearsal import rehearsal
from sweep.training.trainer import EpochResult, PhaseResult, Task, evaluate, synchronize, train, warm_up


class TrialRunner:
    """Runs trials in this process.

    Args:
        recorder: running.
        loader: of objectives.
        weights: folder that takes the checkpoints.
        interruption: says where a signal may break in.
        notice: told what takes a while before a trial.
    """

    def __init__(
        self,
        recorder: Recorder,
        loader: Loader,
        weights: Path,
        interruption: Interruption,
        notice: Callable[[str], None],
    ) -> None:
        self._calibrator = Calibrator(recorder, notice)
        self._recorder = recorder
        self._loader = loader
        self._weights = weights
        self._interruption = interruption
        self._counted: dict[Any, tuple[list[LayerShape], list[str]]] = {}

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
        with suppress(KeyboardInterrupt), self._interruption.armed():  # then the trial's own section raises at once
            paradigm = _paradigm(spec.config, spec.paradigm)
            self._calibrator.prepare(spec.config, paradigm, loaded, device)
            self._warm(spec, paradigm, loaded, device)
        watch = LoadWatch()
        watch.start()
        course = Course(spec, machine, loaded.info, datetime.now(UTC).isoformat(), self._recorder.mark())
        self._recorder.sense()
        try:
            with self._interruption.armed():
                self._train(course, loaded, device, on_epoch)
        except KeyboardInterrupt:
            course.failure, course.message = StopReason.INTERRUPTED, "stopped by the user"
        except Exception as err:  # a trial that crashes is a result of the study, not its end
            course.failure = StopReason.CRASHED
            course.message = f"{type(err).__name__}: {err}\n{traceback.format_exc()}"
        self._recorder.sense()
        end_s = self._recorder.mark()
        self._recorder.catch_up()
        load = watch.stop(
            self._recorder.domains,
            self._recorder.sensors.summary(course.start_s, end_s),
            self._recorder.paused_s(course.start_s, end_s),
        )
        self._count(course)
        return course.record(end_s, load, self._recorder)

    def _train(
        self,
        course: Course,
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
                part = course.parts[-1]
                conditions = self._recorder.conditions()
                part.conditions[epoch.epoch] = conditions.get(domain_of(device, self._recorder.domains), Conditions())
                if part.marks is not None:
                    part.marks.fold(self._recorder.timeline)
                point = course.point(part, epoch, self._recorder)
                on_epoch(point, lambda: course.record(epoch.end_s, None, self._recorder))

        reached_s = course.start_s
        for phase in paradigm.phases(loaded.objective, loaded.data):
            phase.task.model.to(device)
            size = min(spec.config.trainer.batch_size, len(phase.task.train))
            result = PhaseResult(phase.name, effective_batch_size=size)
            result.spans.append(Span(phase.name, "data", reached_s, self._recorder.mark()))
            part = Part(result, phase.task, self._marks(spec, phase.task, device))
            course.parts.append(part)
            train(
                phase.task,
                spec.config.trainer,
                result,
                recorder=self._recorder,
                keeper=keeper,
                seed=spec.seed,
                on_epoch=listen,
                marks=part.marks,
            )
            reached_s = result.spans[-1].end_s
            if result.stop_reason == StopReason.DIVERGED:
                course.failure = StopReason.DIVERGED
                course.message = f"loss was not finite in epoch {result.epochs[-1].epoch} of phase {phase.name}"
                return

    def _warm(self, spec: TrialSpec, paradigm: Paradigm, loaded: Loaded, device: torch.device) -> None:
        """Do the work of the first phase for a while, so that the device is as warm as it gets; the search pays."""
        until_s = self._recorder.clock() + spec.config.study.warmup_s
        if not spec.config.study.warmup_s:
            return
        with torch.random.fork_rng([device] if device.type == "cuda" else []), suppress(Exception):
            task = next(paradigm.phases(loaded.objective, loaded.data)).task
            task.model.to(device)
            _, step = rehearsal(task, spec.config.trainer)
            while self._recorder.clock() < until_s:
                step(NoMarks())
        synchronize(device)

    def _marks(self, spec: TrialSpec, task: Task, device: torch.device) -> LayerMarks | None:
        """What marks the steps of a phase; ``None`` if layers are not wanted."""
        if spec.config.layers.mode == LayerMode.off or not can_time(device):
            return None
        check_model(task.model)
        choice = StepChoice(spec.config.layers.every, spec.seed)
        marks = marks_for(device, self._recorder.clock)
        calibration = self._calibrator.of(spec.config, task, device)
        return LayerMarks(task.model, marks, choice, self._recorder.domains, calibration)

    def _count(self, course: Course) -> None:
        """Count what the layers of each phase do in a step; the search pays, and equal models are counted once."""
        for part in course.parts:
            if part.marks is None:
                continue
            batch = part.task.train.inputs[: part.result.effective_batch_size]
            key = (str(part.task.model), tuple(p.shape for p in part.task.model.parameters()), batch.shape, batch.dtype)
            if key not in self._counted:
                self._counted[key] = _counted(part, batch)
            part.shapes, part.notes = self._counted[key]

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


def domain_of(device: torch.device, domains: Sequence[Domain]) -> str:
    """Name of the domain that a device belongs to; empty if none does."""
    if device.type == "cuda":
        return f"gpu:{device.index or 0}"
    return next((domain.name for domain in domains if domain.kind in PROCESSOR), "")


def _paradigm(config: SweepConfig, name: str) -> Paradigm:
    return build(config.paradigms[name], Paradigm, f"paradigms.{name}")  # type: ignore[type-abstract]


def check_layers(
    config: SweepConfig,
    paradigm: str,
    loaded: Loaded,
    domains: Sequence[Domain],
    notice: Callable[[str], None],
) -> None:
    """Refuse a setup whose layers cannot be measured as asked, before anything is spent on it.

    On a device whose work cannot be timed the study runs without layers, and a notice says so.

    Raises:
        LayerError: with the reason and what to do instead.
    """
    if config.layers.mode == LayerMode.off:
        return
    for domain in domains if config.layers.mode == LayerMode.calibrated else ():
        if domain.provenance != Provenance.MEASURED:
            what = "CPU time" if domain.provenance == Provenance.MODELLED else "another run"
            raise LayerError(
                f"layers.mode=calibrated with {domain.provenance} joules ({domain.name}) would fit {what}, not power",
                "set layers.mode=sampled, or use a meter that reads a sensor",
            )
    device = devices.choose(config.trainer.device)
    if not can_time(device):
        notice(f"no layers are measured: the work of {device} cannot be timed layer by layer")
        return
    try:
        model = _paradigm(config, paradigm).model(loaded.objective)
    except Exception:  # it fails again in the trial, which keeps a record of it
        return
    check_model(model)


def _counted(part: Part, batch: Tensor) -> tuple[list[LayerShape], list[str]]:
    """Shapes of the layers of a phase and what could not be counted, or the reason why there are none."""
    try:
        return workload(part.task.model, (batch,))
    except LayerError as err:
        return [], [str(err)]
