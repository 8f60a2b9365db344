"""An open measurement: the recorder, the watch on the loop, and the results so far.

enter:  meter -> recorder -> log -> watch            leave: in the opposite order, hooks first
now and then:  read, cut, fold, forget               so that memory does not grow with the window
"""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from torch import nn

from sweep.analysis.measured import Measured
from sweep.energy.checks.idle import idle_power_w, measure_idle
from sweep.energy.meter import Meter
from sweep.energy.recorder import Recorder
from sweep.layers.loops.log import LoopLog, device_of
from sweep.layers.loops.phase import with_shapes
from sweep.layers.loops.watch import FULL, LoopWatch
from sweep.layers.marking.owners import Layers
from sweep.monitoring.curves import Curves
from sweep.monitoring.interval import Energies, Interval
from sweep.monitoring.meters import reserved
from sweep.monitoring.shapes import count_shapes
from sweep.monitoring.windows import Window, Windows
from sweep.monitoring.words import idle_notes, machine_words, notes_of
from sweep.records import IdlePower, LayerMethod, LayerShape, LayerTable
from sweep.training.trainer import synchronize

PHASE = "window"


class Session:
    """Measures from entering to leaving; results stay.

    Args:
        model: whose loop is watched.
        meter: opened on entry, closed on exit.
        every: layers are marked on one step in so many.
        seed: of the draw.
        per_layer: whether layers are told apart.
        idle_s: seconds in which the idle power of measured domains is taken on entry.
    """

    def __init__(
        self, model: nn.Module, meter: Meter, *, every: int, seed: int, per_layer: bool, idle_s: float = 0.0
    ) -> None:
        self._model = model
        self._meter = meter
        self._every, self._seed, self._per_layer, self._idle_s = every, seed, per_layer, idle_s
        self._idle: list[IdlePower] = []
        self._stack: ExitStack | None = None
        self._shapes: tuple[list[LayerShape], list[str]] | None = None
        self._final: Measured | None = None
        self.spent: Energies = {}
        self.curves = Curves(0.0)
        self.windows = Windows()

    def __enter__(self) -> Self:
        """Open the meter and begin to watch."""
        with ExitStack() as stack:
            stack.enter_context(reserved(self._meter))
            self._meter.attend(str(device_of(self._model)))
            recorder = self.recorder = stack.enter_context(Recorder(self._meter))
            self._idle = measure_idle(recorder, self._idle_s)
            recorder.timeline.know_idle(idle_power_w(self._idle))
            layers = Layers()
            layers.add(self._model)
            self.log = LoopLog(
                layers, device_of(self._model), recorder.clock, recorder.domains, per_layer=self._per_layer
            )
            self._watch = LoopWatch(
                self._model,
                layers,
                self.log,
                every=self._every,
                seed=self._seed,
                per_layer=self._per_layer,
                when_full=self.sum_up,
            )
            stack.callback(self._watch.close)
            self._begin()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove every hook, take the last reading and close the meter; safe to call twice."""
        stack, self._stack = self._stack, None
        if stack is not None:
            with stack:
                self._watch.close()
                self._settle(last=True)

    @property
    def is_open(self) -> bool:
        """Whether the measurement goes on."""
        return self._stack is not None

    @property
    def duration_s(self) -> float:
        """Seconds from entering to the last time that was summed up."""
        return self._now_s - self._total.start_s

    @property
    def notes(self) -> list[str]:
        """What a reader must know."""
        seen = notes_of(self._watch, self.log, self._model, self.recorder.failures, per_layer=self._per_layer)
        return seen + idle_notes(self._idle) + self._counted()[1]

    def sum_up(self) -> None:
        """Bring all results up to now, if the measurement goes on."""
        if self.is_open:
            self._settle(last=False)

    def note(self, epoch: int | None, values: dict[str, Any]) -> None:
        """Log values of an epoch."""
        with self.recorder.set_apart():
            self.curves.log(self.recorder.mark(), epoch, values)

    def begin(self, name: str) -> Window:
        """Open a named window."""
        return self.windows.begin(name, self._read())

    def end(self, window: Window) -> None:
        """Close it; nothing to do if it was closed with the session."""
        if self.is_open:
            now_s = self._read()
            self.windows.end(window, self.recorder, now_s)

    def measured(self) -> Measured:
        """All results up to now."""
        self.sum_up()
        if self._final is not None:
            return self._final
        table = LayerTable(
            phase=PHASE,
            method=LayerMethod.TIME,
            steps=self._watch.steps,
            marked_steps=self._watch.marked_steps,
            rows=self.log.rows(trained=self._watch.trained),
            notes=self.notes,
        )
        found = Measured(
            title=type(self._model).__name__,
            machine=machine_words(self.log.device),
            sources=self.recorder.domains,
            duration_s=self.duration_s,
            table=with_shapes(table, self._counted()[0]),
            domains=self.spent,
            epochs=self.curves.results(),
            windows=self.windows.results(),
        )
        self._final = None if self.is_open else found
        return found

    def _begin(self) -> None:
        """Start the clock of everything."""
        with self.recorder.set_apart():
            self._now_s = self._read()
            self._total = Interval(self._now_s)
            self.spent = self._total.upto(self.recorder, self._now_s)
            self.curves = Curves(self._now_s)
            self.log.open(self._now_s)
            self._watch.open()

    def _read(self) -> float:
        """Wait for the device, then take a reading; its time."""
        synchronize(self.log.device)
        return self.recorder.settle()

    def _settle(self, *, last: bool) -> None:
        recorder = self.recorder
        with recorder.set_apart():
            now_s = self._read()
            timeline = recorder.timeline
            known = all(joules is not None for joules in timeline.joules(self._now_s, now_s).values())
            if not (known or last or len(self.log) > 4 * FULL):
                return  # a reading has failed just now: the next one bridges the gap
            self._watch.interrupt()
            self.log.cut(now_s)
            self.log.fold(timeline)
            if last:
                self.windows.end_all(recorder, now_s)
            for part in (self._total, self.curves, self.windows):
                part.cut(recorder, now_s)
            self.spent = self._total.upto(recorder, now_s)
            self._now_s = now_s
            recorder.forget(now_s)

    def _counted(self) -> tuple[list[LayerShape], list[str]]:
        """Shapes of the layers, counted once the measurement is over: counting takes time."""
        if self.is_open or not self._per_layer:
            return [], []
        if self._shapes is None:
            ran = {row.layer for row in self.log.rows(trained=self._watch.trained) if row.pass_}
            self._shapes = count_shapes(self._model, self._watch.calls, self._watch.steps, ran)
        return self._shapes
