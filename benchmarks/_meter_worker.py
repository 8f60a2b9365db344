"""One tool in one scene, in a process of its own: measures every window and writes what it found as JSON.

    python benchmarks/_meter_worker.py JOB

The fake driver is put in its place before any tool is imported. zeus polls boards without a counter in processes of its
own, which import this module again: they see the same boards. It polls as fast as it can, and hands samples on in
another thread, so there the fake driver sleeps ``CALL_S`` in each call, as a real one gives the interpreter lock away.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from _meter_scenes import PROCESSORS, Window, make_gpus, truths
from fakes.nvml import fake_nvml, no_nvml

CALL_S = 1e-4
PREPARE_S = 0.5
"""So long before a window, tools that need it are set up."""


class Job(NamedTuple):
    """What to do.

    Attributes:
        zero_s: of the scene, by ``time.monotonic``.
        roots: of the powercap trees, by row.
        folder: for the result and for an empty sysfs.
    """

    tool: str
    scene: str
    seed: int
    zero_s: float
    windows: list[Window]
    roots: dict[str, str]
    folder: str

    @property
    def file(self) -> Path:
        """Where this job, and later its result, is."""
        return Path(self.folder) / f"{self.tool} {self.scene}.json"

    def clock(self) -> float:
        """Seconds since the zero of the scene."""
        return time.monotonic() - self.zero_s


def read_job(path: Path) -> Job:
    """A job that was written as JSON."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Job(**{**data, "windows": [Window(*window) for window in data["windows"]]})


@contextlib.contextmanager
def driver(job: Job, call_s: float = 0.0) -> Iterator[None]:
    """The boards of the scene, or a machine without any; looking at a board takes ``call_s``."""

    def slow_clock() -> float:
        time.sleep(call_s)
        return job.clock()

    if job.scene == PROCESSORS:
        with no_nvml():
            yield
    else:
        gpus = make_gpus(job.scene, job.windows, job.seed)
        with fake_nvml(list(gpus.values()), clock=slow_clock if call_s else job.clock):
            yield


def measure(job: Job) -> list[dict[str, Any]]:
    """What the tool found of each row in each window, beside the truth."""
    from _meter_tool import Refused, Tool
    from _meter_tools import gpu_tools, tree_tools

    true = truths(job.scene, job.windows, job.seed)
    rows = list(true)
    tools: list[Tool]
    try:
        if job.scene == PROCESSORS:
            tools = tree_tools(job.tool, {name: Path(root) for name, root in job.roots.items()})
        else:
            tools = gpu_tools(job.tool, rows, Path(job.folder) / "empty")
    except Exception as err:  # what a tool cannot do is a result
        tools = [Refused(rows, err)]
    results = []
    try:
        for number, window in enumerate(job.windows):
            if job.clock() < window.start_s:
                found = _window(job, window, tools)
                results += found if number else []  # the first is for warming up
    finally:
        for tool in tools:
            with contextlib.suppress(Exception):
                tool.close()
    return [{**item, "truth_j": true[item["row"]].energy_j(item["start_s"], item["end_s"])} for item in results]


def _window(job: Job, window: Window, tools: list[Any]) -> list[dict[str, Any]]:
    """All rows of one window; each tool has its own beginning and end."""
    errors: dict[int, str] = {}

    def attempt(number: int, action: Callable[[], Any]) -> Any:
        if number in errors:
            return None
        try:
            return action()
        except Exception as err:  # as above
            errors[number] = type(err).__name__
            return None

    job_sleep(job, window.start_s - PREPARE_S)
    for number, tool in enumerate(tools):
        attempt(number, tool.prepare)
    job_sleep(job, window.start_s)
    starts, results = [], []
    for number, tool in enumerate(tools):
        attempt(number, tool.begin)
        starts.append(job.clock())
    length_s = round(window.end_s - window.start_s, 3)
    for number, tool in enumerate(tools):
        job_sleep(job, starts[number] + length_s)
        end_s = job.clock()
        found = attempt(number, tool.end) or {}
        for row in tool.rows:
            told = found[row]._asdict() if row in found else {"energy_j": None, "u_j": None, "polled_j": None}
            result = {"row": row, "length_s": length_s, "start_s": starts[number], "end_s": end_s, **told}
            results.append({**result, "error": errors.get(number, "")})
    return results


def job_sleep(job: Job, until_s: float) -> None:
    """Wait for a time of the scene."""
    time.sleep(max(until_s - job.clock(), 0.0))


def main(path: Path) -> None:
    job = read_job(path)
    with driver(job):
        job.file.with_suffix(".result.json").write_text(json.dumps(measure(job)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
elif __name__ == "__mp_main__":
    _driver = driver(read_job(Path(sys.argv[1])), CALL_S)
    _driver.__enter__()  # for the life of the process
