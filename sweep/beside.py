"""A task in a second process, while this one does something else.

The process is spawned, so it inherits no threads and no locks and is the same on every platform; it costs the imports
of the task, about a second. What the task raises is raised here at the end of the block. If the block is left by an
error or Ctrl-C, the process is ended at once; if this process is killed, the other one ends with its task.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from sweep.errors import SweepError


@contextmanager
def beside(task: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run a task beside the block, and wait for it at the end.

    Args:
        task: a function of a module, found again by its name.
        arguments: picklable.

    Raises:
        SweepError: what the task raised.
        RuntimeError: if it raised anything else, whose traceback is the cause, or was killed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sender, task, arguments))
    process.start()
    sender.close()
    try:
        yield
        _raise_again(receiver)
    finally:
        process.terminate()
        process.join()
        receiver.close()


def _run(sender: Connection, task: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """In the second process: the task, and how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    try:
        task(*arguments)
    except SweepError as err:
        sender.send(err)
    except Exception:
        sender.send(traceback.format_exc())
    else:
        sender.send(None)


def _raise_again(receiver: Connection) -> None:
    try:
        problem = receiver.recv()
    except EOFError:
        problem = "a process of sweep was killed, perhaps for want of memory"
    if isinstance(problem, SweepError):
        raise problem
    if problem is not None:
        raise RuntimeError(problem.splitlines()[-1]) from RuntimeError(problem)
