"""Facts of a study that many analyses ask for, worked out once for each study in hand.

Limits: a study is taken for itself, not for its contents, so that whoever changes the list of its trials afterwards is
told what held before. Records are made to be replaced, not changed.
"""

import weakref
from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

from sweep.records import StudyData

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - a decorator
    """Keep what a function makes of a study for as long as the study lives.

    Args:
        fact: of a study; what it returns must neither be changed by its callers nor refer to the study.
    """

    def __init__(self, fact: Callable[[StudyData], T]) -> None:
        self._fact = fact
        self._known: dict[int, T] = {}
        update_wrapper(self, fact)

    def __call__(self, data: StudyData) -> T:
        """The fact."""
        if id(data) not in self._known:
            self._keep(data, self._fact(data))
        return self._known[id(data)]

    def share(self, data: StudyData, other: StudyData) -> None:
        """Take the fact of another study for that of ``data``, where they cannot differ."""
        self._keep(data, self(other))

    def _keep(self, data: StudyData, fact: T) -> None:
        self._known[id(data)] = fact
        weakref.finalize(data, self._known.pop, id(data)).atexit = False
