"""On which steps layers are marked: one at random in each block of steps.

    blocks of  1, 2, 4, 8, ... every, every, ...  steps

The first step is always marked, so that no training is too short for a table. A marked step stands for its block: its
weight is the block's size (Horvitz and Thompson 1952). Random, because a training may have a rhythm of its own.
"""

import random


class StepChoice:
    """Draws the marked steps.

    Args:
        every: length of a block in the long run, at least 1.
        seed: of the draw; torch's random numbers are not touched.
    """

    def __init__(self, every: int, seed: int) -> None:
        self._every = every
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._size = 1
        self._left = 1
        self._chosen = 1
        self.steps = 0

    @property
    def weight(self) -> int:
        """Steps that the marked step of this block stands for."""
        return self._size

    def next(self) -> bool:
        """Whether the step that begins is marked."""
        if not self._left:
            self._size = min(2 * self._size, self._every)
            self._left = self._size
            self._chosen = self._random.randint(1, self._size)
        marked = self._left == self._chosen
        self._left -= 1
        self.steps += 1
        return marked
