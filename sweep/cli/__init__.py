"""Subcommands, one file each, found by file name. What they import at module level must stay light."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from sweep.errors import ConfigError
from sweep.registry import discover
from sweep.typed import unknown_mend


class AtOnce(int):
    """An exit code with which the process may end at once, as all is written and nothing needs to be put away.

    Freeing the records of a large study one by one takes longer than drawing a chart; the system takes them as a whole.
    """

    def __new__(cls, code: int, held: object) -> "AtOnce":
        """The code, and what the process holds until then."""
        self = super().__new__(cls, code)
        self.held = held
        return self

    held: object


class Command(ABC):
    """A subcommand; its name is its module's."""

    help: ClassVar[str]
    """One sentence for the overview."""

    @abstractmethod
    def run(self, args: Sequence[str]) -> int:
        """Run it; returns the exit code.

        Raises:
            SweepError: for bad input, with the exit code it carries.
        """


def commands() -> dict[str, type[Command]]:
    """All subcommands by name."""
    return discover("sweep.cli", Command)  # type: ignore[type-abstract]


def find(name: str) -> Command:
    """The subcommand of that name.

    Raises:
        ConfigError: if there is none.
    """
    known = commands()
    if name not in known:
        from sweep import compose

        if name in compose.options("experiment"):
            raise ConfigError(f"{name} is an experiment, not a command", f"write +experiment={name}")
        raise ConfigError(f"there is no command {name}", unknown_mend(name, known))
    return known[name]()
