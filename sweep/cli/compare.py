"""``sweep compare A B``: the same experiment on two machines, side by side, from the records alone.

    sweep compare reports/pamap2-gpu reports/pamap2-laptop              writes reports/pamap2-gpu-and-pamap2-laptop/
    sweep compare reports/a reports/b --out DIR                         writes DIR/comparison.html
    sweep compare reports/a reports/b --format json                     prints what ``sweep.report.comparison`` tells of

Needs no torch.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from sweep.cli import Command
from sweep.errors import StudyError


class Compare(Command):
    """Compare two studies of one experiment."""

    help = "compare two studies of one experiment, e.g. on two machines"

    def run(self, args: Sequence[str]) -> int:
        """Parse, compare and write.

        Raises:
            StudyError: if a folder holds no study, or the two are not of one experiment.
        """
        parser = argparse.ArgumentParser(prog="sweep compare", description=self.help)
        parser.add_argument("a", type=Path, metavar="A", help="folder of a study, e.g. reports/pamap2-gpu")
        parser.add_argument("b", type=Path, metavar="B", help="folder of the other")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where to write; default: a folder beside A")
        parser.add_argument("--format", choices=("html", "json"), default="html", help="json goes to standard output")
        options = parser.parse_args(args)
        if options.a.resolve() == options.b.resolve():
            raise StudyError(f"{options.a} and {options.b} are one study", "give the folders of two")
        from sweep.analysis.comparing.comparison import compare_studies
        from sweep.report.comparison import comparison_dict, write_comparison
        from sweep.study.store import StudyStore

        with StudyStore.open_to_read(options.a) as first, StudyStore.open_to_read(options.b) as second:
            studies = first.data(), second.data()
        found = compare_studies(*studies, confidence=float(studies[0].study.config["report"]["confidence"]))
        if options.format == "json":
            json.dump(comparison_dict(found), sys.stdout, indent=1)
            print()
        else:
            folder = options.out or options.a.parent / f"{options.a.resolve().name}-and-{options.b.resolve().name}"
            command = shlex.join(["python", "-m", "sweep", "compare", str(options.a), str(options.b)])
            print(write_comparison(found, folder, command))
        return 0
