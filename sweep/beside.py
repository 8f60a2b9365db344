"""A task in a second process, while this one does something else.

The process is spawned, so it inherits no threads and no locks and is the same on every platform; it costs the imports
of the task, about a second. What the task raises is raised here at the end of the block. If the block is left by an
error or Ctrl-C, the process is ended at once; if this process is killed, the other one ends with its task.
"""

import gc
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from sweep.errors import SweepError

T = TypeVar("T")


@contextmanager
def beside(task: Callable[..., T], *arguments: object) -> Iterator[Callable[[], T]]:
    """Run a task beside the block, and wait for it at the end.

    Args:
        task: a function of a module, found again by its name; what it returns is picklable.
        arguments: picklable.

    Yields:
        A function that waits for the task and gives what it returned; it raises what the block raises at its end.

    Raises:
        SweepError: what the task raised.
        RuntimeError: if it raised anything else, whose traceback is the cause, or was killed.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(there,))
    process.start()
    there.close()
    answer = cache(partial(_answer, here))
    try:
        with suppress(BrokenPipeError):  # it is dead already, as the answer will tell
            here.send((task, arguments))
        yield answer
        answer()
    finally:
        process.terminate()
        process.join()
        here.close()


def _run(connection: Connection) -> None:
    """In the second process: the task, and how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    gc.disable()  # it ends with its task, and what the task leaves behind is not worth a look
    try:
        task, arguments = connection.recv()
        connection.send((task(*arguments), None))
    except SweepError as err:
        connection.send((None, err))
    except Exception:
        connection.send((None, traceback.format_exc()))


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
