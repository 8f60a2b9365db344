"""Hooks that a copy of the model does not inherit, and that are quickly set and removed.

While a model is measured, its owner may copy or save it whole: an average of weights by ``copy.deepcopy``, a
checkpoint by ``torch.save(model)``. Hooks travel with both. One that derives from ``OwnHook`` becomes, in the copy,
the ``__exit__`` of a ``contextlib.nullcontext``: a function of any arguments that does nothing, and that loads where
sweep is not installed.

``put`` writes straight into the modules' tables what ``register_forward_hook(..., always_call=True)`` writes: its
handles cost more than all the marks of a small layer, and layers are hooked anew on every marked step.
"""
# ruff: noqa: SLF001

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from torch import nn


class OwnHook:
    """A callable that stays with the model it was set on."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, str]]:
        """What takes its place in a copy or a pickle."""
        return getattr, (nullcontext(), "__exit__")


def put(module: nn.Module, key: Any, before: OwnHook, after: OwnHook) -> None:
    """Set a pair of forward hooks under a key that no number can be.

    The first one runs before those of others, whose work is then the layer's (``weight_norm``).
    """
    before_all: Any = module._forward_pre_hooks
    before_all[key] = before
    before_all.move_to_end(key, last=False)
    after_all: Any = module._forward_hooks
    after_all[key] = after
    module._forward_hooks_always_called[key] = True


def put_before(module: nn.Module, key: Any, before: OwnHook) -> None:
    """Set a forward pre-hook that is given keyword arguments."""
    before_all: Any = module._forward_pre_hooks
    before_all[key] = before
    module._forward_pre_hooks_with_kwargs[key] = True


def remove(module: nn.Module, key: Any) -> None:
    """Remove what was set under a key."""
    module._forward_pre_hooks.pop(key, None)
    module._forward_pre_hooks_with_kwargs.pop(key, None)
    module._forward_hooks.pop(key, None)
    module._forward_hooks_always_called.pop(key, None)
