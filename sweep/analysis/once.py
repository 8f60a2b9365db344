"""Facts of a study that many analyses ask for, worked out once for each study in hand.

Limits: a study is taken for itself, not for its contents, so that whoever changes the list of its trials afterwards is
told what held before. Records are made to be replaced, not changed.
"""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from sweep.records import StudyData

T = TypeVar("T")


def once(fact: Callable[[StudyData], T]) -> Callable[[StudyData], T]:
    """Keep what a function makes of a study for as long as the study lives.

    Args:
        fact: of a study; what it returns must neither be changed by its callers nor refer to the study.
    """
    known: dict[int, T] = {}

    @wraps(fact)
    def found(data: StudyData) -> T:
        key = id(data)
        if key not in known:
            known[key] = fact(data)
            weakref.finalize(data, known.pop, key).atexit = False
        return known[key]

    return found
