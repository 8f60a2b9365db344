"""What Optuna dashboard costs a study: notes, files and figures of trials and of the study.

    joules   the same study with everything that is shown, redrawn after *every* trial, against one that shows nothing;
             in turn, whole processes; joules of the trials, setup by setup, and the search's overhead
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
from sweep.records import StudyData, total_j
from sweep.study.store import StudyStore

ROOT = Path(__file__).parents[1]
STUDY = "study"
ALWAYS = "from sweep.study import board; board.SHARE = 1e9"
NEVER = (
    "from sweep.observer import StudyView, TrialView; from sweep.__main__ import Reports;"
    "Reports.study_view = lambda *a: StudyView(''); Reports.trial_view = lambda *a: TrialView('')"
)
RUN = "import sys; from sweep.__main__ import main; sys.exit(main(sys.argv[1:]))"
OVERRIDES = (
    "+experiment=pamap2_baseline",
    "search.space.batch_size=[256,1024,4096]",
    "search.space.lr=[0.001]",
    "trainer.max_epochs=3",
    "trainer.patience=3",
    "study.repeats=2",
)


def study(prelude: str, folder: Path, overrides: list[str]) -> StudyData:
    """A study in a process of its own, with the product changed by ``prelude``."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", f"{prelude}; {RUN}", *overrides, f"study.dir={folder}"]
    subprocess.run(command, check=True, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with StudyStore.open_to_read(folder) as store:
        return store.data()


def joules(rounds: int, overrides: list[str]) -> None:
    """Print ratios of trials' joules, shown over not shown, and the overhead of each."""
    ratios, overhead = [], {ALWAYS: [], NEVER: []}
    for round_ in range(rounds):
        found = {}
        for prelude in (ALWAYS, NEVER) if round_ % 2 == 0 else (NEVER, ALWAYS):
            with tempfile.TemporaryDirectory() as folder:
                found[prelude] = data = study(prelude, Path(folder), overrides)
            overhead[prelude].append(_overhead_j(data) / len(data.trials))
        pairs = zip(found[ALWAYS].trials, found[NEVER].trials, strict=True)
        ratios += [a.energy_j / b.energy_j for a, b in pairs if a.energy_j and b.energy_j]
    shown, not_shown = (statistics.median(overhead[prelude]) for prelude in (ALWAYS, NEVER))
    print("\n| joules of a trial, shown over not shown | overhead a trial, shown | overhead a trial, not shown |")
    print("|---|---|---|")
    spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}, n = {len(ratios)})"
    print(f"| {spread} | {shown:.2f} J | {not_shown:.2f} J |")


def _overhead_j(data: StudyData) -> float:
    (session,) = data.sessions
    additive = [domain.name for domain in data.study.domains if domain.additive]
    parts = (session.energy_j, session.trials_j, session.test_j)
    whole, trials, test = (total_j(part[name] for name in additive) or 0.0 for part in parts)
    return whole - trials - test


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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, nargs="*", default=[10, 100, 1000, 10_000])
    parser.add_argument("overrides", nargs="*", help="another study than the default for the joules")
    options = parser.parse_args()
    print(f"\n### Optuna dashboard\n\n`python benchmarks/dashboard.py` on {machine()}")
    if options.rounds:
        joules(options.rounds, options.overrides or list(OVERRIDES))
    print("\n| trials | analyse and draw, s | write, s | one further trial, s | figures |")
    print("|---|---|---|---|---|")
    for n in options.trials:
        redraw(n)


if __name__ == "__main__":
    main()
