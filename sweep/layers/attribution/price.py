"""The price of marking layers: marked steps beside unmarked ones of the same training, drawn at random.

    a marked step    attaching  | passes with marks |  forgetting
    any other                   | passes            |

    price of a marked step = median of the first - median of the second

Medians, because single steps are disturbed by whatever the machine does; the first marked step is left out, because the
first step of a training is slow by itself. Limits: within noise the price may come out negative.
"""

import statistics
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.layers.marking.owners import BACKWARD, FORWARD, LOSS_BACKWARD, REST

LEAST = 8
"""Steps of either kind without which no price is known."""
KEPT = 512


class MarkingPrice:
    """What marking layers costs a training."""

    def __init__(self) -> None:
        self._marked: deque[float] = deque(maxlen=KEPT)
        self._passes = {FORWARD: deque[float](maxlen=KEPT), BACKWARD: deque[float](maxlen=KEPT)}
        self._is_first = True

    def fold(
        self, owners: NDArray[np.int64], seconds: NDArray[np.float64], marked: Sequence[tuple[int, int, int]]
    ) -> None:
        """Add a stretch.

        Args:
            owners: of its segments, shape ``(n_segments,)``.
            seconds: likewise.
            marked: first segment, end and weight of each marked step; the segments before and after are ``rest``.
        """
        for owner, kept in self._passes.items():
            kept.extend(seconds[owners == owner].tolist())
        for first, last, _ in marked:
            if not self._is_first:
                around = [index for index in (first - 1, last) if 0 <= index < len(owners) and owners[index] == REST]
                passes_s = seconds[first:last][owners[first:last] >= LOSS_BACKWARD].sum()
                self._marked.append(float(passes_s + seconds[around].sum()))
            self._is_first = False

    def step_s(self) -> float | None:
        """Seconds that marking adds to a step; ``None`` if too few steps were seen."""
        if min(len(self._marked), *(len(kept) for kept in self._passes.values())) < LEAST:
            return None
        return statistics.median(self._marked) - sum(statistics.median(kept) for kept in self._passes.values())
