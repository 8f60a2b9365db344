"""Composition root: a subcommand, or a Hydra config -> study -> report. The only module that decorates with Hydra.

Subcommands, ``--help`` and config errors are settled before torch loads. Exit codes: 0 done, 1 a run failed, 2 bad
input, 130 interrupted.
"""

import io
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sweep.cli import AtOnce
from sweep.errors import ConfigError, SweepError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sweep.compose import Composed
    from sweep.observer import StudyView, TrialView
    from sweep.records import StudyData, StudyRecord, TestResult, TrialRecord

INTERRUPTED = 130
HYDRA_FLAGS = ("-m", "--multirun", "--resolve", "-i", "--info", "--hydra-help")
HYDRA_FLAGS_WITH_VALUE = ("-c", "--cfg", "-p", "--package")
CONFIG_DIR = ("--config-dir", "-cd")
MULTIRUN = ("-m", "--multirun")


def console() -> None:
    """Entry point of the ``sweep`` script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # absent where the stream was closed
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main(sys.argv[1:])
        if code == INTERRUPTED:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a further Ctrl-C would only add a traceback
        if sys.stdout is not None:
            sys.stdout.flush()
        if isinstance(code, AtOnce):
            os._exit(code)
    except BrokenPipeError:  # whoever read the output, e.g. head, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise SystemExit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    wants_traceback = "--traceback" in argv
    args = [arg for arg in argv if arg != "--traceback"]
    return _guarded(lambda: _dispatch(args, wants_traceback=wants_traceback), wants_traceback=wants_traceback)


def _guarded(action: Callable[[], int], *, wants_traceback: bool) -> int:
    """Do something, and turn what it raises into one line and an exit code."""
    try:
        return action()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as err:
        if wants_traceback:
            traceback.print_exc()
        print(f"error: {_one_line(err)}", file=sys.stderr)
        return err.exit_code if isinstance(err, SweepError) else 1


def _one_line(err: Exception) -> str:
    if isinstance(err, SweepError):
        return " ".join(str(err).split("\n"))
    reason = " ".join(str(err).split())
    return f"{type(err).__name__}: {reason}: not foreseen; --traceback shows where it comes from"


def _dispatch(args: list[str], *, wants_traceback: bool) -> int:
    _importable_cwd()
    name = args[0] if args else ""
    if name == "--version":
        import importlib.metadata

        print(f"sweep {importlib.metadata.version('sweep-energy')}")
        return 0
    if name.isidentifier() and name != "help":
        return _command(name, args[1:])
    if not args or name == "help" or {"-h", "--help"} & set(args):
        return _help()
    return _study(args, wants_traceback=wants_traceback)


def _importable_cwd() -> None:
    """Put the current folder last on ``sys.path``, for a user's own classes; a console script lacks it."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def _help() -> int:
    from sweep.cli import _help as text

    print(text.overview())
    return 0


def _command(name: str, args: list[str]) -> int:
    from sweep.cli import find

    return find(name).run(args)


def _study(args: list[str], *, wants_traceback: bool) -> int:
    """Compose, check, then hand over to Hydra, which composes again for each job (several in a multirun).

    A job that fails does not keep the next one of a multirun from running; an interruption does.
    """
    from sweep import compose

    line = split(args)
    compose.prepare(line.config_dirs)
    multirun = bool({*MULTIRUN} & {*line.flags})
    for overrides in compose.jobs(line.overrides) if multirun else [line.overrides]:
        compose.compose_config(overrides)
    import hydra
    from hydra.core.hydra_config import HydraConfig

    typed = f"python -m sweep {shlex.join(args)}"
    codes = [0]

    @hydra.main(config_path=str(compose.conf_dir()), config_name=compose.PRIMARY, version_base="1.3")
    def job(cfg: "DictConfig") -> None:
        runtime = HydraConfig.get()

        def run() -> int:
            composed = compose.finish(cfg, dict(runtime.runtime.choices), list(runtime.overrides.task))
            return _run(composed, typed)

        codes.append(_guarded(run, wants_traceback=wants_traceback))
        if codes[-1] == INTERRUPTED:
            raise SystemExit(INTERRUPTED)

    return max(_with_argv([sys.argv[0], *line.flags, *line.overrides], job), *codes)


def _with_argv(argv: list[str], job: Callable[[], None]) -> int:
    """Call a Hydra job, which reads ``sys.argv`` and leaves by SystemExit."""
    former, sys.argv = sys.argv, argv
    try:
        job()
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    finally:
        sys.argv = former
    return 0


class CommandLine(NamedTuple):
    """What was typed: Hydra overrides, flags that Hydra handles, and folders of the user's configs."""

    overrides: list[str]
    flags: list[str]
    config_dirs: list[Path]


def _with_plus(override: str) -> str:
    """Hydra sets what an empty mapping shall hold only with ``++``; who names today's setup need not know."""
    return f"++{override}" if override.startswith(("study.current=", "study.current.")) else override


def split(args: Sequence[str]) -> CommandLine:
    """Sort the arguments.

    Raises:
        ConfigError: for a flag that is not known.
    """
    line = CommandLine([], [], [])
    items = iter(args)
    for arg in items:
        name, equals, value = arg.partition("=")
        if name in (*CONFIG_DIR, *HYDRA_FLAGS_WITH_VALUE) and not equals:
            value = next(items, "")
        if not arg.startswith("-"):
            line.overrides.append(_with_plus(arg))
        elif name in CONFIG_DIR and value:
            line.config_dirs.append(Path(value))
        elif name in HYDRA_FLAGS_WITH_VALUE and value:
            line.flags.extend([name, value])
        elif arg in HYDRA_FLAGS:
            line.flags.append(arg)
        else:
            problem = f"{arg} is not a flag of sweep, or lacks its value"
            raise ConfigError(problem, "see sweep --help; options are written key=value")
    if {*MULTIRUN} & {*line.flags} and {"-c", "--cfg", "-i", "--info"} & {*line.flags}:
        raise ConfigError("a multirun has several configs to show", "drop -m, and show one of them")
    return line


def _run(composed: "Composed", command: str) -> int:
    """Run the study; torch loads here, after the environment of its threads is set."""
    set_thread_environment(composed)
    from sweep.analysis.grid import intensity
    from sweep.analysis.summary import summarise
    from sweep.report.console import Progress, print_closing
    from sweep.study.run import run_study

    intensity(composed.config.report.footprint)  # a country that nobody knows is refused before anything is spent
    outcome = run_study(
        composed.config,
        composed.dimensions,
        composed.label,
        command=command,
        observer=Progress(),
        reporter=Reports(composed.config.report.confidence),
    )
    if outcome.finished and not outcome.ran:
        print("every trial of this study is finished; nothing was run")
    print_closing(summarise(outcome.data, composed.config.report.confidence), outcome.folder)
    if outcome.interrupted:
        return INTERRUPTED
    return 1 if outcome.crashed else 0


class Reports:
    """The report and what Optuna dashboard shows, as the study asks for them."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence

    def write(self, data: "StudyData", folder: Path) -> Path:
        """Write report.html and everything beside it."""
        from sweep.report.build import write_report

        return write_report(data, folder, self._confidence)

    def study_view(self, data: "StudyData") -> "StudyView":
        """Note and figures of the study."""
        from sweep.analysis.summary import summarise
        from sweep.report.dashboard import study_view

        return study_view(summarise(data, self._confidence))

    def trial_view(
        self, study: "StudyRecord", record: "TrialRecord", tests: Sequence["TestResult"] = ()
    ) -> "TrialView":
        """Note and files of a trial."""
        from sweep.records import StudyData
        from sweep.report.dashboard import trial_view

        return trial_view(StudyData(study=study, trials=[record], sessions=[], tests=list(tests)), record)


def set_thread_environment(composed: "Composed") -> None:
    """Set what OpenMP reads when torch loads: waiting threads must sleep, or their spinning is charged as work."""
    trainer = composed.config.trainer
    if "torch" not in sys.modules:
        os.environ["OMP_WAIT_POLICY"] = trainer.wait_policy.upper()
        if trainer.threads is not None:
            os.environ["OMP_NUM_THREADS"] = str(trainer.threads)


if __name__ == "__main__":
    console()
