"""``sweep doctor``: what can be measured on this machine, and what its energy numbers are worth.

    sweep doctor                    the sensors of this machine
    sweep doctor --sysfs-root DIR   DIR stands for /sys: a container's mount of the host's, or a tree made for a test
    sweep doctor --json             everything, as JSON (``sweep.doctor.findings``)

Exit codes: 0 with at least one measured domain, 3 with modelled ones only, 2 for bad input. A counter that stands still
is a measured domain, of which nothing is claimed. Needs no torch.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweep.cli import Command
from sweep.errors import ConfigError

MODELLED_ONLY = 3


class Doctor(Command):
    """Examine the sensors of this machine."""

    help = "tell what energy numbers on this machine are worth"

    def run(self, args: Sequence[str]) -> int:
        """Examine and print.

        Raises:
            ConfigError: for a root that is no folder, or a time that is not positive.
        """
        parser = argparse.ArgumentParser(prog="sweep doctor", description=self.help)
        parser.add_argument("--json", action="store_true", help="everything as JSON, on standard output")
        parser.add_argument("--sysfs-root", default="/sys", metavar="DIR", help="stands for /sys; default: %(default)s")
        parser.add_argument(
            "--seconds", type=float, default=2.0, metavar="N", help="of watching, twice or more; default: %(default)s"
        )
        options = parser.parse_args(args)
        _check(options.sysfs_root, options.seconds)
        import msgspec
        from rich.console import Console

        from sweep.doctor.examine import examine
        from sweep.doctor.text import show

        with _progress() as tell:
            diagnosis = examine(options.sysfs_root, options.seconds, tell)
        if options.json:
            json.dump(msgspec.to_builtins(diagnosis), sys.stdout, indent=1)
            print()
        else:
            show(diagnosis, Console(highlight=False))
        return 0 if diagnosis.is_measured else MODELLED_ONLY


def _check(sysfs_root: str, seconds: float) -> None:
    if sysfs_root != "/sys" and not Path(sysfs_root).is_dir():
        raise ConfigError(
            f"--sysfs-root={sysfs_root} is not a folder", "give the folder that stands for /sys, e.g. /host/sys"
        )
    if not (math.isfinite(seconds) and seconds > 0.0):
        raise ConfigError(f"--seconds={seconds} is not a positive number of seconds", "give e.g. --seconds 2")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line on a terminal that says what is done now, redrawn only then: a spinner would compute in a quiet window."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield lambda text: live.update(Text(f"{text} ..."), refresh=True)
