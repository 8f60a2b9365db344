"""``sweep report DIR``: rebuild the report of a study from its records, without torch."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweep.cli import Command
from sweep.errors import ConfigError

EXAMPLES = """\
options are written as for a study, and change what is claimed, not what was measured:
  sweep report DIR report.footprint.grid=DEU report.footprint.price_per_kwh=0.30
  sweep report DIR study.current={batch_size:64,lr:0.001} report.trainings_per_year=200
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
        from sweep.analysis.recommend import report_config
        from sweep.records.base import uncollected
        from sweep.report.build import write_report
        from sweep.report.json_report import to_dict
        from sweep.report.markdown import to_markdown
        from sweep.report.options import with_options
        from sweep.study.store import StudyStore

        with uncollected():  # millions of records, no garbage, and the process ends with its report
            with StudyStore.open_to_read(given.dir) as store:
                data = with_options(store.data(), options)
            confidence = report_config(data).confidence
            if given.format == "json":
                json.dump(to_dict(data, confidence), sys.stdout, indent=1, allow_nan=False)
                print()
            elif given.format == "md":
                print(to_markdown(data, confidence), end="")
            else:
                print(write_report(data, given.dir, confidence))
        return 0


def _parsed(options: Sequence[str]) -> dict[str, Any]:
    """Values by key, in Hydra's grammar."""
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
