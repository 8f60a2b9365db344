"""The monotone timeline of cumulative joules; the energy of any interval is a difference on it.

    E(a, b) = C(b) - C(a),   C piecewise linear through the readings

so intervals that touch add up to the whole by construction.

    covered    a boundary before the first or after the last good reading of a domain is unknown, ``None``
    hole       readings that lack a domain: the counter went on, so intervals across them are as good as others; a
               boundary within is interpolated between the good readings around it, at their uncertainty
    gap        a stretch that was bridged because the counter could not be trusted (``sweep.energy.counter``)
    break      a counter that fell although it should not: no interval across it is known

Uncertainty of an interval, standard and in joules:

    u_scale  = scale_u_rel E
    u_random = sqrt((random_u_rel E)^2 + u_a^2 + u_b^2 + sum of gaps u_g^2),   u_a = P w / sqrt(12)

with P the highest power next to the boundary, over at least a tick, and w the time within which the counter's step is
not located: its tick, and the distance of the readings around the boundary if it lies between them (rectangular
distribution, GUM 4.3.7). A model that is read at the boundary has w = 0. Of a gap that lies partly in the interval, u_g
counts in proportion. Dynamic joules are E - idle power * duration.

Limits: 8 bytes for each reading and domain; ``forget`` what is settled in studies of days.
"""

import itertools
import math
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from sweep.errors import MeterError
from sweep.records import Domain, DomainEnergy, Gap, Joules, Reading


class _Boundary(NamedTuple):
    """A time within the readings: at index ``left``, or between it and ``left + 1``."""

    time_s: float
    left: int
    at_reading: bool


class _Value(NamedTuple):
    """Cumulative joules at a boundary, from the good readings at ``first`` and ``last`` around it, or one at it."""

    energy_j: float
    first: int
    last: int


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
        self._gaps: dict[str, list[Gap]] = {domain.name: [] for domain in self.domains}
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

    def bridge(self, gap: Gap) -> None:
        """Add a stretch whose joules, in the readings since, were estimated."""
        with self._lock:
            self._gaps[gap.domain].append(gap)

    def know_idle(self, power_w: Mapping[str, float | None]) -> None:
        """Set the idle power of domains by name; ``None`` for one that is not known any more."""
        self.domains = tuple(
            msgspec.structs.replace(domain, idle_power_w=power_w[domain.name]) if domain.name in power_w else domain
            for domain in self.domains
        )

    def joules(self, start_s: float, end_s: float) -> Joules:
        """Joules of each domain from ``start_s`` to ``end_s``; ``None`` where the readings do not tell.

        Raises:
            ValueError: if the interval ends before it starts.
        """
        with self._lock:
            start, end = self._boundaries(start_s, end_s)
            return {name: self._difference(name, start, end) for name in self._joules}

    def in_hole(self, time_s: float) -> set[str]:
        """Names of the domains of which no good reading stands next to a time that is covered."""
        with self._lock:
            place = self._boundary(time_s)
            if place is None:
                return set()
            last = place.left + (not place.at_reading)
            return {name for name, values in self._joules.items() if math.isnan(values[place.left] + values[last])}

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

    def longest_pause_s(self, start_s: float, end_s: float) -> float:
        """Longest time between two readings, failed ones included, around and within an interval."""
        with self._lock:
            first = max(bisect_right(self._times, start_s) - 1, 0)
            times = np.array(self._times[first : bisect_left(self._times, end_s) + 1])
        return float(np.diff(times).max(initial=0.0))

    def forget(self, before_s: float) -> None:
        """Drop the readings that no interval from ``before_s`` on needs."""
        with self._lock:
            drop = max(bisect_right(self._times, before_s) - 1, 0)
            while drop and any(math.isnan(values[drop]) for values in self._joules.values()):
                drop -= 1  # a boundary in a hole needs the good reading before it
            del self._times[:drop]
            for name, values in self._joules.items():
                del values[:drop]
                breaks = self._breaks[name]
                del breaks[: bisect_right(breaks, self._times[0]) if self._times else 0]
                self._gaps[name] = [gap for gap in self._gaps[name] if gap.end_s > before_s]

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

    def _ends(self, name: str, start: _Boundary | None, end: _Boundary | None) -> tuple[_Value, _Value] | None:
        """Cumulative joules at both ends of an interval; ``None`` if its joules are not known."""
        if start is None or end is None:
            return None
        first, last = self._value(name, start), self._value(name, end)
        breaks = self._breaks[name]
        broken = bisect_right(breaks, end.time_s) > bisect_right(breaks, start.time_s)
        return None if first is None or last is None or broken else (first, last)

    def _difference(self, name: str, start: _Boundary | None, end: _Boundary | None) -> float | None:
        ends = self._ends(name, start, end)
        return None if ends is None else ends[1].energy_j - ends[0].energy_j

    def _split(
        self, name: str, bounds_s: NDArray[np.float64], start: _Boundary | None, end: _Boundary | None
    ) -> NDArray[np.float64] | None:
        ends = self._ends(name, start, end)
        if ends is None:
            return None
        covered = slice(ends[0].first, ends[1].last + 1)
        times, values = np.array(self._times[covered]), np.array(self._joules[name][covered])
        known = ~np.isnan(values)
        parts: NDArray[np.float64] = np.diff(np.interp(bounds_s, times[known], values[known]))
        return parts

    def _value(self, name: str, place: _Boundary) -> _Value | None:
        """Cumulative joules at a place; ``None`` before or after all good readings, and across a break."""
        values, first = self._joules[name], place.left
        while first >= 0 and math.isnan(values[first]):
            first -= 1
        if first < 0:
            return None
        if first == place.left and place.at_reading:
            return _Value(values[first], first, first)
        last = place.left + 1
        while last < len(values) and math.isnan(values[last]):
            last += 1
        if last == len(values) or values[last] < values[first]:
            return None
        t0, t1 = self._times[first], self._times[last]
        share = (place.time_s - t0) / (t1 - t0)
        return _Value(values[first] + (values[last] - values[first]) * share, first, last)

    def _domain_energy(self, domain: Domain, start: _Boundary | None, end: _Boundary | None) -> DomainEnergy:
        ends = self._ends(domain.name, start, end)
        if ends is None or start is None or end is None:
            return DomainEnergy(
                energy_j=None,
                provenance=domain.provenance,
                u_scale_j=None,
                u_random_j=None,
                additive=domain.additive,
            )
        energy_j, duration_s = ends[1].energy_j - ends[0].energy_j, end.time_s - start.time_s
        mean_power_w = energy_j / duration_s if duration_s else 0.0
        parts = [self._boundary_u_j(domain, value, mean_power_w) for value in ends]
        gaps = [(gap, _overlap_s(gap.start_s, gap.end_s, start, end)) for gap in self._gaps[domain.name]]
        parts += [gap.u_j * inside_s / (gap.end_s - gap.start_s) for gap, inside_s in gaps if inside_s]
        return DomainEnergy(
            energy_j=energy_j,
            provenance=domain.provenance,
            u_scale_j=domain.scale_u_rel * energy_j,
            u_random_j=math.hypot(domain.random_u_rel * energy_j, *parts),
            additive=domain.additive,
            dynamic_j=None if domain.idle_power_w is None else energy_j - domain.idle_power_w * duration_s,
            gap_s=self._untrusted_s(domain.name, ends, start, end),
        )

    def _boundary_u_j(self, domain: Domain, value: _Value, mean_power_w: float) -> float:
        """Standard uncertainty of the cumulative joules at a boundary.

        Args:
            domain: whose tick counts.
            value: at the boundary.
            mean_power_w: power of the interval, for where the neighbouring readings do not tell.
        """
        tick_s = domain.tick_s or 0.0
        span_s = self._times[value.last] - self._times[value.first]
        power_w = self._highest_w(domain.name, value, tick_s)
        return (mean_power_w if power_w is None else power_w) * (tick_s + span_s) / math.sqrt(12)

    def _highest_w(self, name: str, value: _Value, tick_s: float) -> float | None:
        """The highest mean power of stretches at a boundary that are at least a tick long: before, across and after it.

        A tick's joules may show in either neighbour, and power may step just there, so the mean alone would say too
        little. ``None`` if no stretch tells: at the ends, and beside a break.
        """
        values, times = self._joules[name], self._times
        before, after = value.first, value.last
        while before > 0 and (times[value.first] - times[before] < tick_s or before == value.first):
            before -= 1
        while after < len(times) - 1 and (times[after] - times[value.last] < tick_s or after == value.last):
            after += 1
        places = (before, value.first, value.last, after)
        found = []
        for first, last in itertools.combinations(places, 2):
            spent_j, span_s = values[last] - values[first], times[last] - times[first]
            if span_s >= max(tick_s, 1e-9) and spent_j >= 0.0:  # not beside a hole (NaN), nor across a break
                found.append(spent_j / span_s)
        return max(found, default=None)

    def _untrusted_s(self, name: str, ends: tuple[_Value, _Value], start: _Boundary, end: _Boundary) -> float:
        """Seconds of an interval that lie in holes or gaps."""
        covered = slice(ends[0].first, ends[1].last + 1)
        times, values = np.array(self._times[covered]), np.array(self._joules[name][covered])
        holes = np.flatnonzero(np.isnan(values))
        stretches = [(float(times[index - 1]), float(times[index + 1])) for index in holes]
        stretches += [(gap.start_s, gap.end_s) for gap in self._gaps[name]]
        untrusted_s, reached_s = 0.0, start.time_s
        for begin_s, until_s in sorted(stretches):
            begin_s, until_s = max(begin_s, reached_s), min(until_s, end.time_s)
            untrusted_s += max(until_s - begin_s, 0.0)
            reached_s = max(reached_s, until_s)
        return untrusted_s


def _overlap_s(begin_s: float, until_s: float, start: _Boundary, end: _Boundary) -> float:
    return max(min(until_s, end.time_s) - max(begin_s, start.time_s), 0.0)
