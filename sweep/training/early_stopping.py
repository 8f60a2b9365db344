"""When to stop a training, as a pure state machine.

    state' = advance(state, value)
    improved  value is better than the best by more than min_delta: the count of stale epochs starts again
    stop      `patience` epochs in a row did not improve

Limits: watches one number; which weights are kept is decided elsewhere (always those of the best quality).
"""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class EarlyStopping:
    """State after some epochs.

    Attributes:
        patience: stale epochs after which training stops, at least 1.
        min_delta: least change that counts as an improvement, 0 or more.
        maximize: whether larger values are better.
        best: best value so far, ``None`` before the first epoch.
        stale: epochs since the best value.
    """

    patience: int
    min_delta: float = 0.0
    maximize: bool = True
    best: float | None = None
    stale: int = 0

    def advance(self, value: float | None) -> "EarlyStopping":
        """State after one more epoch; an unknown or non-finite value is no improvement."""
        if value is not None and math.isfinite(value) and self._improves(value):
            return replace(self, best=value, stale=0)
        return replace(self, stale=self.stale + 1)

    def _improves(self, value: float) -> bool:
        if self.best is None:
            return True
        gain = value - self.best if self.maximize else self.best - value
        return gain > self.min_delta

    @property
    def stop(self) -> bool:
        """Whether patience has run out."""
        return self.stale >= self.patience
