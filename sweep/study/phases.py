"""The phases of a trial, one after the other: trained, loaded because another trial has trained the same, or measured.

Phase(task)             train                            spans: data, train, validation, checkpoint
Phase(task, shared)     load, or train and keep           (a loaded one costs what loading costs)
Phase(work)             do                               spans that the work names
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from sweep.config import LayerMode
from sweep.energy.activities import Span
from sweep.energy.checks.load import PROCESSOR
from sweep.energy.recorder import Recorder
from sweep.layers.loops.loop import LayerMarks
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.marks import can_time, marks_for
from sweep.layers.marking.support import check_model
from sweep.paradigms.paradigm import Activity, Paradigm, Phase
from sweep.records import Conditions, StopReason, TrajectoryPoint, TrialRecord
from sweep.study.calibrator import Calibrator
from sweep.study.course import Course, Part, TrialSpec
from sweep.study.loading import Loaded
from sweep.study.pretrained import Pretrained, phase_key
from sweep.study.weights import Checkpoints
from sweep.training.trainer import EpochResult, PhaseResult, Task, synchronize, train

OnEpoch = Callable[[TrajectoryPoint, Callable[[], TrialRecord]], None]


class PhaseRunner:
    """Runs the phases of trials.

    Args:
        recorder: running.
        calibrator: of the power of layers.
        weights: folder of the checkpoints; the shared ones are kept beside it.
    """

    def __init__(self, recorder: Recorder, calibrator: Calibrator, weights: Path) -> None:
        self._recorder = recorder
        self._calibrator = calibrator
        self._weights = weights
        self._pretrained = Pretrained(weights.parent)

    def run(self, course: Course, paradigm: Paradigm, loaded: Loaded, device: torch.device, on_epoch: OnEpoch) -> None:
        """Run all phases, or until one diverges; the course is filled as they go on.

        Args:
            course: of the trial.
            paradigm: that divides it.
            loaded: objective and data.
            device: to train on.
            on_epoch: called after each epoch with its point and a function that makes the record so far.
        """
        torch.manual_seed(course.spec.seed)
        reached_s = course.start_s
        for phase in paradigm.phases(loaded.objective, loaded.data):
            if phase.task is None:
                part = self._begin(course, phase, device, reached_s)
                self._work(course, part, phase, device)
            else:
                phase.task.model.to(device)
                key = self._key(course, phase)
                if key is not None and self._load(course, key, phase.task):
                    torch.manual_seed(course.spec.seed + 1)
                    continue  # what loading cost is in the data activity of the next phase
                part = self._begin(course, phase, device, reached_s)
                self._train(course, part, phase, on_epoch)
                if part.result.stop_reason == StopReason.DIVERGED:
                    _diverged(course, part)
                    return
                if key is not None:
                    self._pretrained.save(course.share(key, part, self._settled()), phase.task.model)
                    torch.manual_seed(course.spec.seed + 1)  # the same whether it was trained here or elsewhere
            course.results.update(phase.results)
            reached_s = part.result.spans[-1].end_s

    def _begin(self, course: Course, phase: Phase, device: torch.device, reached_s: float) -> Part:
        """Open a phase; what led up to it was its data being made ready."""
        size = min(course.spec.config.trainer.batch_size, len(phase.task.train)) if phase.task else 0
        result = PhaseResult(phase.name, effective_batch_size=size)
        synchronize(device)
        result.spans.append(Span(phase.name, "data", reached_s, self._recorder.mark()))
        marks = None if phase.task is None else self._marks(course.spec, phase.task, device)
        part = Part(result, phase.task, marks, is_shared=phase.shared)
        course.parts.append(part)
        return part

    def _train(self, course: Course, part: Part, phase: Phase, on_epoch: OnEpoch) -> None:
        spec = course.spec
        folder = self._weights / str(spec.number)
        assert phase.task is not None
        train(
            phase.task,
            replace(spec.config.trainer, max_epochs=_max_epochs(spec, phase)),
            part.result,
            recorder=self._recorder,
            keeper=Checkpoints(folder / part.result.name if part.is_shared else folder),
            seed=spec.seed,
            on_epoch=lambda epoch: self._listen(course, part, epoch, on_epoch),
            marks=part.marks,
        )

    def _listen(self, course: Course, part: Part, epoch: EpochResult, on_epoch: OnEpoch) -> None:
        with self._recorder.set_apart():
            self._recorder.settle()
            conditions = self._recorder.conditions()
            part.conditions[epoch.epoch] = conditions.get(self._domain(part), Conditions())
            if part.marks is not None:
                part.marks.fold(self._recorder.timeline)
            point = course.point(part, epoch, self._recorder)
            on_epoch(point, lambda: course.record(epoch.end_s, None, self._recorder))

    def _work(self, course: Course, part: Part, phase: Phase, device: torch.device) -> None:
        """Do what is no training, each named stretch between two marks."""
        assert phase.work is not None
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            results: Mapping[str, float | None] = phase.work(self._activity(part, device))
        course.results.update(results)
        part.is_done = True

    def _activity(self, part: Part, device: torch.device) -> Activity:
        @contextmanager
        def activity(name: str) -> Iterator[None]:
            synchronize(device)
            start_s = self._recorder.mark()
            yield
            synchronize(device)
            part.result.spans.append(Span(part.result.name, name, start_s, self._recorder.mark()))

        return activity

    def _key(self, course: Course, phase: Phase) -> str | None:
        """What a shared phase is known by; ``None`` for one that is not shared."""
        if not phase.shared:
            return None
        spec = course.spec
        trainer = replace(spec.config.trainer, max_epochs=_max_epochs(spec, phase))
        own = replace(spec, config=replace(spec.config, trainer=trainer))
        return phase_key(own, phase.name, course.info, self._recorder.domains, course.machine)

    def _load(self, course: Course, key: str, task: Task) -> bool:
        """Take over a phase that another trial has trained; false if none has."""
        found = self._pretrained.find(key)
        if found is None:
            return False
        self._pretrained.load(key, task.model)
        course.shared, course.reused = found, True
        return True

    def _settled(self) -> Recorder:
        """The recorder, its timeline covering all marks."""
        self._recorder.settle()
        return self._recorder

    def _domain(self, part: Part) -> str:
        """Name of the domain that the training device belongs to; empty if none does."""
        assert part.task is not None
        device = next(part.task.model.parameters()).device
        if device.type == "cuda":
            return f"gpu:{device.index or 0}"
        return next((domain.name for domain in self._recorder.domains if domain.kind in PROCESSOR), "")

    def _marks(self, spec: TrialSpec, task: Task, device: torch.device) -> LayerMarks | None:
        """What marks the steps of a phase; ``None`` if layers are not wanted."""
        if spec.config.layers.mode == LayerMode.off or not can_time(device):
            return None
        check_model(task.model)
        choice = StepChoice(spec.config.layers.every, spec.seed)
        marks = marks_for(device, self._recorder.clock)
        calibration = self._calibrator.of(spec.config, task, device)
        return LayerMarks(task.model, marks, choice, self._recorder.domains, calibration)


def _max_epochs(spec: TrialSpec, phase: Phase) -> int:
    return spec.config.trainer.max_epochs if phase.max_epochs is None else phase.max_epochs


def _diverged(course: Course, part: Part) -> None:
    course.failure = StopReason.DIVERGED
    course.message = f"loss was not finite in epoch {part.result.epochs[-1].epoch} of phase {part.result.name}"
