"""``sweep report DIR``: rebuild the report of a study from its records, without torch."""

import argparse
import gc
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.cli import AtOnce, Command
from sweep.errors import ConfigError

if TYPE_CHECKING:
    from sweep.analysis.drift import Drift
    from sweep.beside import Held
    from sweep.records import StudyData
    from sweep.study.record_file import RecordFile

MANY_FILES = 2000
"""From so many artifacts on (of a trial its record, and what Optuna dashboard shows), a second process that writes the
tables saves more time than it takes to start."""

EXAMPLES = """\
options are written as for a study, and change what is claimed, not what was measured:
  sweep report DIR report.footprint.grid=DEU report.footprint.price_per_kwh=0.30
  sweep report DIR 'study.current={batch_size:64,lr:0.001}' report.trainings_per_year=200
"""


class Report(Command):
    """Rebuild ``report.html`` and its tables, or print the report as Markdown or JSON."""

    help = "rebuild the report of a study from its records"

    def run(self, args: Sequence[str]) -> int:
        """Parse and build.

        Raises:
            StudyError: if the folder holds no study.
            ConfigError: if an option cannot be read, or is none of a report.
        """
        parser = argparse.ArgumentParser(
            prog="sweep report",
            description=self.help,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("dir", type=Path, help="folder of a study, e.g. reports/pamap2-synthetic")
        parser.add_argument(
            "options", nargs="*", metavar="report.KEY=VALUE", help="another option of the report, or study.current=..."
        )
        parser.add_argument(
            "--format", choices=("html", "md", "json"), default="html", help="md and json go to standard output"
        )
        given = parser.parse_intermixed_args(list(args))
        options = _parsed(given.options)
        from sweep.records.base import uncollected

        with uncollected():  # millions of records, and no garbage
            if given.format == "html":
                return _write(given.dir, options)
            _print(given.dir, options, given.format)
            return 0


def _write(folder: Path, options: dict[str, Any]) -> int:
    """Write report and tables; the exit code."""
    if _is_large(folder):
        return _write_beside(folder, options)
    from sweep.report.build import write_report
    from sweep.study.store import StudyStore

    with StudyStore.open_to_read(folder) as store:
        data, confidence = _data(store.data(), options)
        print(write_report(data, folder, confidence))
    return 0


def _is_large(folder: Path) -> bool:
    artifacts = folder / "artifacts"
    return artifacts.is_dir() and sum(1 for _ in artifacts.iterdir()) >= MANY_FILES


def _write_beside(folder: Path, options: dict[str, Any]) -> AtOnce:
    """Write the tables in a second process, which starts while this one finds out where the records are."""
    from sweep.beside import beside

    with beside(__name__, "sweep.report.table_files", "sweep.analysis.drift") as second:
        from sweep.study.store import StudyStore

        with StudyStore.open_to_read(folder) as store:
            data, confidence = _data(store.data_without_trials(), options)
            steps = second.run(write_tables_of, data, folder, store.record_files(), confidence)
            from sweep.report.build import write_page

            data, confidence = _data(store.data_without_layers(milestones=True), options)
            page = write_page(data, folder, confidence, steps)
    print(page)
    gc.freeze()  # no garbage that is worth a look now
    return AtOnce(0, data)


def write_tables_of(
    data: "StudyData", folder: Path, files: "Sequence[RecordFile]", confidence: float
) -> "Held[Drift | None]":
    """Read the records of a study one by one, write its tables, and find what they take the longest to tell.

    Args:
        data: the study without trials.
        folder: where to.
        files: where the records are.
        confidence: two-sided level of the test.

    Returns:
        The drift of the energy per step, and what was read for it.

    Raises:
        RecordError: if one is missing or damaged.
        StudyError: if the folder cannot be written to.
    """
    from sweep.analysis.drift import SeenSteps
    from sweep.beside import Held
    from sweep.report.table_files import write_rows, write_trials

    seen = SeenSteps(data)
    write_rows(data, folder, (seen.add(file.read_without_shapes()) for file in files))
    write_trials(seen.data(), folder)
    return Held(seen.drift(confidence), seen)


def _print(folder: Path, options: dict[str, Any], form: str) -> None:
    from sweep.report.json_report import to_dict
    from sweep.report.markdown import to_markdown
    from sweep.study.store import StudyStore

    with StudyStore.open_to_read(folder) as store:
        data, confidence = _data(store.data_without_layers(), options)
    if form == "json":
        json.dump(to_dict(data, confidence), sys.stdout, indent=1, allow_nan=False)
        print()
    else:
        print(to_markdown(data, confidence), end="")


def _data(data: "StudyData", options: dict[str, Any]) -> tuple["StudyData", float]:
    """The study with other options, and the level of its intervals."""
    from sweep.analysis.report_config import report_config
    from sweep.report.options import with_options

    changed = with_options(data, options)
    return changed, report_config(changed).confidence


def _parsed(options: Sequence[str]) -> dict[str, Any]:
    """Values by key, in Hydra's grammar."""
    if not options:
        return {}
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    found = {}
    for option in options:
        try:
            parsed = parser.parse_override(option)
        except HydraException as err:
            raise ConfigError(f"{option} cannot be read", "write report.KEY=VALUE; quote spaces and braces") from err
        if parsed.is_delete() or parsed.is_sweep_override():
            raise ConfigError(f"{option} is no single value", "write report.KEY=VALUE")
        found[parsed.key_or_group] = parsed.value()
    return found
