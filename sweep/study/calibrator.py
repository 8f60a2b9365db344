"""When the power of layers is calibrated: before the first training of a model, between trials; the search pays.

A calibration is of one model structure, batch shape, optimizer and device; whatever else a trial varies, it is used
again. It works on a copy, and torch's random state is put back: a trial does not know of it.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import nn

from sweep.config import LayerMode, SweepConfig
from sweep.energy.recorder import Recorder
from sweep.layers.attribution.power import Calibration
from sweep.layers.calibration.calibrate import calibrate
from sweep.layers.marking.support import check_model
from sweep.paradigms.paradigm import Paradigm
from sweep.records import LayerMethod
from sweep.study.loading import Loaded
from sweep.training.rehearsal import rehearsal
from sweep.training.trainer import Task, synchronize

NOT_CALIBRATED = Calibration((), {}, LayerMethod.TIME, ("not calibrated before the trial: joules are divided by time",))
"""Of a phase that needs what an earlier one has trained."""


class Calibrator:
    """Calibrations of a session, each made once.

    Args:
        recorder: running.
        notice: told what takes a while, and what failed.
    """

    def __init__(self, recorder: Recorder, notice: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._notice = notice
        self._made: dict[Any, Calibration] = {}

    def prepare(self, config: SweepConfig, paradigm: Paradigm, loaded: Loaded, device: torch.device) -> None:
        """Calibrate what a trial is about to train, if its config asks for it and it is new."""
        if config.layers.mode != LayerMode.calibrated:
            return
        with torch.random.fork_rng([device] if device.type == "cuda" else []), suppress(Exception):
            # what fails here, a paradigm that builds on trained weights or a model that cannot be built, is the trial's
            for phase in paradigm.phases(loaded.objective, loaded.data):
                if phase.task is None:
                    continue
                phase.task.model.to(device)
                key = _key(config, phase.task, device)
                if key not in self._made:
                    check_model(phase.task.model)
                    self._made[key] = self._calibrated(config, phase.task, device)

    def of(self, config: SweepConfig, task: Task, device: torch.device) -> Calibration | None:
        """The calibration of what is about to be trained; ``None`` if none is wanted."""
        if config.layers.mode != LayerMode.calibrated:
            return None
        return self._made.get(_key(config, task, device), NOT_CALIBRATED)

    def _calibrated(self, config: SweepConfig, task: Task, device: torch.device) -> Calibration:
        budget_s = config.layers.calibration_s
        self._notice(f"calibrating the power of each layer of {type(task.model).__name__}, for {budget_s:g} s at most")
        try:
            model, step = rehearsal(task, config.trainer)
            return calibrate(
                model,
                step,
                self._recorder,
                budget_s=budget_s,
                seed=config.study.seed,
                synchronize=partial(synchronize, device),
            )
        except Exception as err:  # a model that trains but cannot be copied or stepped alone is still worth a table
            said = str(err).partition("\n")[0]
            reason = f"calibration failed ({type(err).__name__}: {said}): joules are divided by time"
            self._notice(reason)
            return Calibration((), {}, LayerMethod.TIME, (reason,))


def _key(config: SweepConfig, task: Task, device: torch.device) -> Any:
    batch = task.train.inputs[: config.trainer.batch_size]
    return (
        _structure(task.model),
        batch.shape,
        batch.dtype,
        str(device),
        config.trainer.optimizer,
        torch.get_num_threads(),
    )


def _structure(model: nn.Module) -> Any:
    """Equal for models that do the same work."""
    own = tuple((name, tuple(p.shape), p.dtype, p.requires_grad) for name, p in model.named_parameters())
    return type(model), str(model), own
