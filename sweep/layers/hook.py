"""Hooks that a copy of the model does not inherit.

While a model is measured, its owner may copy or save it whole: an average of weights by ``copy.deepcopy``, a checkpoint by
``torch.save(model)``. Hooks travel with both. One that derives from ``OwnHook`` becomes, in the copy, the ``__exit__`` of a
``contextlib.nullcontext``: a function of any arguments that does nothing, and that loads where sweep is not installed.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any


class OwnHook:
    """A callable that stays with the model it was set on."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, str]]:
        """What takes its place in a copy or a pickle."""
        return getattr, (nullcontext(), "__exit__")
