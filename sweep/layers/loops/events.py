"""What a training loop that knows nothing of us cannot help telling: calls of its model, its loader and its optimizers.

    model         a hook before and one after its entries: the model itself, and submodules that the loop calls directly
    DataLoader    every fetch, by the one function that all of its iterators share
    optimizers    torch's global hooks around ``step``, and ``zero_grad``

Entries other than the model are found by scouts, hooks before every module: whichever is called from outside all
entries is one. Scouts cost nearly as much as marking layers, so they are out on the steps that are marked, until the
next step begins, and when the loop has something to show that was not seen.

All of it is undone by ``close``: hooks are removed, and the functions of torch that were wrapped are put back when no
listener is left. Only the thread that opened is heard.

Limits: loaders that are not torch's are not seen, nor models called from other threads or within compiled code; copies
of a model do not tell.
"""

import functools
from collections.abc import Callable, Iterable
from threading import get_ident
from typing import Any, Protocol

from torch import nn
from torch.compiler import is_compiling
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader
from torch.utils.data import dataloader as _dataloader

from sweep.layers.marking.hook import OwnHook, put_before, remove
from sweep.layers.marking.support import hookable


class Listener(Protocol):
    """Whoever wants to know."""

    def entered(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """An entry of the model is called."""

    def within(self, module: nn.Module) -> None:
        """Another module is called within an entry; told while scouts are out."""

    def left(self, module: nn.Module, output: Any) -> None:
        """The call has ended; ``output`` is ``None`` if it raised."""

    def interrupted(self) -> None:
        """A call never ended, e.g. because of Ctrl-C."""

    def fetching(self) -> None:
        """A loader is asked for a batch, or for an iterator."""

    def exhausted(self) -> None:
        """It has no more batches; ``fetched`` follows."""

    def fetched(self) -> None:
        """It has answered."""

    def optimizing(self) -> None:
        """An optimizer begins its step."""

    def optimized(self) -> None:
        """It has ended."""

    def zeroing(self) -> None:
        """Gradients are about to be zeroed."""

    def zeroed(self) -> None:
        """They are."""


class LoopEvents:
    """Passes on what a loop does.

    Args:
        model: whose calls are told.
        listener: is told.
    """

    def __init__(self, model: nn.Module, listener: Listener) -> None:
        self._model = model
        self._listener = listener
        self._thread = get_ident()
        self._key: Any = f"sweep scout {id(self)}"
        self._entries: list[nn.Module] = []
        self._handles: list[Any] = []
        self._scout = _Scout(self)
        self._scouted: list[nn.Module] = []
        self._inside: list[nn.Module] = []
        self.other_threads = False

    def open(self) -> None:
        """Listen, on this thread."""
        self._thread = get_ident()
        self._handles.append(register_optimizer_step_pre_hook(self._optimizing))
        self._handles.append(register_optimizer_step_post_hook(self._optimized))
        _open.append(self)
        _patch()
        if self._model in hookable(self._model):
            self._adopt(self._model)
        self.scout()

    def close(self) -> None:
        """Undo everything; safe to call twice."""
        if self in _open:
            _open.remove(self)
        if not _open:
            _restore()
        self.recall()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._entries.clear()
        self._inside.clear()

    def scout(self, modules: Iterable[nn.Module] | None = None) -> None:
        """Look for entries, among all modules that can be hooked if no others are given."""
        if not self._scouted:
            every = hookable(self._model) if modules is None else modules
            self._scouted = [module for module in every if module not in self._entries]
            for module in self._scouted:
                put_before(module, self._key, self._scout)

    def recall(self) -> None:
        """Look no longer."""
        for module in self._scouted:
            remove(module, self._key)
        self._scouted.clear()

    @property
    def is_own_thread(self) -> bool:
        """Whether the calling thread is the one that opened."""
        return get_ident() == self._thread

    def before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """An entry is called, perhaps from within another one."""
        if not self.is_own_thread:
            self.other_threads = True
            return
        self._inside.append(module)
        if len(self._inside) == 1:
            self._listener.entered(module, args, kwargs)

    def after(self, module: nn.Module, output: Any) -> None:
        """The call has ended."""
        if not self.is_own_thread or module not in self._inside:
            return
        del self._inside[self._inside.index(module) :]  # those within it were left by an exception
        if not self._inside:
            self._listener.left(module, output)

    def found(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """A scout has seen a call."""
        if not self.is_own_thread:
            return
        if self._inside:
            self._listener.within(module)
            return
        self._adopt(module)
        self.before(module, args, kwargs)  # hooks that are set before a call do not see this one

    def _adopt(self, module: nn.Module) -> None:
        self._entries.append(module)
        self._handles.append(module.register_forward_pre_hook(_Before(self), with_kwargs=True))
        self._handles.append(module.register_forward_hook(_After(self), always_call=True))

    def surface(self) -> Listener:
        """The listener, for an event that cannot come from inside a call: one that never ended was interrupted."""
        if self._inside:
            self._inside.clear()
            self._listener.interrupted()
        return self._listener

    def _optimizing(self, _optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        if self.is_own_thread:
            self.surface().optimizing()

    def _optimized(self, _optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        if self.is_own_thread:
            self.surface().optimized()


class _Before(OwnHook):
    """Forward pre-hook of an entry."""

    __slots__ = ("_events",)

    def __init__(self, events: LoopEvents) -> None:
        self._events = events

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if not is_compiling():
            self._events.before(module, args, kwargs)


class _After(OwnHook):
    """Forward hook of an entry."""

    __slots__ = ("_events",)

    def __init__(self, events: LoopEvents) -> None:
        self._events = events

    def __call__(self, module: nn.Module, _args: Any, output: Any) -> None:
        if not is_compiling():
            self._events.after(module, output)


class _Scout(OwnHook):
    """Forward pre-hook of every other module."""

    __slots__ = ("_events",)

    def __init__(self, events: LoopEvents) -> None:
        self._events = events

    def __call__(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if not is_compiling():
            self._events.found(module, args, kwargs)


_open: list[LoopEvents] = []
_originals: list[tuple[type, str, Callable[..., Any], Callable[..., Any]]] = []
"""Class, name, function of torch, and what stands in its place."""
_LOADER_ITERATOR = getattr(_dataloader, "_BaseDataLoaderIter", None)
"""Base of a loader's iterators; private to torch, and without it fetches are not seen."""


def _patch() -> None:
    """Wrap the functions that have no hooks."""
    if _originals:
        return
    wanted: list[tuple[type | None, str, str, str]] = [
        (_LOADER_ITERATOR, "__next__", "fetching", "fetched"),
        (DataLoader, "__iter__", "fetching", "fetched"),
        (Optimizer, "zero_grad", "zeroing", "zeroed"),
    ]
    for cls, name, before, after in wanted:
        if cls is not None and hasattr(cls, name):
            original = getattr(cls, name)
            wrapped = _telling(original, before, after)
            setattr(cls, name, wrapped)
            _originals.append((cls, name, original, wrapped))


def _restore() -> None:
    """Put the functions back, except where somebody else has wrapped ours: theirs then calls one that is silent."""
    for cls, name, original, wrapped in _originals:
        if getattr(cls, name) is wrapped:
            setattr(cls, name, original)
    _originals.clear()


def _telling(original: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
    @functools.wraps(original)
    def tell(*args: Any, **kwargs: Any) -> Any:
        heard = [events for events in _open if events.is_own_thread]
        for events in heard:
            getattr(events.surface(), before)()
        try:
            return original(*args, **kwargs)
        except StopIteration:
            for events in heard:
                events.surface().exhausted()
            raise
        finally:
            for events in heard:
                getattr(events.surface(), after)()

    return tell
