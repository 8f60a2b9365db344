"""Marks of a training loop that was not written for us, told from its events alone.

    event                                       from now on (``preprocess``: until the model is called)
    loader asked / has answered / has no more   data / preprocess / rest
    model called to train                       layers, or ``forward`` on steps without layer marks
    the call has ended                          loss
    first node of its backward pass / end       layers, or ``backward`` / rest
    optimizer begins, zeroes / has ended        optimizer / rest
    model called, or loader asked, to evaluate  validation, until one of the others

A *step* begins when the model is called to train after the last one's backward pass: k accumulated batches are k
steps, each call of an optimizer's closure is one. ``StepChoice`` draws those on which layers are marked.

*To train* means with gradients, and in training mode, unless the model never was in that mode. *To evaluate* means
the rest, with one exception: a submodule that is only ever called without gradients while the model trains, such as a
teacher, is part of the step. Evaluations before the first training step are marked by layer, so that a window without
any training has its layers' forward passes; if training does follow, all of them become ``validation``.

Limits: what none of these events tells is ``rest``, such as making batches without a loader of torch's. Operations of
an earlier step that a backward pass comes to again are the layer's before them, if only the later step is marked.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from sweep.layers.loops.calls import FirstCalls
from sweep.layers.loops.events import LoopEvents
from sweep.layers.loops.log import LoopLog
from sweep.layers.marking.choice import StepChoice
from sweep.layers.marking.owners import BACKWARD, DATA, FORWARD, LOSS, OPTIMIZER, PREPROCESS, REST, VALIDATION, Layers
from sweep.layers.marking.spans import LayerHooks, PassHooks

FULL = 50_000
"""Marks after which those so far should be summed up and forgotten."""


class LoopWatch:
    """Marks what a loop does with a model.

    Args:
        model: ``support.check_model`` has nothing against it, if layers are wanted.
        layers: has met the model's modules; shared with the log.
        log: takes the marks.
        every: layers are marked on one step in so many.
        seed: of the draw.
        per_layer: whether layers are told apart; if not, the model is one layer.
        when_full: called between two steps when the log is long.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Layers,
        log: LoopLog,
        *,
        every: int,
        seed: int,
        per_layer: bool,
        when_full: Callable[[], None],
    ) -> None:
        self._model = model
        self._layers = layers
        self._log = log
        self._when_full = when_full
        self._hooks = LayerHooks(model, layers, self._told, self._backward_ended) if per_layer else None
        self._pass = PassHooks(self._told, self._backward_ended)
        self._events = LoopEvents(model, self)
        self._choices = {is_trial: StepChoice(every, seed) for is_trial in (False, True)}
        self._marked_steps = {False: 0, True: 0}
        self._outside = self._resume = REST
        self._fetches = 0
        self._fetched_at: int | None = None
        self._in_step = self._backward_done = self._step_seen = self._validating = False
        self._learners: set[nn.Module] = set()
        self.trained = self._was_training = self._trains_in_eval = self._asked_in_eval = False
        self.calls = FirstCalls()

    @property
    def steps(self) -> int:
        """Training steps so far; without any, evaluations."""
        return self._choices[not self.trained].steps

    @property
    def marked_steps(self) -> int:
        """Those of them on which layers were marked."""
        return self._marked_steps[not self.trained]

    @property
    def other_threads(self) -> bool:
        """Whether the model was called from threads that are not watched."""
        return self._events.other_threads

    def open(self) -> None:
        """Begin to watch; the log is open."""
        self._events.open()

    def close(self) -> None:
        """Remove every hook; safe to call twice."""
        self._end_step()
        self._events.close()

    def interrupt(self) -> None:
        """The log is about to be cut."""
        if self._marking:
            self._log.keep_step(self._choice.weight)

    def entered(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """The model is called."""
        if self._in_backward:  # recomputed under activation checkpointing
            return
        grad = torch.is_grad_enabled()
        if self._trains(module, grad=grad):
            self._train(module, args, kwargs)
        elif self.trained:
            self._asked_in_eval |= grad
            self._validate()
        else:
            self._try(module, args, kwargs)
        self._fetched_at = None

    def within(self, module: nn.Module) -> None:
        """It calls another one, which is no teacher if it has gradients."""
        if torch.is_grad_enabled():
            self._learners.add(module)

    def left(self, module: nn.Module, output: Any) -> None:
        """The call has ended."""
        if not (self._in_backward or self._validating or self._marking):
            self._pass.watch(output)
            self._told(LOSS)

    def interrupted(self) -> None:
        """A call never ended."""
        self._end_step()

    def fetching(self) -> None:
        """A loader is asked for a batch."""
        self._fetches += 1
        if self._fetches > 1:
            return
        self._heal()
        to_train = torch.is_grad_enabled() and (self._model.training or self._trains_in_eval)
        if self.trained and not to_train:
            self._validate()
            return
        self._validating = False
        if self._log.on_trial:
            self._end_step()
        self._resume = self._log.owner if self._in_step and not self._backward_done else PREPROCESS
        self._fetched_at = len(self._log)
        self._log.now(DATA)

    def exhausted(self) -> None:
        """It has no more batches, so what follows prepares none."""
        if self._fetches == 1 and self._resume == PREPROCESS:
            self._resume, self._fetched_at = REST, None

    def fetched(self) -> None:
        """It has answered."""
        self._fetches = max(0, self._fetches - 1)
        if not self._fetches and not self._validating:
            self._log.now(self._resume)

    def optimizing(self) -> None:
        """An optimizer begins its step."""
        self._heal()
        self._validating = False
        self._outside = OPTIMIZER
        self._log.now(OPTIMIZER)
        if not self._step_seen:
            self._trains_in_eval |= self._asked_in_eval
            self._events.scout()
        self._step_seen = self._asked_in_eval = False

    def optimized(self) -> None:
        """It has ended."""
        self._outside = REST
        self._end_step()
        self._log.now(REST)

    def zeroing(self) -> None:
        """Gradients are about to be zeroed."""
        self._heal()
        self._resume = self._log.owner
        self._log.now(OPTIMIZER)

    def zeroed(self) -> None:
        """They are."""
        self._log.now(self._resume)

    @property
    def _marking(self) -> bool:
        return self._hooks is not None and self._hooks.attached

    @property
    def _choice(self) -> StepChoice:
        return self._choices[self._log.on_trial]

    @property
    def _in_backward(self) -> bool:
        return self._pass.in_backward or (self._hooks is not None and self._hooks.in_backward)

    def _heal(self) -> None:
        """Forget a backward pass that never ended: no loader or optimizer is asked within one, so it has raised."""
        if self._in_backward:
            self._end_step()
            self._pass = PassHooks(self._told, self._backward_ended)

    def _told(self, owner: int) -> None:
        """What hooks mark, in the owners of this loop."""
        if owner == LOSS and self._log.on_trial:
            owner = REST
        elif owner == REST:
            owner = self._outside
        elif self._hooks is None and owner in (FORWARD, BACKWARD):
            owner = self._layers.owner(self._model) + (owner == BACKWARD)
        self._log.now(owner)

    def _backward_ended(self) -> None:
        self._backward_done = True

    def _trains(self, module: nn.Module, *, grad: bool) -> bool:
        """Whether a call belongs to training."""
        self._was_training |= self._model.training
        if not grad:
            return self.trained and self._model.training and module not in self._learners
        trains = self._model.training or self._trains_in_eval or not self._was_training
        if trains:
            self._learners.add(module)
        return trains

    def _train(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        self._validating = False
        self._step_seen = True
        if not self.trained:
            self._end_step()
            self.trained = True
            self.calls.clear()
            if self._log.on_trial:
                self._switch(to_trial=False)
        if not self._in_step or self._backward_done:
            self._begin_step(module, args, kwargs)
            return
        self.calls.keep(module, args, kwargs, self.steps)
        if not self._marking:
            self._told(FORWARD)

    def _try(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """An evaluation before any training."""
        if not self._log.on_trial:
            self._switch(to_trial=True)
        self._begin_step(module, args, kwargs)

    def _switch(self, *, to_trial: bool) -> None:
        """From the batch of this call on, another ledger counts."""
        self._end_step()
        self._log.switch(len(self._log) if self._fetched_at is None else self._fetched_at, to_trial=to_trial)

    def _validate(self) -> None:
        if not self._validating:
            self._end_step()
            self._validating = True
            self._log.now(VALIDATION)

    def _begin_step(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        self._end_step()
        if len(self._log) > FULL:
            self._log.now(REST)
            self._when_full()
        marked = self._choice.next()
        if self.steps == 1:
            self._log.now(REST)
            self._log.follow(self._model)
        self._in_step, self._backward_done = True, False
        self.calls.keep(module, args, kwargs, self.steps)
        if self._hooks is None or not marked:
            self._events.recall()
            self._told(FORWARD)
        else:
            self._mark_layers(self._hooks, module)

    def _mark_layers(self, hooks: LayerHooks, module: nn.Module) -> None:
        """Set the hooks within the call of an entry; the time that takes is ``rest``."""
        self._log.now(REST)
        self._events.scout(module for module, _ in self._layers.add(self._model))
        hooks.attach()
        self._log.first = len(self._log)
        hooks.enter(self._layers.owner(module))

    def _end_step(self) -> None:
        """Remove the hooks of a marked step."""
        self._in_step = False
        if self._hooks is not None and self._hooks.attached:
            self._log.keep_step(self._choice.weight)
            self._marked_steps[self._log.on_trial] += 1
            self._log.now(REST)
            self._hooks.detach()
