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
from sweep.energy.checks.load import LoadWatch
from sweep.energy.host.process import usable_cores
from sweep.energy.recorder import Recorder
from sweep.errors import LayerError
from sweep.layers.loops.loop import NoMarks
from sweep.layers.marking.marks import can_time
from sweep.layers.marking.support import check_model
from sweep.layers.workload import workload
from sweep.paradigms.paradigm import Paradigm
from sweep.records import Domain, LayerShape, Provenance, StopReason, TrajectoryPoint, TrialRecord
from sweep.registry import build
from sweep.study.calibrator import Calibrator
from sweep.study.course import Course, TrialSpec
from sweep.study.interruption import Interruption
from sweep.study.loading import Loaded, Loader
from sweep.study.phases import PhaseRunner
from sweep.study.search_space import paradigm_spec
from sweep.study.weights import Checkpoints
from sweep.training import device as devices
from sweep.training.evaluation import Evaluation, evaluate
from sweep.training.feed import place
from sweep.training.hot_spots import hot_spots
from sweep.training.rehearsal import rehearsal
from sweep.training.trainer import Task, synchronize, warm_up


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
        self._phases = PhaseRunner(recorder, self._calibrator, weights)
        self._recorder = recorder
        self._loader = loader
        self._weights = weights
        self._interruption = interruption
        self._counted: dict[Any, tuple[list[LayerShape], list[str]]] = {}

    def warm_up(self, config: SweepConfig, paradigm: str) -> None:
        """Pay for what the first training of a process costs, before the first trial; see ``trainer.warm_up``."""
        loaded = self._loader.load(config)
        with suppress(Exception):  # whatever fails here fails again in the trial, which keeps a record of it
            task = first_task(make_paradigm(config, paradigm), loaded)
            task.model.to(devices.choose(config.trainer.device))
            warm_up(task, config.trainer)

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
            paradigm = make_paradigm(spec.config, spec.paradigm)
            self._calibrator.prepare(spec.config, paradigm, loaded, device)
            self._warm(spec, paradigm, loaded, device)
        watch = LoadWatch()
        watch.start()
        course = Course(spec, machine, loaded.info, datetime.now(UTC).isoformat(), self._recorder.mark())
        self._recorder.sense()
        try:
            with self._interruption.armed():
                paradigm = make_paradigm(spec.config, spec.paradigm)
                self._phases.run(course, paradigm, loaded, device, on_epoch)
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
        self._profile(course)
        return course.record(end_s, load, self._recorder)

    def _warm(self, spec: TrialSpec, paradigm: Paradigm, loaded: Loaded, device: torch.device) -> None:
        """Do the work of the first phase for a while, so that the device is as warm as it gets; the search pays."""
        until_s = self._recorder.clock() + spec.config.study.warmup_s
        if not spec.config.study.warmup_s:
            return
        with torch.random.fork_rng([device] if device.type == "cuda" else []), suppress(Exception):
            task = first_task(paradigm, loaded)
            task.model.to(device)
            _, step = rehearsal(task, spec.config.trainer)
            while self._recorder.clock() < until_s:
                step(NoMarks())
        synchronize(device)

    def _count(self, course: Course) -> None:
        """Count what the layers of each phase do in a step; the search pays, and equal models are counted once."""
        for part in course.parts:
            if part.marks is None or part.task is None:
                continue
            batch = part.task.train.inputs[: part.result.effective_batch_size]
            key = (str(part.task.model), tuple(p.shape for p in part.task.model.parameters()), batch.shape, batch.dtype)
            if key not in self._counted:
                self._counted[key] = _counted(part.task, batch)
            part.shapes, part.notes = self._counted[key]

    def _profile(self, course: Course) -> None:
        """Profile some steps of each training, if that is asked for; the search pays."""
        steps = course.spec.config.layers.operators
        for part in course.parts:
            if steps and part.task is not None and course.failure is None:
                with suppress(Exception):  # the trial itself is whole
                    table = hot_spots(part.task, course.spec.config.trainer, part.result.name, steps)
                    course.operators.append(table)

    def test(self, spec: TrialSpec, epoch: int) -> Evaluation | None:
        """Loss and quality on the test split with the weights of one epoch.

        Returns:
            ``None`` if there is no test split, or no such weights any more.
        """
        loaded = self._loader.load(spec.config)
        keeper = Checkpoints(self._weights / str(spec.number))
        if loaded.data.test is None or not keeper.has(epoch):
            return None
        device = devices.choose(spec.config.trainer.device)
        paradigm = make_paradigm(spec.config, spec.paradigm)
        model = paradigm.model(loaded.objective).to(device)
        keeper.restore(epoch, model)
        loss, metric = paradigm.judge(loaded.objective)
        split = place(loaded.data.test, device)
        return evaluate(model, split, loss, metric, spec.config.trainer.eval_batch_size, device)


def make_paradigm(config: SweepConfig, name: str) -> Paradigm:
    """The paradigm that a value of the dimension names; after a dot stands the head.

    Raises:
        ConfigError: for options that it does not take.
    """
    spec, where = paradigm_spec(config, name)
    return build(spec, Paradigm, where)  # type: ignore[type-abstract]


def first_task(paradigm: Paradigm, loaded: Loaded) -> Task:
    """What a trial trains first."""
    return next(phase.task for phase in paradigm.phases(loaded.objective, loaded.data) if phase.task is not None)


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
        model = make_paradigm(config, paradigm).model(loaded.objective)
    except Exception:  # it fails again in the trial, which keeps a record of it
        return
    check_model(model)


def _counted(task: Task, batch: Tensor) -> tuple[list[LayerShape], list[str]]:
    """Shapes of the layers of a phase and what could not be counted, or the reason why there are none."""
    try:
        return workload(task.model, (batch,))
    except LayerError as err:
        return [], [str(err)]
