"""The benchmark of meters: its scenes, whose power is known, and its tables."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.power import ramp

from benchmarks._meter_scenes import (
    COUNTERS,
    HIGH_W,
    IDLE_W,
    LATE_S,
    LENGTHS,
    NO_COUNTER,
    PROCESSORS,
    REST_S,
    WARM_UP_S,
    Window,
    idle_after_load,
    make_gpus,
    make_trees,
    repeated,
    schedule,
    truths,
)
from benchmarks._meter_tables import Result, cell, coverage_line, covered, error_table, group_of, percent, polled

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "meters.py"


def result(energy_j: float | None, u_j: float | None = None, **fields: object) -> Result:
    """One window of 1 s in which 100 J were spent."""
    known = {"row": "a row", "length_s": 1.0, "start_s": 0.0, "end_s": 1.0, "polled_j": None, "error": "", **fields}
    return Result(energy_j=energy_j, u_j=u_j, truth_j=100.0, **known)  # type: ignore[arg-type]


def test_windows_are_those_asked_for_after_one_to_warm_up() -> None:
    windows = schedule({0.33: 3, 5.06: 1}, seed=1, lead_s=2.0)
    assert [windows[0].start_s, windows[0].end_s] == [2.0, 2.0 + WARM_UP_S]
    lengths = sorted(round(window.end_s - window.start_s, 9) for window in windows[1:])
    assert lengths == [0.33, 0.33, 0.33, 5.06]
    rests = [after.start_s - before.end_s for before, after in itertools.pairwise(windows)]
    assert min(rests) >= REST_S
    assert len(set(rests)) == len(rests), "windows that always meet the ticks at the same phase prove little"


def test_no_window_is_a_whole_number_of_ticks() -> None:
    for lengths in LENGTHS.values():
        for length_s in lengths:
            assert length_s * 10 != pytest.approx(round(length_s * 10)), "errors at both ends would cancel"


def test_a_repeated_ramp_has_its_mean_power_in_whole_periods_and_its_own_within_one() -> None:
    power = repeated(ramp(100.0, 300.0, 4.0), 4.0)
    assert power.energy_j(1.3, 1.3 + 8.0) == pytest.approx(8.0 * 200.0)
    assert power.energy_j(8.0, 9.0) == pytest.approx(125.0)


def test_a_board_is_idle_in_the_windows_and_busy_between() -> None:
    power = idle_after_load([Window(1.0, 2.0), Window(4.0, 6.0)])
    assert power.energy_j(1.0, 2.0) == pytest.approx(IDLE_W)
    assert power.energy_j(2.0 + LATE_S, 4.0) == pytest.approx(HIGH_W * (2.0 - LATE_S))
    assert power.energy_j(4.0, 6.0 + LATE_S) == pytest.approx(IDLE_W * (2.0 + LATE_S))


def test_every_process_sees_the_same_boards() -> None:
    windows = schedule(LENGTHS[COUNTERS], seed=3)
    one, other = (make_gpus(COUNTERS, windows, 3) for _ in range(2))
    assert [gpu.counter_mj(33.3) for gpu in one.values()] == [gpu.counter_mj(33.3) for gpu in other.values()]
    assert len({gpu.uuid for gpu in one.values()}) == len(one)
    later = make_gpus(COUNTERS, windows, 4)
    assert [gpu.phase_s for gpu in later.values()] != [gpu.phase_s for gpu in one.values()]


@pytest.mark.parametrize("scene", [COUNTERS, NO_COUNTER])
def test_the_sensor_counts_the_truth_up_to_a_tick(scene: str) -> None:
    windows = schedule(LENGTHS[scene], seed=0)
    true = truths(scene, windows, 0)
    for name, gpu in make_gpus(scene, windows, 0).items():
        if not gpu.counter_sums_samples:
            shown_j = (gpu.counter_mj(31.0) - gpu.counter_mj(26.0)) * 1e-3
            assert shown_j == pytest.approx(true[name].energy_j(26.0, 31.0), abs=1.01 * HIGH_W * gpu.sensor.tick_s)


def test_the_truth_of_a_processor_is_each_package_once() -> None:
    true, trees = truths(PROCESSORS, [], 0), make_trees()
    dies = trees["two dies, one counter"]
    assert true["two dies, one counter"].mean_w(0.0, 10.0) == pytest.approx(dies.powers["0"].mean_w(0.0, 10.0))
    assert true["two sockets, 10 ms square wave"].mean_w(0.0, 10.0) == pytest.approx(75.0 + 45.0)
    assert true["laptop: psys, core, uncore, MMIO"].mean_w(0.0, 10.0) == pytest.approx(18.0)


def test_a_cell_has_the_median_magnitude_and_the_worst_error() -> None:
    assert cell([result(101.0), result(98.0), result(110.0)]) == "2.0 (+10.0)"
    assert cell([result(100.0), result(-9900.0)]) == "5000 (-10000)"


def test_a_cell_says_what_happened_instead() -> None:
    assert cell([]) == ""
    assert cell([result(0.0), result(0.0)]) == "0 J"
    assert cell([result(None, error="TypeError")]) == "raises TypeError"
    assert cell([result(None)]) == "not told"
    assert cell([result(None, error="ModuleNotFoundError")]) == "not installed"
    assert cell([result(99.0), result(None, error="OSError")]) == "1.0 (-1.0), 1 of 2 not told"


@pytest.mark.parametrize(("value", "text"), [(0.0123, "1.2"), (-0.9949, "-99.5"), (31.2, "3120"), (0.0, "0.0")])
def test_percent(value: float, text: str) -> None:
    assert percent(value) == text


def test_coverage_counts_windows_within_twice_the_uncertainty() -> None:
    results = [result(103.9, 2.0), result(104.1, 2.0), result(95.9, 2.0), result(None), result(100.0)]
    assert covered(results) == (1, 3)
    assert coverage_line(results) == "1 of 3 (33 %)"
    assert coverage_line([result(100.0)]) == "none stated"


def test_equation_1_takes_the_place_of_the_joules() -> None:
    assert [r.energy_j for r in polled([result(99.0, 1.0, polled_j=120.0), result(99.0)])] == [120.0]


def test_windows_are_grouped_by_the_longest_group_that_they_reach() -> None:
    assert [group_of(length_s, (0.33, 5.06)) for length_s in (0.33, 1.04, 5.06, 10.07)] == [0.33, 0.33, 5.06, 5.06]


def test_a_table_has_a_line_for_each_row_and_length_and_a_column_for_each_tool() -> None:
    found = {
        "ours": [result(99.0, 1.0), result(102.0, 1.0, length_s=5.0, polled_j=80.0)],
        "other": [result(50.0), result(None, length_s=5.0, error="OSError")],
    }
    lines = error_table(found, "ours", (1.0, 5.0), "board").splitlines()
    assert lines[0] == "| board | s | ours | covers | equation 1 | other |"
    assert lines[2:] == [
        "| a row | 1 | 1.0 (-1.0) | 1/1 |  | 50.0 (-50.0) |",
        "| a row | 5 | 2.0 (+2.0) | 1/1 | 20.0 (-20.0) | raises OSError |",
    ]


@pytest.mark.slow
def test_the_benchmark_runs_and_ours_tells_every_row() -> None:
    command = [sys.executable, str(BENCHMARK), "--quick", "--scene", PROCESSORS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    errors = {cells[0].removeprefix("| "): cells[2] for cells in lines if len(cells) > 6}
    assert set(errors) >= make_trees().keys()
    for name in make_trees():
        assert "(" in errors[name], f"{name}: {errors[name]}"
    assert "Poller of `auto`" in done.stdout
