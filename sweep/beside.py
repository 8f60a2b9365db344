"""A task in a second process, while this one does something else.

The process is spawned, so it inherits no threads and no locks and is the same on every platform; it costs the imports
of the task, about a second, which it may begin with before there is a task. What the task raises is raised here at the
end of the block. If the block is left by an error or Ctrl-C, the process is ended at once; if this process is killed,
the other one ends with its task.
"""

import gc
import importlib
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, NamedTuple, TypeVar, overload

from sweep.errors import SweepError

T = TypeVar("T")


class Held(NamedTuple, Generic[T]):
    """What a task returns whose answer shall not wait until all that it rests on is freed, which may take seconds."""

    answer: T
    rest: object


class Second:
    """A process that waits for its task; made by ``beside``.

    Attributes:
        answer: what ``run`` returns.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sender: threading.Thread | None = None
        self.answer: Callable[[], Any] = _nothing

    @overload
    def run(self, task: Callable[..., Held[T]], *arguments: object) -> Callable[[], T]: ...
    @overload
    def run(self, task: Callable[..., T], *arguments: object) -> Callable[[], T]: ...
    def run(self, task: Callable[..., Any], *arguments: object) -> Callable[[], Any]:
        """Begin with the task, once; this process goes on at once.

        Args:
            task: a function of a module, found again by its name; what it returns (of ``Held`` the answer) is
                picklable.
            arguments: picklable.

        Returns:
            A function that waits for the task and gives what it returned; it raises what the block raises at its end.
        """
        message = ForkingPickler.dumps((task, arguments))
        self._sender = threading.Thread(target=self._send, args=(message,), daemon=True)
        self._sender.start()  # a pipe holds little, and whoever fills it waits until the other process has started
        self.answer = cache(partial(_answer, self._connection))
        return self.answer

    def _send(self, message: memoryview) -> None:
        with suppress(OSError):  # it is dead already, as the answer will tell
            self._connection.send_bytes(message)

    def close(self) -> None:
        """Let go of the connection; the process has ended."""
        if self._sender is not None:
            self._sender.join()
        self._connection.close()


@contextmanager
def beside(*modules: str) -> Iterator[Second]:
    """Have a process beside the block, and wait for its task at the end.

    Args:
        modules: names of those that it imports before it has a task.

    Raises:
        SweepError: what the task raised.
        RuntimeError: if it raised anything else, whose traceback is the cause, or was killed.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there, modules))
    process.start()
    there.close()
    second = Second(here)
    try:
        yield second
        second.answer()
        process.kill()  # it has nothing left to put away
    finally:
        process.terminate()
        process.join()
        second.close()


def _run(connection: Connection, modules: tuple[str, ...]) -> None:
    """In the second process: the task, and how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    signal.signal(signal.SIGTERM, _leave)  # and what the task has begun, such as files, is put away
    gc.disable()  # it ends with its task, and what the task leaves behind is not worth a look
    try:
        for module in modules:
            importlib.import_module(module)
        task, arguments = connection.recv()
        found = task(*arguments)
        connection.send((found.answer if isinstance(found, Held) else found, None))
        connection.poll(None)  # until it is ended: what it holds is the system's to free
    except EOFError:
        return  # the first process has ended
    except SweepError as err:
        connection.send((None, err))
    except Exception:
        connection.send((None, traceback.format_exc()))


def _leave(*_: object) -> None:
    raise SystemExit(1)


def _nothing() -> None:
    """What there is to wait for without a task."""


def _answer(connection: Connection) -> Any:
    """What the task returned, or its problem raised again."""
    try:
        value, problem = connection.recv()
    except (EOFError, ConnectionError):
        value, problem = None, "a process of sweep was killed, perhaps for want of memory"
    if isinstance(problem, SweepError):
        raise problem
    if problem is not None:
        raise RuntimeError(problem.splitlines()[-1]) from RuntimeError(problem)
    return value
