"""From what a counter shows to joules that never fall: wraps, restarts, glitches and counters that stand still.

    shown    ... 262 143   262 144 | 12   40 ...      wraps at R        E += shown - last + k R,  k = 1, 2, ...
    shown    ... 80 212    80 240  | 0.4  25 ...      starts anew       bridged: E += P dt, u = P dt / sqrt(3)
    shown    ... 80 212    9e12    | 80 240  ...      a glitch          left out; the counter itself went on
    shown    ... 80 212    80 212  ...  80 212 ...    stands still      unknown, then as far as it makes up for it

A step from the last trusted value is believed if its power is at most the domain's ``max_power_w``. One that is not
is put aside. If the next value fits the old ones, it was a glitch; if it fits what was put aside, the counter started
anew, and the stretch between is bridged with the mean power P of the last seconds before (rectangular distribution
from 0 to 2 P).

How often a counter wrapped between two readings is known only if no other number fits below ``max_power_w``. Otherwise
each number k is weighted with how well its joules fit P dt (normal, ``POWER_SD`` relative); the best is taken, and the
spread of the others around it is the uncertainty. Before P was seen for ``SEEN_S`` all weigh the same and the least is
taken: one step of a counter whose tick is longer than its domain says would tell any power.

A counter that has not moved yet, or stood still for longer than ``STUCK_S`` (or ``STUCK_TICKS`` ticks), tells nothing
until it moves. If it stood still for so long and then shows less than half of P dt, it lost joules: the middle between
what it shows and P dt is taken (rectangular distribution between the two). If nobody read it for so long (the process
was suspended), what it shows is taken, with the same uncertainty: it went on, and the power may well have fallen.

Limits: a restart within a stretch that is long enough to wrap looks like a wrap. A domain without ``range_j`` and
``max_power_w`` gets no checks but that of falling. Wrong values within the believable power are believed.
"""

import math
from collections import deque
from typing import NamedTuple

from sweep.records import Domain, Gap, Provenance

POWER_SD = 0.3
HISTORY_S = 10.0
STUCK_S = 5.0
STUCK_TICKS = 50.0
SEEN_S = 1.0
SETTLED_S = 1.0
"""A value that was put aside and does not change is trusted after so long."""


class _Shown(NamedTuple):
    time_s: float
    value_j: float


class _Step(NamedTuple):
    """Joules from one value to another, with the uncertainty of the number of wraps."""

    energy_j: float
    u_j: float


class Step(NamedTuple):
    """What a reading of a counter adds up to.

    Attributes:
        energy_j: joules since the first reading; ``None`` if this one does not tell.
        gap: the stretch that was bridged to get there; ``None`` if nothing was.
    """

    energy_j: float | None
    gap: Gap | None = None


class Counter:
    """The readings of one domain's counter, in order of time.

    Args:
        domain: with the range and the power that can be believed.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self._energy_j = 0.0
        self._last: _Shown | None = None
        self._aside: _Shown | None = None
        self._still_s = -math.inf
        self._moves: deque[_Shown] = deque()
        ticks = domain.tick_s is not None and domain.provenance == Provenance.MEASURED
        self._stuck_s = max(STUCK_S, STUCK_TICKS * (domain.tick_s or 0.0)) if ticks else math.inf

    def update(self, time_s: float, value_j: float | None) -> Step:
        """Take one reading.

        Args:
            time_s: when, not before the last one.
            value_j: what the counter shows; ``None`` if it could not be read.
        """
        if value_j is None or not math.isfinite(value_j) or value_j < 0.0:
            return Step(None)
        shown = _Shown(time_s, value_j)
        if self._last is None:
            self._trust(shown, 0.0)
            return Step(0.0)
        if time_s < self._last.time_s:
            return Step(None)
        if value_j == self._last.value_j:
            return self._stand_still(shown)
        step = self._forward(self._last, shown)
        if step is None:
            return self._put_aside(shown)
        gap = self._make_up(shown, step.energy_j) if self._stood_still(shown.time_s) else None
        if gap is None and step.u_j:
            gap = self._gap(
                shown, step.u_j, f"its counter may have wrapped more than once in {_span(self._last, shown)}"
            )
        self._trust(shown, step.energy_j)
        return Step(self._energy_j, gap)

    def _trust(self, shown: _Shown, energy_j: float) -> None:
        """Add joules, and remember when the counter moved."""
        self._energy_j += energy_j
        self._last, self._aside = shown, None
        self._moves.append(_Shown(shown.time_s, self._energy_j))
        while len(self._moves) > 2 and self._moves[0].time_s < shown.time_s - HISTORY_S:
            self._moves.popleft()

    def _stand_still(self, shown: _Shown) -> Step:
        """The counter shows what it showed; the time of its last move stays."""
        self._aside, self._still_s = None, shown.time_s
        return Step(None if self._is_untried or self._stood_still(shown.time_s) else self._energy_j)

    @property
    def _is_untried(self) -> bool:
        """Whether a counter that should tick has not moved yet: it may be dead, so it has not told 0 J."""
        return len(self._moves) == 1 and math.isfinite(self._stuck_s)

    def _stood_still(self, until_s: float) -> bool:
        return self._last is not None and until_s - self._last.time_s > self._stuck_s

    def _power_w(self) -> float | None:
        """Mean power of the last seconds in which the counter moved."""
        first, last = self._moves[0], self._moves[-1]
        return (last.value_j - first.value_j) / (last.time_s - first.time_s) if last.time_s > first.time_s else None

    def _limit_j(self, before: _Shown, after: _Shown) -> float:
        """The most joules that can be believed from one value to the next; a tick more, for what was held back."""
        if self._domain.max_power_w is None:
            return math.inf
        return self._domain.max_power_w * (after.time_s - before.time_s + (self._domain.tick_s or 0.0))

    def _forward(self, before: _Shown, after: _Shown) -> _Step | None:
        """The step from one value to another; ``None`` if it cannot be believed."""
        least_j, range_j = after.value_j - before.value_j, self._domain.range_j
        if least_j < 0.0 and range_j is not None:
            least_j += range_j
        limit_j = self._limit_j(before, after)
        if not 0.0 <= least_j <= limit_j:
            return None
        if range_j is None or math.isinf(limit_j):
            return _Step(least_j, 0.0)
        return self._wrapped(least_j, range_j, int((limit_j - least_j) / range_j), after.time_s - before.time_s)

    def _wrapped(self, least_j: float, range_j: float, more: int, duration_s: float) -> _Step:
        """The likeliest number of further wraps, 0 to ``more``."""
        steps_j = [least_j + wraps * range_j for wraps in range(more + 1)]
        if more == 0:
            return _Step(least_j, 0.0)
        weights = [1.0] * len(steps_j)
        power_w = self._power_w() if self._moves[-1].time_s - self._moves[0].time_s >= SEEN_S else None
        if power_w:
            expected_j = power_w * duration_s
            misfits = [((step_j / expected_j - 1.0) / POWER_SD) ** 2 / 2.0 for step_j in steps_j]
            weights = [math.exp(min(misfits) - misfit) for misfit in misfits]
        best_j = steps_j[weights.index(max(weights))]
        spread = sum(w * (step_j - best_j) ** 2 for w, step_j in zip(weights, steps_j, strict=True)) / sum(weights)
        return _Step(best_j, math.sqrt(spread))

    def _make_up(self, shown: _Shown, step_j: float) -> Gap | None:
        """Joules that a counter lost while it stood still; of one that was not read, only their uncertainty."""
        power_w = self._power_w()
        assert self._last is not None
        expected_j = (power_w or 0.0) * (shown.time_s - self._last.time_s)
        if step_j >= expected_j / 2.0:
            return None
        missing_j, seen = expected_j - step_j, self._stood_still(self._still_s)
        what = "its counter stood still" if seen else "at less than half of the power before, it was not read"
        if seen:
            self._energy_j += missing_j / 2.0
        return self._gap(shown, missing_j / math.sqrt(12.0), f"{what} for {_span(self._last, shown)}")

    def _put_aside(self, shown: _Shown) -> Step:
        """A value that does not follow from the last trusted one."""
        aside = self._aside
        step = None if aside is None else self._forward(aside, shown)
        if aside is None or step is None:
            self._aside = shown
            return Step(None)
        if shown.value_j == aside.value_j and shown.time_s - aside.time_s < SETTLED_S:
            return Step(None)
        assert self._last is not None
        power_w = self._power_w()
        if power_w is None:
            power_w = step.energy_j / (shown.time_s - aside.time_s) if shown.time_s > aside.time_s else 0.0
        bridged_j = power_w * (aside.time_s - self._last.time_s)
        what = "started anew" if aside.value_j < self._last.value_j else "jumped"
        gap = self._gap(aside, bridged_j / math.sqrt(3.0), f"its counter {what}")
        self._trust(shown, bridged_j + step.energy_j)
        return Step(self._energy_j, gap)

    def _gap(self, until: _Shown, u_j: float, reason: str) -> Gap:
        """The stretch from the last trusted value."""
        assert self._last is not None
        return Gap(
            domain=self._domain.name,
            start_s=self._last.time_s,
            end_s=until.time_s,
            u_j=u_j,
            reason=reason,
        )


def _span(before: _Shown, after: _Shown) -> str:
    return f"{after.time_s - before.time_s:.3g} s"
