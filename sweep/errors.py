"""Every error that a user of sweep can meet.

    SweepError                 exit code 1
    ├── BadInputError          exit code 2
    │   ├── ConfigError        an option, a dimension or a plug-in name
    │   ├── DataError          a data set, a file of it, or its split
    │   ├── StudyError         a study folder: foreign, locked, unreadable, not the same study
    │   ├── RecordError        a record that cannot be read
    │   ├── MeterError         a meter that cannot be opened or read
    │   │   └── SensorAbsentError   the machine has no such sensor
    │   ├── LayerError         a model whose layers cannot be told apart, or a way of doing so that does not fit
    │   └── MonitorError       a monitor that is used out of its order, or given what it cannot use
    ├── FetchError             a download that did not arrive whole
    └── StorageError           a study folder that can no longer be written, e.g. because the disk is full

Each carries one sentence: the value, the rule it breaks, and the next step. Foreign errors are mapped where
they enter, with ``raise ... from err``.
"""


class SweepError(Exception):
    """Something went wrong that the user can act on.

    Args:
        problem: the value and the rule it breaks, without a full stop.
        mend: the next step, in the imperative, without a full stop.
    """

    exit_code = 1

    def __init__(self, problem: str, mend: str) -> None:
        super().__init__(f"{problem}: {mend}")
        self.problem = problem
        self.mend = mend

    def __reduce__(self) -> tuple[type["SweepError"], tuple[str, str]]:
        """Pickle both halves, so that the error crosses a process border whole."""
        return type(self), (self.problem, self.mend)


class BadInputError(SweepError):
    """The input is wrong; nothing was spent on it."""

    exit_code = 2


class ConfigError(BadInputError):
    """An option, a dimension of the search space or the name of a plug-in."""


class DataError(BadInputError):
    """A data set, one of its files, or its split."""


class StudyError(BadInputError):
    """A study folder that is foreign, locked, unreadable or another study's."""


class RecordError(BadInputError):
    """A record that cannot be read."""


class MeterError(BadInputError):
    """A meter that cannot be opened or read."""


class SensorAbsentError(MeterError):
    """The machine has no sensor of this kind, or nothing that talks to it: nothing is broken."""


class LayerError(BadInputError):
    """A model whose layers cannot be measured, or a way of measuring them that does not fit the meter."""


class MonitorError(BadInputError):
    """A monitor that is used out of its order, or given what it cannot use."""


class FetchError(SweepError):
    """A download that did not arrive whole; what arrived is kept for the next try."""


class StorageError(SweepError):
    """A study folder that can no longer be written; what was stored before is whole."""
