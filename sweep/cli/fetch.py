"""``sweep fetch NAME``: download the data of a shipped objective."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.cli import Command
from sweep.errors import ConfigError
from sweep.typed import unknown_mend

if TYPE_CHECKING:
    from sweep.objective import Objective


class Fetch(Command):
    """Download a data set to where its objective looks for it."""

    help = "download the data of an objective"

    def run(self, args: Sequence[str]) -> int:
        """Download with a progress bar."""
        from sweep import compose

        compose.prepare()
        names = compose.options("objective")
        parser = argparse.ArgumentParser(prog="sweep fetch", description=self.help)
        parser.add_argument("name", help="objective, e.g. pamap2")
        parser.add_argument("--dir", type=Path, default=None, help="where to; default: where the objective looks")
        options = parser.parse_args(args)
        if options.name not in names:
            raise ConfigError(f"there is no objective {options.name}", unknown_mend(options.name, names))
        cls = _objective_class(options.name)
        with _progress_bar() as advance:
            folder = cls.fetch(options.dir, advance)
        print(f"data are in {folder}")
        return 0


def _objective_class(name: str) -> "type[Objective]":
    from sweep import compose

    target = compose.objective_target(name)
    from sweep.objective import Objective
    from sweep.registry import locate

    return locate(target, Objective, "objective")  # type: ignore[type-abstract]


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int | None], None]]:
    """A bar on a terminal, the size elsewhere; yields what takes bytes so far and bytes in all."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    announced = console.is_terminal
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("download", total=None)

        def advance(done: int, total: int | None) -> None:
            nonlocal announced
            if not announced and total is not None:
                announced = True
                console.print(f"downloading {total / 1e6:.1f} MB", highlight=False)
            progress.update(task, completed=done, total=total)

        yield advance
