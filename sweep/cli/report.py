"""``sweep report DIR``: rebuild the report of a study from its records, without torch."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sweep.cli import Command


class Report(Command):
    """Rebuild ``report.html`` and its tables, or print the report as JSON."""

    help = "rebuild the report of a study from its records"

    def run(self, args: Sequence[str]) -> int:
        """Parse and build."""
        parser = argparse.ArgumentParser(prog="sweep report", description=self.help)
        parser.add_argument("dir", type=Path, help="folder of a study, e.g. reports/pamap2-synthetic")
        parser.add_argument("--format", choices=("html", "json"), default="html", help="json goes to standard output")
        options = parser.parse_args(args)
        from sweep.report.build import write_report
        from sweep.report.json_report import to_dict
        from sweep.study.store import StudyStore

        with StudyStore.open_to_read(options.dir) as store:
            data = store.data()
        confidence = float(data.study.config["report"]["confidence"])
        if options.format == "json":
            json.dump(to_dict(data, confidence), sys.stdout, indent=1)
            print()
        else:
            print(write_report(data, options.dir, confidence))
        return 0
