"""The monotone timeline of cumulative joules; the energy of any interval is a difference on it.

    E(a, b) = C(b) - C(a),   C piecewise linear through the readings

so intervals that touch add up to the whole by construction. What is not known stays unknown, ``None``:

    covered    a boundary before the first or after the last reading is unknown
    hole       a reading that lacks a domain: boundaries between its known neighbours are unknown, intervals across
               them are known, because the counter went on
    break      a counter that fell, hence started anew: no interval across it is known

Uncertainty of an interval, standard and in joules:

    u_scale  = scale_u_rel E
    u_random = sqrt((random_u_rel E)^2 + u_a^2 + u_b^2),   u = P w / sqrt(12)

with P the mean power between the readings around the boundary (of the interval, beside a hole) and w the time within
which the counter's step is not located: its tick, or the distance of these readings if the boundary lies between
them, whichever is longer (rectangular distribution, GUM 4.3.7). A model that is read at the boundary has w = 0.

Limits: 8 bytes for each reading and domain; ``forget`` what is settled in studies of days.
"""

import math
import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.errors import MeterError
from sweep.records import Domain, DomainEnergy, Joules, Reading


class _Boundary(NamedTuple):
    """A time within the readings: at index ``left``, or between it and ``left + 1``."""

    time_s: float
    left: int
    at_reading: bool


class Timeline:
    """Readings of a meter in order of time. Safe from several threads.

    Args:
        domains: what the readings cover.
    """

    def __init__(self, domains: Sequence[Domain]) -> None:
        self.domains = tuple(domains)
        self._lock = threading.Lock()
        self._times = array("d")
        self._joules = {domain.name: array("d") for domain in self.domains}
        self._breaks = {domain.name: array("d") for domain in self.domains}
        self._last: dict[str, float] = {}

    def __len__(self) -> int:
        """Number of readings."""
        return len(self._times)

    @property
    def start_s(self) -> float | None:
        """Time of the first reading."""
        with self._lock:
            return self._times[0] if self._times else None

    @property
    def end_s(self) -> float | None:
        """Time of the last reading."""
        with self._lock:
            return self._times[-1] if self._times else None

    def append(self, reading: Reading) -> None:
        """Add a reading. Of two at the same time the first stands.

        Raises:
            MeterError: for a time before the last reading or not finite, joules that are not finite, or a domain
                that the timeline does not have; nothing is added then.
        """
        with self._lock:
            self._check(reading)
            if self._times and reading.time_s == self._times[-1]:
                return
            self._times.append(reading.time_s)
            for name, values in self._joules.items():
                energy_j = reading.energy_j.get(name)
                if energy_j is None:
                    values.append(math.nan)
                    continue
                if energy_j < self._last.get(name, energy_j):
                    self._breaks[name].append(reading.time_s)
                self._last[name] = energy_j
                values.append(energy_j)

    def joules(self, start_s: float, end_s: float) -> Joules:
        """Joules of each domain from ``start_s`` to ``end_s``; ``None`` where the readings do not tell.

        Raises:
            ValueError: if the interval ends before it starts.
        """
        with self._lock:
            start, end = self._boundaries(start_s, end_s)
            return {name: self._difference(name, start, end) for name in self._joules}

    def split(self, bounds_s: NDArray[np.float64]) -> dict[str, NDArray[np.float64] | None]:
        """Joules of each domain in each of many intervals that touch.

        Args:
            bounds_s: shape ``(n + 1,)``, rising.

        Returns:
            Shape ``(n,)`` for each domain, adding up to ``joules(bounds_s[0], bounds_s[-1])``; ``None`` where that is.
            A hole within is crossed at even power.

        Raises:
            ValueError: if the bounds fall.
        """
        if np.any(np.diff(bounds_s) < 0):
            raise ValueError("the bounds of the intervals fall")
        with self._lock:
            start, end = self._boundaries(float(bounds_s[0]), float(bounds_s[-1]))
            return {name: self._split(name, bounds_s, start, end) for name in self._joules}

    def updates(self, name: str, start_s: float, end_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Readings within an interval at which the counter of a domain had moved since the reading before.

        Returns:
            Times in seconds, and cumulative joules; shape ``(n,)`` each.
        """
        with self._lock:
            first, last = bisect_right(self._times, start_s), bisect_right(self._times, end_s)
            before = slice(max(first - 1, 0), last)
            times, values = np.array(self._times[before]), np.array(self._joules[name][before])
        times, values = times[known := ~np.isnan(values)], values[known]
        moved = np.concatenate([[False], np.diff(values) > 0.0]) & (times > start_s) if len(values) else known[:0]
        return times[moved], values[moved]

    def energy(self, start_s: float, end_s: float) -> dict[str, DomainEnergy]:
        """Joules of each domain with provenance and uncertainty.

        Raises:
            ValueError: if the interval ends before it starts.
        """
        with self._lock:
            start, end = self._boundaries(start_s, end_s)
            return {domain.name: self._domain_energy(domain, start, end) for domain in self.domains}

    def forget(self, before_s: float) -> None:
        """Drop the readings that no interval from ``before_s`` on needs."""
        with self._lock:
            drop = max(bisect_right(self._times, before_s) - 1, 0)
            del self._times[:drop]
            for name, values in self._joules.items():
                del values[:drop]
                breaks = self._breaks[name]
                del breaks[: bisect_right(breaks, self._times[0]) if self._times else 0]

    def readings(self) -> Iterator[Reading]:
        """The readings in order, as they stand now; ``None`` for holes."""
        with self._lock:
            times = self._times[:]
            columns = {name: values[:] for name, values in self._joules.items()}
        for index, time_s in enumerate(times):
            row = {name: values[index] for name, values in columns.items()}
            yield Reading(time_s=time_s, energy_j={name: None if math.isnan(v) else v for name, v in row.items()})

    def _check(self, reading: Reading) -> None:
        if not math.isfinite(reading.time_s):
            raise MeterError(f"a reading at {reading.time_s} s has no place in time", "use a clock that counts")
        if self._times and reading.time_s < self._times[-1]:
            raise MeterError(
                f"a reading at {reading.time_s} s comes after one at {self._times[-1]} s",
                "use a monotonic clock",
            )
        for name, energy_j in reading.energy_j.items():
            if name not in self._joules:
                raise MeterError(
                    f"a reading has the domain {name}, the timeline has {', '.join(self._joules) or 'none'}",
                    "list it in the meter's domains",
                )
            if energy_j is not None and not math.isfinite(energy_j):
                raise MeterError(f"a reading of {name} is {energy_j} J", "report None for what cannot be read")

    def _boundaries(self, start_s: float, end_s: float) -> tuple[_Boundary | None, _Boundary | None]:
        if not start_s <= end_s:
            raise ValueError(f"the interval from {start_s} s to {end_s} s ends before it starts")
        return self._boundary(start_s), self._boundary(end_s)

    def _boundary(self, time_s: float) -> _Boundary | None:
        """Place of a time among the readings; ``None`` if they do not cover it."""
        left = bisect_right(self._times, time_s) - 1
        if left < 0 or time_s > self._times[-1]:
            return None
        return _Boundary(time_s, left, self._times[left] == time_s)

    def _difference(self, name: str, start: _Boundary | None, end: _Boundary | None) -> float | None:
        if start is None or end is None:
            return None
        first, last = self._cumulative(name, start), self._cumulative(name, end)
        breaks = self._breaks[name]
        broken = bisect_right(breaks, end.time_s) > bisect_right(breaks, start.time_s)
        return None if first is None or last is None or broken else last - first

    def _split(
        self, name: str, bounds_s: NDArray[np.float64], start: _Boundary | None, end: _Boundary | None
    ) -> NDArray[np.float64] | None:
        if start is None or end is None or self._difference(name, start, end) is None:
            return None
        covered = slice(start.left, end.left + 2)
        times, values = np.array(self._times[covered]), np.array(self._joules[name][covered])
        known = ~np.isnan(values)
        parts: NDArray[np.float64] = np.diff(np.interp(bounds_s, times[known], values[known]))
        return parts

    def _cumulative(self, name: str, place: _Boundary) -> float | None:
        """Cumulative joules at a place; ``None`` inside a hole or across a break."""
        values, left = self._joules[name], place.left
        if place.at_reading:
            return None if math.isnan(values[left]) else values[left]
        before, after = values[left], values[left + 1]
        if not after >= before:  # a fall, or NaN
            return None
        t0, t1 = self._times[left], self._times[left + 1]
        return before + (after - before) * ((place.time_s - t0) / (t1 - t0))

    def _domain_energy(self, domain: Domain, start: _Boundary | None, end: _Boundary | None) -> DomainEnergy:
        energy_j = self._difference(domain.name, start, end)
        u_scale_j = u_random_j = None
        if energy_j is not None and start is not None and end is not None:
            u_scale_j = domain.scale_u_rel * energy_j
            mean_power_w = energy_j / (end.time_s - start.time_s) if end.time_s > start.time_s else 0.0
            ends = [self._boundary_u_j(domain, place, mean_power_w) for place in (start, end)]
            u_random_j = math.hypot(domain.random_u_rel * energy_j, *ends)
        return DomainEnergy(
            energy_j=energy_j,
            provenance=domain.provenance,
            u_scale_j=u_scale_j,
            u_random_j=u_random_j,
            additive=domain.additive,
        )

    def _boundary_u_j(self, domain: Domain, place: _Boundary, mean_power_w: float) -> float:
        """Standard uncertainty of the cumulative joules at a boundary.

        Args:
            domain: whose tick counts.
            place: the boundary.
            mean_power_w: power of the interval, for where the neighbouring readings do not tell.
        """
        first = max(place.left - 1, 0) if place.at_reading else place.left
        last = min(place.left + 1, len(self._times) - 1)
        span_s = self._times[last] - self._times[first]
        width_s = max(domain.tick_s or 0.0, 0.0 if place.at_reading else span_s)
        values = self._joules[domain.name]
        spent_j = values[last] - values[first]
        known = span_s > 0.0 and spent_j >= 0.0  # false beside a hole (NaN) or a break
        return (spent_j / span_s if known else mean_power_w) * width_s / math.sqrt(12)
