"""The report of large studies: how long it takes to rebuild, how large it is, and how soon a browser shows it.

Studies of ``_generated`` with 100, 1,000 and 10,000 trials, each of 50 epochs and 20 layers:

    sweep report DIR      the whole command: start, reading the store, analyses, page and tables; large studies in two
                          processes (``sweep.cli.report``), whose CPU seconds are added, and of whose memory the larger
                          is told
    one process           analyses, page and tables one after the other, in a process that holds the records already;
                          more than the command where that takes two
    first paint           Chromium's first-contentful-paint of the file, and when the first chart stands in the page

Growth is the time over that of the study a tenth as large, less the time of a study of one trial (start and imports).
Limits: the file was just written, so it is read from memory; a browser that is already open paints sooner.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from benchmarks._generated import generated
from benchmarks._generated_store import write_store
from benchmarks._paired import Cost, machine
from sweep.report.build import write_report

ROOT = Path(__file__).parents[1]
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH = """
const look = () => document.querySelector(".main-svg") ? (window.drawnAt = performance.now()) : setTimeout(look, 10);
look();
"""
COLUMNS = (
    "trials",
    "`sweep report` s",
    "CPU s",
    "growth",
    "memory MB",
    "one process, records in memory, s",
    "first paint s",
    "first chart s",
    "report.html MB",
    "tables MB",
)
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


class Paint(NamedTuple):
    """Seconds from opening the file."""

    first_s: float
    chart_s: float


class Result(NamedTuple):
    """Of one size of study, over all rounds."""

    n_trials: int
    command: list[Cost]
    memory_bytes: int
    analyse: list[Cost]
    paint: list[Paint]
    sizes: dict[str, int]


def command_cost(folder: Path) -> tuple[Cost, int]:
    """Seconds of ``sweep report``, a process of its own, and the bytes of memory that it touched."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "sweep", "report", str(folder)]
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - start), used.ru_maxrss * 1024


def write(n_trials: int, folder: Path) -> None:
    """Write the study in a process of its own: a child's memory is counted from that of the process that starts it."""
    subprocess.run([sys.executable, __file__, "--write", str(n_trials), "--folder", str(folder)], check=True, env=ENV)


def analysis_cost(n_trials: int, folder: Path) -> Cost:
    """Seconds of analyses, page and tables, in a process of its own that makes the records first."""
    command = [sys.executable, __file__, "--analyse", str(n_trials), "--folder", str(folder)]
    done = subprocess.run(command, check=True, env=ENV, stdout=subprocess.PIPE, text=True)
    return Cost(*(float(item) for item in done.stdout.split()))


def analyse(n_trials: int, folder: Path) -> None:
    data = generated(n_trials)
    cpu, wall = time.process_time(), time.perf_counter()
    write_report(data, folder)
    print(time.process_time() - cpu, time.perf_counter() - wall)


def paint(browser: Browser, report: Path) -> Paint:
    """Open a report in a tab of its own."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WATCH)
    page.goto(report.as_uri())
    page.wait_for_function("window.drawnAt", timeout=60_000)
    found = Paint(page.evaluate(PAINTED) / 1000.0, page.evaluate("window.drawnAt") / 1000.0)
    page.close()
    return found


def measure(n_trials: int, rounds: int, browser: Browser) -> Result:
    """All numbers of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        write(n_trials, folder)
        command, memory = zip(*(command_cost(folder) for _ in range(rounds)), strict=True)
        paints = [paint(browser, folder / "report.html") for _ in range(rounds)]
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.suffix in (".html", ".csv", ".db")}
        analysed = [analysis_cost(n_trials, folder) for _ in range(rounds)]
    return Result(n_trials, list(command), max(memory), analysed, paints, sizes)


def spread(values: list[float]) -> str:
    """Median, and the range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(results: list[Result], floor_s: float) -> str:
    """Markdown: a row for each size."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    before: Result | None = None
    for item in results:
        tables = sum(size for name, size in item.sizes.items() if name.endswith(".csv"))
        cells = (
            f"{item.n_trials:,}",
            spread([cost.wall_s for cost in item.command]),
            f"{statistics.median(cost.cpu_s for cost in item.command):.2f}",
            "" if before is None else f"{growth(item, before, floor_s):.1f}",
            f"{item.memory_bytes / 1e6:.0f}",
            spread([cost.wall_s for cost in item.analyse]),
            spread([found.first_s for found in item.paint]),
            spread([found.chart_s for found in item.paint]),
            f"{item.sizes['report.html'] / 1e6:.2f}",
            f"{tables / 1e6:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
        before = item
    return "\n".join(lines)


def growth(item: Result, before: Result, floor_s: float) -> float:
    """Time over that of the smaller study, both less that of a study of one trial."""
    now, then = (statistics.median(cost.wall_s for cost in result.command) - floor_s for result in (item, before))
    return now / then


def floor(rounds: int) -> float:
    """Seconds of ``sweep report`` for a study of one trial."""
    with tempfile.TemporaryDirectory() as name:
        write(1, Path(name) / "study")
        return statistics.median(command_cost(Path(name) / "study")[0].wall_s for _ in range(rounds))


def with_browser(work: Callable[[Browser], list[Result]]) -> list[Result]:
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            return work(browser)
        finally:
            browser.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--analyse", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.analyse is not None:
        analyse(options.analyse, options.folder)
        return
    if options.write is not None:
        write_store(generated(options.write), options.folder)
        return
    floor_s = floor(options.rounds)
    found = with_browser(lambda browser: [measure(n, options.rounds, browser) for n in options.trials])
    print(
        f"\n### The report of large studies\n\n`python {' '.join(sys.argv)}` on {machine()}; {options.rounds} rounds\n"
    )
    print(f"A study of one trial takes {floor_s:.2f} s.\n")
    print(table(found, floor_s))


if __name__ == "__main__":
    main()
