"""Composition root: a subcommand, or a Hydra config -> study -> report. The only module that decorates with Hydra.

Subcommands, ``--help`` and config errors are settled before torch loads. Exit codes: 0 done, 1 a run failed, 2 bad
input, 130 interrupted.
"""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.errors import SweepError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from sweep.compose import Composed
    from sweep.records import StudyData, StudyRecord, TrialRecord

INTERRUPTED = 130
HYDRA_ONLY = (
    "-m",
    "--multirun",
    "-c",
    "--cfg",
    "-i",
    "--info",
    "-p",
    "--package",
    "--resolve",
    "--hydra-help",
    "-hd",
)


def console() -> None:
    """Entry point of the ``sweep`` script."""
    raise SystemExit(main(sys.argv[1:]))


def main(argv: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    wants_traceback = "--traceback" in argv
    args = [arg for arg in argv if arg != "--traceback"]
    try:
        return _dispatch(args)
    except SweepError as err:
        if wants_traceback:
            traceback.print_exc()
        print(f"error: {err}", file=sys.stderr)
        return err.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _dispatch(args: list[str]) -> int:
    from sweep.compose import importable_cwd

    importable_cwd()
    name = args[0] if args else ""
    if not args or name in ("-h", "--help", "help"):
        return _help()
    if name == "--version":
        import importlib.metadata

        print(f"sweep {importlib.metadata.version('sweep-energy')}")
        return 0
    if name.isidentifier():
        return _command(name, args[1:])
    return _study(args)


def _help() -> int:
    from sweep.cli import _help as text

    print(text.overview())
    return 0


def _command(name: str, args: list[str]) -> int:
    from sweep.cli import find

    return find(name).run(args)


def _study(args: list[str]) -> int:
    """Compose, check, then hand over to Hydra, which composes again for each job (several in a multirun)."""
    from sweep import compose

    overrides, config_dirs = _split_config_dirs(args)
    compose.prepare(config_dirs)
    if not any(arg in HYDRA_ONLY for arg in overrides):
        compose.compose_config(overrides)
    import hydra
    from hydra.core.hydra_config import HydraConfig

    typed = f"python -m sweep {shlex.join(args)}"

    @hydra.main(config_path=str(compose.conf_dir()), config_name=compose.PRIMARY, version_base="1.3")
    def job(cfg: "DictConfig") -> None:
        runtime = HydraConfig.get()
        try:
            composed = compose.finish(cfg, dict(runtime.runtime.choices), list(runtime.overrides.task))
            code = _run(composed, typed)
        except SweepError as err:  # Hydra would print it with a traceback and exit with 1
            errors.append(err)
            raise SystemExit(err.exit_code) from err
        if code:
            raise SystemExit(code)

    errors: list[SweepError] = []
    code = _with_argv([sys.argv[0], *overrides], job)
    if errors:
        raise errors[0]
    return code


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


def _split_config_dirs(args: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Overrides without ``--config-dir``, and its values: both composings search the same folders."""
    rest: list[str] = []
    found: list[Path] = []
    items = iter(args)
    for arg in items:
        if arg in ("--config-dir", "-cd"):
            found.append(Path(next(items, "")))
        elif arg.startswith("--config-dir="):
            found.append(Path(arg.partition("=")[2]))
        else:
            rest.append(arg)
    return rest, found


def _run(composed: "Composed", command: str) -> int:
    """Run the study; torch loads here, after the environment of its threads is set."""
    set_thread_environment(composed)
    from sweep.analysis.summary import summarise
    from sweep.report.console import Progress, print_closing
    from sweep.study.run import run_study

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
    """The report and the notes, as the study asks for them."""

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence

    def write(self, data: "StudyData", folder: Path) -> Path:
        """Write report.html and everything beside it."""
        from sweep.report.build import write_report

        return write_report(data, folder, self._confidence)

    def study_note(self, data: "StudyData") -> str:
        """Markdown for the study."""
        from sweep.analysis.summary import summarise
        from sweep.report.notes import study_note

        return study_note(summarise(data, self._confidence))

    def trial_note(self, study: "StudyRecord", record: "TrialRecord") -> str:
        """Markdown for a trial."""
        from sweep.records import StudyData
        from sweep.report.notes import trial_note

        return trial_note(StudyData(study=study, trials=[record], sessions=[], tests=[]), record)


def set_thread_environment(composed: "Composed") -> None:
    """Set what OpenMP reads when torch loads: waiting threads must sleep, or their spinning is charged as work."""
    trainer = composed.config.trainer
    if "torch" not in sys.modules:
        os.environ["OMP_WAIT_POLICY"] = trainer.wait_policy.upper()
        if trainer.threads is not None:
            os.environ["OMP_NUM_THREADS"] = str(trainer.threads)


if __name__ == "__main__":
    console()
