"""Fewer of many, for the eye."""

import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def thin(items: Sequence[T], most: int) -> list[T]:
    """At most ``most`` items at equal distances, the last one always among them."""
    step = max(1, math.ceil(len(items) / most))
    return list(items[::-1][::step][::-1])
