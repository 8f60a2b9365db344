"""What Optuna dashboard costs a study: notes, files and figures of trials and of the study.

    joules   a study of repeats of one setup, redrawn before every second trial: joules of each of these over those of
             the trial before it, which nothing was drawn for; beside it the same where nothing is drawn at all
    redraw   a study of so many generated trials: seconds to compute note and figures and to write them, seconds
             to write what is shown of one further trial, and bytes of the figures in the database

Limits: joules are modelled from CPU time here, so they show work that leaks into a trial's interval, and not heat.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from optuna.samplers import RandomSampler

from benchmarks._generated import generated
from benchmarks._generated_store import write_store
from benchmarks._paired import machine
from sweep.__main__ import Reports
from sweep.records import StudyData
from sweep.study.store import StudyStore

ROOT = Path(__file__).parents[1]
STUDY = "study"
SECOND = (
    "from itertools import count; from sweep.study.board import Board; ended = count();"
    "Board.keep_current = lambda board: next(ended) % 2 == 0 and board.redraw()"
)
NEVER = "from sweep.study.board import Board; Board.keep_current = lambda board: None"
RUN = "import sys; from sweep.__main__ import main; sys.exit(main(sys.argv[1:]))"
OVERRIDES = (
    "+experiment=pamap2_baseline",
    "search.space.batch_size=[256]",
    "search.space.lr=[0.001]",
    "trainer.max_epochs=3",
    "trainer.patience=3",
)


def study(prelude: str, folder: Path, overrides: list[str]) -> StudyData:
    """A study in a process of its own, with the product changed by ``prelude``."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", f"{prelude}; {RUN}", *overrides, f"study.dir={folder}"]
    subprocess.run(command, check=True, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with StudyStore.open_to_read(folder) as store:
        return store.data()


def joules(n_pairs: int, overrides: list[str]) -> None:
    """Print ratios of joules of neighbouring trials, the later one drawn for, and where nothing is drawn."""
    print("\n| drawn before | joules of a trial over those of the one before | quartiles | pairs |\n|---|---|---|---|")
    for name, prelude in (("every second trial", SECOND), ("none", NEVER)):
        with tempfile.TemporaryDirectory() as folder:
            data = study(prelude, Path(folder), [*overrides, f"study.repeats={2 * n_pairs + 3}"])
        spent = [trial.energy_j for trial in sorted(data.trials, key=lambda trial: trial.number)][2:]
        ratios = [after / before for before, after in zip(spent[::2], spent[1::2], strict=False) if after and before]
        first, median, third = statistics.quantiles(ratios, n=4)
        print(f"| {name} | {median:.3f} | {first:.3f} to {third:.3f} | {len(ratios)} |", flush=True)


def redraw(n: int) -> None:
    """Print a row: what it takes to show a study of ``n`` trials."""
    with tempfile.TemporaryDirectory() as name:
        folder, reports, data = Path(name) / STUDY, Reports(confidence=0.95), generated(n)
        write_store(data, folder)
        with StudyStore.create(folder, data.study.name, data.study.quality_name) as store:
            store.study.sampler = RandomSampler(seed=0)
            trial = store.study.ask()
            start_s = time.perf_counter()
            view = reports.study_view(data)
            drawn_s = time.perf_counter()
            store.show(view)
            shown_s = time.perf_counter()
            further = msgspec.structs.replace(data.trials[-1], number=trial.number)
            store.save_trial(trial, further, reports.trial_view(data.study, further))
            end_s = time.perf_counter()
    size = sum(len(drawing.json) for drawing in view.drawings)
    cells = (f"{drawn_s - start_s:.2f}", f"{shown_s - drawn_s:.2f}", f"{end_s - shown_s:.2f}", f"{size / 1000:.0f} kB")
    print(f"| {n:,} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--trials", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("overrides", nargs="*", help="another study than the default for the joules")
    options = parser.parse_args()
    print(f"\n### Optuna dashboard\n\n`python benchmarks/dashboard.py` on {machine()}")
    if options.pairs:
        joules(options.pairs, options.overrides or list(OVERRIDES))
    print("\n| trials | analyse and draw, s | write, s | one further trial, s | figures |")
    print("|---|---|---|---|---|")
    for n in options.trials:
        redraw(n)


if __name__ == "__main__":
    main()
