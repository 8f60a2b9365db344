"""From marks to rows: what each layer and each other owner spent in one phase.

    E(owner) = sum over its segments of C(end) - C(start)
    E(layer) = the same, where layers were marked
             + E(forward passes without marks) x share of the layer in marked forward passes
             + E(backward passes without marks) x its share in marked backward passes

C is the timeline, so rows add up to the training's joules whatever the hooks saw. Between two readings joules go by
time (``LayerMethod.TIME``). With a calibration they go by power times time, in windows between updates of the counter
(``attribution.power``); windows without marks have the mean composition (``attribution.shares``).

Uncertainty of a row, standard, by redrawing (``DRAWS`` times, seeded):

    marked steps are drawn anew with replacement             which steps were marked is chance
    each layer's power is drawn from exp(N(0, LN_POWER_SD))  joules go by power times time, only time was seen
    u = sqrt(sd(draws)^2 + (random_u_rel E)^2)               the readings themselves

With a calibration ``attribution.uncertainty`` draws powers and windows instead, and the uncertainty of the composition
acts like one of power, as far as a row comes from passes without marks.

Limits: the rows of one draw share the total, so the uncertainty of a difference of two rows is not that of independent
ones. The steps kept for redrawing are the last ``KEPT`` marked ones.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.energy.timeline import Timeline
from sweep.layers.attribution.power import LN_POWER_SD, Calibration, WindowLog
from sweep.layers.attribution.price import MarkingPrice
from sweep.layers.attribution.shares import composition_rel_u, pass_shares, spread
from sweep.layers.attribution.uncertainty import uncertainty
from sweep.layers.attribution.windows import Windows, shared_out
from sweep.layers.marking.marks import Segments
from sweep.layers.marking.owners import (
    FIRST_LAYER,
    LOSS,
    LOSS_BACKWARD,
    PASSES,
    ROWS,
    Layers,
)
from sweep.records import Domain, LayerEnergy, Pass, total_j

DRAWS = 200
KEPT = 512
SAMPLE = 32

Floats = NDArray[np.float64]


class MarkedStep(NamedTuple):
    """One step on which layers were marked: segments ``first`` up to ``last``, standing for ``weight`` steps."""

    first: int
    last: int
    weight: int


class Stretch(NamedTuple):
    """Marks of a time without a gap.

    Attributes:
        segments: at least one; the first owns the time from ``start_s``.
        start_s: in seconds of the timeline.
        end_s: likewise.
        marked: steps within it on which layers were marked.
    """

    segments: Segments
    start_s: float
    end_s: float
    marked: Sequence[MarkedStep]

    def bounds_s(self) -> Floats:
        """When each segment begins, and the end: shape ``(n_segments + 1,)``, not falling."""
        inner_s = np.clip(self.segments.starts_s[1:], self.start_s, self.end_s)  # device events may stray a little
        return np.maximum.accumulate(np.concatenate([[self.start_s], inner_s, [self.end_s]]))


class _Seen(NamedTuple):
    """A marked step, by owner: shape ``(n_owners,)`` each."""

    weight: int
    seconds: Floats
    joules: Floats


class LayerLedger:
    """Sums of the marks of one phase.

    Args:
        layers: numbers the owners.
        domains: of the timeline that ``fold`` is given.
        calibration: relative powers; ``None`` to go by time.
    """

    def __init__(self, layers: Layers, domains: Sequence[Domain], calibration: Calibration | None = None) -> None:
        self.calibration = calibration
        calibrated = calibration.domains if calibration else {}
        self._logs = {domain.name: WindowLog(domain) for domain in domains if domain.name in calibrated}
        self._layers = layers
        self._domains = tuple(domains)
        self._seconds = np.zeros(0)
        self._joules: dict[str, Floats | None] = {domain.name: np.zeros(0) for domain in domains}
        self._seen: deque[_Seen] = deque(maxlen=KEPT)
        self.price = MarkingPrice()

    def fold(self, stretch: Stretch, timeline: Timeline) -> None:
        """Add a stretch of marks; the timeline must cover it."""
        segments = stretch.segments
        bounds_s = stretch.bounds_s()
        size, seconds = len(self._layers), np.diff(bounds_s)
        self._seconds = _added(self._seconds, by_owner(segments.owners, seconds, size))
        self.price.fold(segments.owners, seconds, stretch.marked)
        split = timeline.split(bounds_s)
        for name, joules in split.items():
            known = self._joules[name]
            added = None if joules is None else by_owner(segments.owners, joules, size)
            self._joules[name] = None if known is None or added is None else _added(known, added)
        for log in self._logs.values():
            log.fold(Segments(bounds_s[:-1], segments.owners), stretch.end_s, timeline, size)
        total = self._additive(split, len(seconds))
        for first, last, weight in stretch.marked:
            part = segments.owners[first:last]
            self._seen.append(
                _Seen(weight, by_owner(part, seconds[first:last], size), by_owner(part, total[first:last], size))
            )

    def rows(self, seed: int = 0) -> list[LayerEnergy]:
        """The rows of everything folded so far: layers in the order they were met, then the others.

        Args:
            seed: of the redraws behind the uncertainties.

        Returns:
            Rows with a duration; per domain they add up to the folded stretches.
        """
        steps, size = self._steps(), len(self._layers)
        shares = pass_shares(steps.weight, steps.seconds)
        sums = _Sums(
            seconds=spread(_padded(self._seconds, size), shares),
            joules={name: None if j is None else spread(_padded(j, size), shares) for name, j in self._joules.items()},
            spread_sd_j=_redrawn_sd(self._own_total(), steps, np.random.default_rng(seed)),
            steps_j=steps.joules,
        )
        if self._logs:
            rel_u = composition_rel_u(steps.weight, steps.seconds, _padded(self._seconds, size))
            sums = self._powered(sums, shares, rel_u, seed)
        owners = (*range(FIRST_LAYER, size), *range(len(ROWS)))
        return [self._row(owner, sums) for owner in owners if sums.seconds[owner] > 0]

    def _powered(self, by_time: "_Sums", shares: Floats, rel_u: Floats, seed: int) -> "_Sums":
        """The same with joules that go by power times time."""
        assert self.calibration is not None  # it brought the logs
        joules, variance = dict(by_time.joules), np.zeros(len(rel_u))
        for domain in self._domains:
            windows = self._logs[domain.name].windows(len(rel_u)) if domain.name in self._logs else None
            if windows is None or joules[domain.name] is None:
                continue
            windows = Windows(windows.energy_j, spread(windows.seconds, shares))
            power, ln_cov = self.calibration.of(domain.name, self._layers.met)
            joules[domain.name] = shared_out(windows, power)
            if domain.additive:
                ln_cov = ln_cov + np.diag(rel_u**2)
                variance += uncertainty(windows, power, ln_cov, seed=seed, draws=DRAWS) ** 2
        before, after = (self._additive(sums, len(rel_u)) for sums in (by_time.joules, joules))
        factor = np.divide(after, before, out=np.ones_like(after), where=before > 0)
        return by_time._replace(joules=joules, spread_sd_j=np.sqrt(variance), steps_j=by_time.steps_j * factor)

    def _row(self, owner: int, sums: "_Sums") -> LayerEnergy:
        name, kind, pass_ = self._named(owner)
        additive = [domain for domain in self._domains if domain.additive]
        joules = {d: None if values is None else float(values[owner]) for d, values in sums.joules.items()}
        seconds, known = float(sums.seconds[owner]), total_j(joules[d.name] for d in additive) is not None
        readings_u_j = [d.random_u_rel * (joules[d.name] or 0.0) for d in additive]
        sampled_j = sums.steps_j[:, owner] + (sums.steps_j[:, LOSS_BACKWARD] if owner == LOSS else 0.0)
        return LayerEnergy(
            layer=name,
            type=kind,
            pass_=pass_,
            duration_s=seconds,
            energy_j=joules,
            energy_u_random_j=math.hypot(float(sums.spread_sd_j[owner]), *readings_u_j) if known else None,
            dynamic_j={d.name: above_idle_j(joules[d.name], d, seconds) for d in additive},
            steps_j=[float(item) for item in _thinned(sampled_j) if item > 0],
        )

    def _named(self, owner: int) -> tuple[str, str, Pass | None]:
        """Layer, type and pass of an owner."""
        if owner < len(ROWS):
            return str(ROWS[owner]), "", None
        index, direction = divmod(owner - FIRST_LAYER, 2)
        return *self._layers.met[index], PASSES[direction]

    def _steps(self) -> "_Steps":
        """The marked steps that are kept, as arrays."""
        size = len(self._layers)
        seconds, joules = (np.zeros((len(self._seen), size)) for _ in range(2))
        for index, seen in enumerate(self._seen):
            seconds[index, : len(seen.seconds)] = seen.seconds
            joules[index, : len(seen.joules)] = seen.joules
        return _Steps(np.array([seen.weight for seen in self._seen], dtype=np.float64), seconds, joules)

    def _additive(self, by_domain: "dict[str, Floats | None]", size: int) -> Floats:
        """Sum over additive domains; NaN if there is none, or if one of them is unknown."""
        parts = [by_domain[domain.name] for domain in self._domains if domain.additive]
        if not parts or any(part is None for part in parts):
            return np.full(size, np.nan)
        return np.asarray(np.sum([part for part in parts if part is not None], axis=0), dtype=np.float64)

    def _own_total(self) -> Floats:
        return _padded(self._additive(self._joules, len(self._seconds)), len(self._layers))


class _Sums(NamedTuple):
    """By owner, shape ``(n_owners,)`` each; a domain that is not known throughout is ``None``.

    Attributes:
        steps_j: of marked steps, shape ``(n_steps, n_owners)``.
    """

    seconds: Floats
    joules: dict[str, Floats | None]
    spread_sd_j: Floats
    steps_j: Floats


class _Steps(NamedTuple):
    """Marked steps: weights of shape ``(n_steps,)``, seconds and joules of shape ``(n_steps, n_owners)``."""

    weight: Floats
    seconds: Floats
    joules: Floats


def by_owner(owners: NDArray[np.int64], values: Floats, n_owners: int) -> Floats:
    """Sums of the values of each owner, of shape ``(n_owners,)``."""
    return np.bincount(owners, values, n_owners).astype(np.float64)


def above_idle_j(energy_j: float | None, domain: Domain, duration_s: float) -> float | None:
    """Joules above what the idle domain would have spent; ``None`` where either is unknown."""
    if energy_j is None or domain.idle_power_w is None:
        return None
    return energy_j - domain.idle_power_w * duration_s


def _redrawn_sd(own_j: Floats, steps: _Steps, random: np.random.Generator) -> Floats:
    """Standard deviation of each owner's joules over redraws of the marked steps and of the powers."""
    n_steps, n_owners = steps.seconds.shape
    if not n_steps:
        return np.zeros(n_owners)
    drawn = np.empty((DRAWS, n_owners))
    for draw in drawn:
        times = random.multinomial(n_steps, np.full(n_steps, 1 / n_steps))  # how often each is drawn
        joules = spread(own_j, pass_shares(times * steps.weight, steps.seconds))
        powered = joules * random.lognormal(0.0, LN_POWER_SD, n_owners)
        scale = powered.sum()
        draw[:] = powered * (own_j.sum() / scale) if scale > 0 else 0.0
    deviation: Floats = drawn.std(axis=0)
    return deviation


def _added(sums: Floats, more: Floats) -> Floats:
    """Sum of two arrays by owner; owners met later make one of them longer."""
    return _padded(sums, len(more)) + more


def _padded(values: Floats, size: int) -> Floats:
    return np.pad(values, (0, size - len(values))) if len(values) < size else values


def _thinned(values: Floats) -> Floats:
    """At most ``SAMPLE`` values at even distances."""
    if len(values) <= SAMPLE:
        return values
    kept: Floats = values[np.linspace(0, len(values) - 1, SAMPLE).round().astype(int)]
    return kept
