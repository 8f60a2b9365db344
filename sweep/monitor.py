"""Energy of anyone's training loop, layer by layer.

    with EnergyMonitor(model) as energy:
        for epoch in range(3):
            train(model)                              # your loop, unchanged
            energy.log(epoch=epoch, loss=loss)        # optional: curves, joules for each unit of loss
    energy.energy_j                                   # joules of the window
    energy.summary()                                  # rows that sum to them
    energy.to_html("energy.html")

Nothing in the loop has to change: what it does is told by hooks on the model, by torch's loaders and by its
optimizers (``sweep.layers.loops.watch`` says how, and what that cannot see). Layers are marked on some steps, drawn at
random; the joules of all steps are theirs by the composition of the marked ones (``layers.attribution.table``). All
results can be read within the window, too, where they are those so far; reading them takes some of the time that is
being measured, whose joules are ``rest``.

Limits: one monitor measures one window. Several may be open at once, for several models, each with a meter of its
own. The joules of a default monitor are modelled from CPU time, not measured. Work of other processes, such as a
loader's workers, is not seen by the model of the processor; counters see the whole device.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from torch import nn

from sweep.analysis.measured import Measured, epochs_frame, rows_frame, windows_frame
from sweep.errors import LayerError, MonitorError
from sweep.layers.marking.support import check_model
from sweep.monitoring.interval import Energies, additive_j
from sweep.monitoring.meters import MeterSpec, meter_of
from sweep.monitoring.session import Session
from sweep.monitoring.windows import Window

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


class EnergyMonitor:
    """Measures what happens between entering and leaving it.

    Args:
        model: whose layers are told apart.
        meter: a registered name, a ``Meter``, or a mapping with ``_target_`` and options; ``None`` for every domain
            that can be measured here, and a model for a processor that nothing measures.
        layers: ``sampled`` marks layers on some steps; ``off`` shows the model as one layer, and takes compiled models.
        every: layers are marked on one step in so many.
        seed: of the draw; torch's random numbers are not touched.
        idle_s: seconds to wait on entry, in which the idle power of measured domains is taken; then ``by_domain`` and
            ``summary`` have joules above idle.

    Raises:
        LayerError: for a model whose layers cannot be told apart, e.g. a compiled one.
        MeterError: for a meter that does not exist.
        ConfigError: for options that it does not take.
        MonitorError: for another argument that is out of range.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        meter: MeterSpec = None,
        layers: Literal["sampled", "off"] = "sampled",
        every: int = 20,
        seed: int = 0,
        idle_s: float = 0.0,
    ) -> None:
        _check(model, layers, every, seed, idle_s)
        self._model = model
        self._session = Session(
            model, meter_of(meter), every=every, seed=seed, per_layer=layers == "sampled", idle_s=idle_s
        )
        self._used = False

    def __enter__(self) -> Self:
        """Open the meter and begin to watch.

        Raises:
            MonitorError: if it was entered before.
            MeterError: if the meter cannot be opened, or another monitor reads it.
            LayerError: if layers are wanted of a model on a device whose work cannot be timed.
        """
        if self._used:
            raise MonitorError("this monitor was used before", "make a new EnergyMonitor for another window")
        with _own_words():
            self._session.__enter__()
        self._used = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove every hook and close the meter; what was measured stays, after an exception too."""
        self._session.__exit__(kind, error, trace)

    @property
    def energy_j(self) -> float | None:
        """Joules of the window so far, summed over domains that are disjoint; ``None`` if one is unknown."""
        return additive_j(self.by_domain)

    @property
    def by_domain(self) -> Energies:
        """Joules of each domain, with provenance and standard uncertainties."""
        return dict(self._summed_up().spent)

    @property
    def duration_s(self) -> float:
        """Seconds of the window so far."""
        return self._summed_up().duration_s

    @property
    def windows(self) -> "pd.DataFrame":
        """Named windows: count, seconds and joules, summed by name."""
        return windows_frame(self._summed_up().windows.results())

    @property
    def epochs(self) -> "pd.DataFrame":
        """What was logged: means of each epoch, its joules, and joules for each unit by which the loss fell."""
        return epochs_frame(self._summed_up().curves.results())

    @property
    def notes(self) -> list[str]:
        """What a reader must know, e.g. what could not be seen."""
        return self._summed_up().notes

    def summary(self) -> "pd.DataFrame":
        """One row for each layer and pass, and one for all else; ``energy_j`` sums to the window's."""
        return rows_frame(self.measured())

    def log(self, *, epoch: int | None = None, **values: Any) -> None:
        """Note values of an epoch, e.g. its loss; several logs of one epoch are averaged.

        Args:
            epoch: ``None`` for one more than the last one.
            values: numbers, or tensors of one element.

        Raises:
            MonitorError: outside the window, for other values, or for epochs out of order.
        """
        self._check_open("log")
        self._session.note(epoch, values)

    @contextmanager
    def window(self, name: str) -> Iterator[Window]:
        """Measure a part of the window under a name; one within another is called ``outer/inner``.

        Waits for the device and reads the meter at both ends.

        Raises:
            MonitorError: outside the monitor's window, or for a name that is empty or has a slash.
        """
        self._check_open("window")
        if not isinstance(name, str) or not name or "/" in name:
            raise MonitorError(
                f"window name {name!r} is no string, is empty or has a slash",
                "give a plain name; nest windows for paths",
            )
        window = self._session.begin(name)
        try:
            yield window
        finally:
            self._session.end(window)

    def measured(self) -> Measured:
        """All results as plain data.

        Raises:
            MonitorError: before the monitor was entered.
        """
        return self._summed_up().measured()

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Write the summary, with all digits.

        Raises:
            MonitorError: if it cannot be written there.
        """
        target, table = Path(path), self.summary()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(target, index=False)
        except OSError as err:
            raise MonitorError(
                f"{target} cannot be written ({err.strerror})", "choose a path that can be written to"
            ) from err
        return target

    def to_html(self, path: str | PathLike[str]) -> Path:
        """Write tables and charts as one page that opens offline."""
        from sweep.report.energy_page import write_page

        return write_page(self.measured(), Path(path))

    def to_tensorboard(self, logdir: str | PathLike[str]) -> Path:
        """Write scalars, distributions and the table as TensorBoard events; needs ``sweep-energy[tensorboard]``.

        Raises:
            MonitorError: if tensorboard is not installed.
        """
        from sweep.report.tensorboard import write_events

        return write_events(self.measured(), Path(logdir))

    def figures(self) -> "dict[str, Figure]":
        """The charts of the page as Plotly figures by name."""
        from sweep.report.energy_page import figures

        return figures(self.measured())

    def __repr__(self) -> str:
        """What it is, and what it has measured."""
        name = type(self._model).__name__
        if not self._used:
            return f"EnergyMonitor({name}), not entered yet"
        return f"EnergyMonitor({name}): {self.energy_j} J in {self.duration_s:.3f} s"

    def _repr_html_(self) -> str:
        """Table of a notebook."""
        from sweep.report.energy_page import notebook_table

        return notebook_table(self.measured()) if self._used else ""

    def _summed_up(self) -> Session:
        """The measurement, brought up to now."""
        if not self._used:
            raise MonitorError(
                "the monitor has not been entered yet", "read its results within or after `with monitor:`"
            )
        self._session.sum_up()
        return self._session

    def _check_open(self, what: str) -> None:
        if not self._session.is_open:
            raise MonitorError(f"{what} is called outside the monitor's window", "call it within `with monitor:`")


def _check(model: nn.Module, layers: str, every: int, seed: int, idle_s: float) -> None:
    """Refuse what cannot be measured before anything is spent."""
    if not isinstance(model, nn.Module):
        raise MonitorError(f"{type(model).__name__} is no torch.nn.Module", "give the model that your loop trains")
    if layers not in ("sampled", "off"):
        raise MonitorError(f"layers={layers!r} is neither 'sampled' nor 'off'", "use one of the two")
    for name, value in (("every", every), ("seed", seed)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise MonitorError(f"{name}={value!r} is no whole number", f"give {name} an int")
    if every < 1:
        raise MonitorError(f"every={every} is below 1", "mark layers on one step in 1, 2, 3, ...")
    if not 0 <= idle_s < math.inf:
        raise MonitorError(f"idle_s={idle_s} is not in [0, inf)", "give seconds, or 0 to leave the idle power out")
    if layers == "sampled":
        with _own_words():
            check_model(model)


@contextmanager
def _own_words() -> Iterator[None]:
    """Say a way out as the monitor's option, not as a study's."""
    try:
        yield
    except LayerError as err:
        raise LayerError(err.problem, err.mend.replace("layers.mode=off", 'layers="off"')) from err
