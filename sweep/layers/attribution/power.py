"""Relative power of the owners of time, as a calibration found it, and sharing joules with it.

    E_l = sum over windows w of  E_w  p_l d_lw / sum_j p_j d_jw        windows between updates of the counter

Each domain has powers of its own: what makes a processor hot need not touch its memory. Powers are relative, so they
hold while the whole device gets hotter or slower; what nothing is known of has the mean, and ``LN_POWER_SD`` beside it.

Limits: a power is that of the layer at the batch shape that was calibrated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweep.energy.timeline import Timeline
from sweep.layers.attribution.windows import Floats, Windows, merge, occupancy
from sweep.layers.marking.marks import Segments
from sweep.layers.marking.owners import FIRST_LAYER, Layer
from sweep.records import Domain, LayerMethod

LN_POWER_SD = 0.3
"""Spread of the logarithm of power between layers; published recordings: 0.01 to 0.3 on CPUs, 0.15 to 0.38 on GPUs."""
LEAST_TICKS = 20
"""Ticks of the counter in a window, so that where its ends fall within a tick matters little."""
AT_MOST = 100
"""Windows that are kept; twice as many are merged."""


class Powers(NamedTuple):
    """Relative power in one domain.

    Attributes:
        power: shape ``(n_owners,)``, above 0.
        ln_cov: shape ``(n_owners, n_owners)``, covariance of ln(power).
    """

    power: Floats
    ln_cov: Floats


@dataclass(frozen=True)
class Calibration:
    """Relative power of every owner.

    Attributes:
        layers: that number the owners.
        domains: by name.
        method: how powers were found.
        notes: for the reader of a table.
    """

    layers: tuple[Layer, ...]
    domains: dict[str, Powers]
    method: LayerMethod
    notes: tuple[str, ...] = ()

    def of(self, domain: str, layers: Sequence[Layer]) -> Powers:
        """Powers for layers that are numbered otherwise; unknown ones have the mean of the known."""
        known = self.domains[domain]
        place = {layer: FIRST_LAYER + 2 * index for index, layer in enumerate(self.layers)}
        source = [*range(FIRST_LAYER)]
        for layer in layers:
            source += [place[layer], place[layer] + 1] if layer in place else [-1, -1]
        found = np.array(source) >= 0
        power = np.where(found, known.power[source], np.exp(np.log(known.power).mean()))
        ln_cov = np.where(found[:, None] & found, known.ln_cov[np.ix_(source, source)], 0.0)
        ln_cov[~found, ~found] = LN_POWER_SD**2
        return Powers(power, ln_cov)


class WindowLog:
    """Windows of one domain in the stretches of a phase.

    Args:
        domain: whose counter cuts the windows.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._least_s = LEAST_TICKS * (domain.tick_s or 0.0)
        self._energy_j: Floats | None = np.zeros(0)
        self._seconds = np.zeros((0, 0))

    def fold(self, segments: Segments, end_s: float, timeline: Timeline, n_owners: int) -> None:
        """Add a stretch of marks that ends at ``end_s``; the timeline must cover it."""
        start_s = float(segments.starts_s[0])
        if self._energy_j is None or not end_s > start_s:
            return
        edges_s = self._edges(timeline, start_s, end_s)
        energy_j = timeline.split(edges_s)[self._domain.name]
        if energy_j is None:
            self._energy_j, self._seconds = None, np.zeros((0, 0))
            return
        seconds = occupancy(segments.starts_s, segments.owners, end_s, edges_s, n_owners)
        windows = Windows(
            np.concatenate([self._energy_j, np.maximum(energy_j, 0.0)]),
            np.concatenate([_widened(self._seconds, n_owners), seconds]),
        )
        if len(windows.energy_j) > 2 * AT_MOST:
            windows = merge(windows, AT_MOST)
        self._energy_j, self._seconds = windows

    def windows(self, n_owners: int) -> Windows | None:
        """All windows so far; ``None`` if the joules of a stretch are not known."""
        return None if self._energy_j is None else Windows(self._energy_j, _widened(self._seconds, n_owners))

    def _edges(self, timeline: Timeline, start_s: float, end_s: float) -> Floats:
        """Ends of windows: those of the stretch, and updates about ``LEAST_TICKS`` apart."""
        times_s, _ = timeline.updates(self._domain.name, start_s, end_s - self._least_s)
        if self._least_s:
            _, first = np.unique((times_s - start_s) // self._least_s, return_index=True)
            times_s = times_s[first[1:]]
        return np.concatenate([[start_s], times_s[times_s < end_s], [end_s]])


def _widened(seconds: Floats, n_owners: int) -> Floats:
    """Columns of zeros for owners met later."""
    return np.pad(seconds, ((0, 0), (0, n_owners - seconds.shape[1])))
