"""Faults from the sensor to the joules: real meters under a real recorder, fake sensors whose true power is known.

Each test ends in joules that are right within their own uncertainty, or in an error that is clear. In three of them a
network trains meanwhile; its weights must come out as if nobody had measured.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pynvml
import pytest
import torch
from clocks import FakeTime
from counting import until
from energy.stand import EVERY_S, Stand, on_stand
from fakes.nvml import HOPPER, PASCAL, FakeGpu, fake_nvml, no_nvml
from fakes.power import constant, steps
from fakes.powercap import AMD_RANGE_J, FakePowercap, epyc, intel
from torch import nn

from sweep.energy.meters.auto import AutoMeter
from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.meters.rapl import RaplMeter
from sweep.energy.recorder import Recorder
from sweep.errors import MeterError
from sweep.records import DomainEnergy, Provenance

PACKAGE_W, DRAM_W, GPU_W = 100.0, 10.0, 200.0
POWERS = {"0": constant(PACKAGE_W), "0:0": constant(60.0), "0:1": constant(DRAM_W)}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(1000.0)


@pytest.fixture
def tree(tmp_path: Path) -> FakePowercap:
    return intel(tmp_path, start_j=5000.0)


@pytest.fixture
def rapl(tree: FakePowercap, clock: FakeTime) -> Iterator[Stand]:
    with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, lambda now_s: tree.sync(now_s, POWERS)) as stand:
        yield stand


def train(pass_time: Callable[[], None], count: int = 40) -> list[float]:
    """Train a small network, with a moment of time after each step; returns its weights."""
    torch.manual_seed(0)
    inputs, targets = torch.randn(64, 4), torch.randint(0, 2, (64,))
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(count):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        pass_time()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).tolist()


UNMEASURED = train(lambda: None)


def assert_right(found: DomainEnergy, truth_j: float, *, coverage: float = 2.0) -> None:
    """Joules are there, and right within their random uncertainty."""
    assert found.energy_j is not None
    assert found.u_random_j is not None
    assert abs(found.energy_j - truth_j) <= coverage * found.u_random_j
    assert found.energy_j > 0.0


def plain_u_j(energy_j: float) -> float:
    """Random uncertainty of RAPL joules without any fault."""
    return 0.02 * energy_j


class TestRapl:
    @pytest.mark.fault("no fault", "the joules are right, nothing is marked, nothing is said")
    def test_nothing_happens(self, rapl: Stand) -> None:
        rapl.pass_time(30.0)
        for name, power_w in (("package:0", PACKAGE_W), ("dram:0", DRAM_W)):
            found = rapl.joules(name)
            assert found.energy_j == pytest.approx(30.0 * power_w, rel=1e-3)
            assert found.gap_s == 0.0
        assert rapl.warnings == []

    @pytest.mark.fault("RAPL counter wraps within a trial", "the joules are right, no uncertainty is added")
    def test_one_wrap(self, tmp_path: Path, clock: FakeTime) -> None:
        tree = epyc(tmp_path)
        tree.set_counter("0", AMD_RANGE_J - 1000.0)
        powers = {"0": constant(PACKAGE_W)}
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, lambda now_s: tree.sync(now_s, powers)) as stand:
            stand.pass_time(30.0)
            found = stand.joules("package:0")
        assert found.energy_j == pytest.approx(3000.0, rel=1e-3)
        assert found.u_random_j == pytest.approx(plain_u_j(3000.0), rel=0.1)
        assert stand.warnings == []

    @pytest.mark.fault(
        "process suspended so long that a counter wraps twice", "the likeliest number of wraps; uncertainty raised"
    )
    def test_two_wraps_while_suspended(self, tmp_path: Path, clock: FakeTime) -> None:
        tree = epyc(tmp_path)
        powers = {"0": constant(PACKAGE_W)}
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, lambda now_s: tree.sync(now_s, powers)) as stand:
            stand.pass_time(20.0)
            stand.suspend(1500.0)
            stand.pass_time(20.0)
            found = stand.joules("package:0")
        truth_j = 1540.0 * PACKAGE_W
        assert found.energy_j == pytest.approx(truth_j, rel=1e-3)
        assert found.u_random_j is not None
        assert found.u_random_j > 3.0 * plain_u_j(truth_j)
        assert found.gap_s == pytest.approx(1500.0)
        assert "wrapped" in stand.warnings[0]

    @pytest.mark.fault("process suspended for 10 min", "the counter went on: the joules are right")
    def test_suspended_for_less_than_a_wrap(self, rapl: Stand) -> None:
        rapl.pass_time(10.0)
        rapl.suspend(600.0)
        rapl.pass_time(10.0)
        assert rapl.joules("package:0").energy_j == pytest.approx(620.0 * PACKAGE_W, rel=1e-3)

    @pytest.mark.fault(
        "RAPL counters start anew while a network trains", "bridged, uncertainty raised; the training is unbroken"
    )
    def test_a_reset_beside_a_training(self, rapl: Stand, tree: FakePowercap) -> None:
        rapl.at(2.0, lambda: [tree.set_counter(address, 0.0) for address in ("0", "0:1")])
        weights = train(lambda: rapl.pass_time(EVERY_S))
        assert weights == UNMEASURED
        for name, power_w in (("package:0", PACKAGE_W), ("dram:0", DRAM_W)):
            found = rapl.joules(name)
            assert_right(found, 4.0 * power_w)
            assert found.gap_s > 0.0
            assert found.u_random_j is not None
            assert found.u_random_j > plain_u_j(4.0 * power_w)
        assert sum("started anew" in warning for warning in rapl.warnings) == 2

    @pytest.mark.fault("RAPL counter stands still for 20 s and catches up", "the joules are right")
    def test_a_stuck_counter_that_catches_up(self, tree: FakePowercap, clock: FakeTime) -> None:
        held: list[bool] = []
        sync = lambda now_s: None if held else tree.sync(now_s, POWERS)  # noqa: E731
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, sync) as stand:
            stand.at(10.0, lambda: held.append(True))
            stand.at(30.0, held.clear)
            stand.pass_time(40.0)
            found = stand.joules("package:0")
            within = stand.recorder.energy(stand.start_s + 15.0, stand.start_s + 25.0)["package:0"]
        assert found.energy_j == pytest.approx(40.0 * PACKAGE_W, rel=1e-3)
        assert_right(within, 10.0 * PACKAGE_W)
        assert within.gap_s == pytest.approx(10.0)

    @pytest.mark.fault(
        "RAPL counter stands still for 20 s and loses the joules", "half of them are added, uncertainty raised"
    )
    def test_a_stuck_counter_that_lost_joules(self, tree: FakePowercap, clock: FakeTime) -> None:
        still = POWERS | {"0": steps((0.0, PACKAGE_W), (1010.0, 0.0), (1030.0, PACKAGE_W))}
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, lambda now_s: tree.sync(now_s, still)) as stand:
            stand.pass_time(40.0)
            found = stand.joules("package:0")
        assert_right(found, 40.0 * PACKAGE_W)
        assert found.u_random_j is not None
        assert found.u_random_j > 5.0 * plain_u_j(40.0 * PACKAGE_W)
        assert "stood still" in stand.warnings[0]

    @pytest.mark.fault("RAPL counter never moves", "its joules are unknown, never 0; the other domains count")
    def test_a_dead_counter_beside_a_living_one(self, tree: FakePowercap, clock: FakeTime) -> None:
        alive = {"0": POWERS["0"]}
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, lambda now_s: tree.sync(now_s, alive)) as stand:
            stand.pass_time(20.0)
            assert stand.joules("dram:0").energy_j is None
            assert stand.joules("package:0").energy_j == pytest.approx(20.0 * PACKAGE_W, rel=1e-3)

    @pytest.mark.fault("one RAPL reading negative, huge or no number", "left out; the joules are right")
    @pytest.mark.parametrize("shown", ["-17", "99999999999999", "0", "garbage"])
    def test_one_wild_reading(self, rapl: Stand, tree: FakePowercap, shown: str) -> None:
        rapl.at(10.0, lambda: tree.zones["0"].write(shown))
        rapl.pass_time(20.0)
        found = rapl.joules("package:0")
        assert found.energy_j == pytest.approx(20.0 * PACKAGE_W, rel=1e-3)
        assert found.gap_s == pytest.approx(2 * EVERY_S)

    @pytest.mark.fault(
        "RAPL counter jumps, up or down, and goes on from there", "the jump is not counted: bridged, uncertainty raised"
    )
    @pytest.mark.parametrize("to_j", [200_000.0, 100.0])
    def test_a_lasting_jump(self, rapl: Stand, tree: FakePowercap, to_j: float) -> None:
        rapl.at(10.0, lambda: tree.set_counter("0", to_j))
        rapl.pass_time(20.0)
        found = rapl.joules("package:0")
        assert_right(found, 20.0 * PACKAGE_W)
        assert 0.0 < found.gap_s < 1.0
        assert len(rapl.warnings) == 1

    @pytest.mark.fault("permission to read RAPL withdrawn within a trial", "open files are read on; joules are right")
    def test_permission_withdrawn(self, rapl: Stand, tree: FakePowercap) -> None:
        rapl.pass_time(5.0)
        with tree.denied():
            rapl.pass_time(10.0)
        assert rapl.joules("package:0").energy_j == pytest.approx(15.0 * PACKAGE_W, rel=1e-3)

    @pytest.mark.fault(
        "RAPL files vanish while a network trains, and come back at zero",
        "unknown meanwhile, then bridged; the training is unbroken",
    )
    def test_files_that_vanish_and_come_back(self, tmp_path: Path, clock: FakeTime) -> None:
        tree = epyc(tmp_path)
        tree.set_counter("0", 9000.0)
        powers = {"0": constant(PACKAGE_W)}
        sync = lambda now_s: tree.sync(now_s, powers if tree.zones else {})  # noqa: E731
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, sync) as stand:
            stand.at(1.0, lambda: tree.remove("0"))
            stand.at(2.0, lambda: tree.add("0", "package-0", range_j=AMD_RANGE_J))
            weights = train(lambda: stand.pass_time(EVERY_S))
            found = stand.joules("package:0")
            assert stand.recorder.energy(stand.start_s, stand.start_s + 1.5)["package:0"].energy_j is not None
        assert weights == UNMEASURED
        assert_right(found, 4.0 * PACKAGE_W)
        assert found.gap_s >= 1.0
        assert found.u_random_j is not None
        assert found.u_random_j > 3.0 * plain_u_j(4.0 * PACKAGE_W)
        assert stand.warnings != []

    @pytest.mark.fault("RAPL files vanish for good", "unknown from then on, never 0; what was before stays known")
    def test_files_that_stay_away(self, tmp_path: Path, clock: FakeTime) -> None:
        tree = epyc(tmp_path)
        powers = {"0": constant(PACKAGE_W)}
        sync = lambda now_s: tree.sync(now_s, powers if tree.zones else {})  # noqa: E731
        with on_stand(RaplMeter(sysfs_root=str(tree.root)), clock, sync) as stand:
            stand.at(10.0, lambda: tree.remove("0"))
            stand.pass_time(20.0)
            assert stand.joules("package:0").energy_j is None
            before = stand.recorder.energy(stand.start_s, stand.start_s + 9.0)["package:0"]
            assert before.energy_j == pytest.approx(9.0 * PACKAGE_W, rel=1e-3)
            assert stand.recorder.lost(5.0) == ["package:0", "core:0"]
        assert len(stand.warnings) == 1

    @pytest.mark.fault(
        "clock steps back, although it must be monotonic", "a warning says so; the repeated seconds are left out"
    )
    def test_a_clock_that_steps_back(self, rapl: Stand) -> None:
        rapl.pass_time(10.0)
        rapl.step_clock(-5.0)
        rapl.pass_time(13.0)
        found = rapl.joules("package:0")
        assert found.energy_j == pytest.approx(18.0 * PACKAGE_W, rel=0.02)
        assert "use a monotonic clock" in rapl.warnings[0]

    @pytest.mark.fault("clock steps forward by 30 s", "the joules are right, as the counter tells; uncertainty raised")
    def test_a_clock_that_steps_forward(self, rapl: Stand) -> None:
        rapl.pass_time(10.0)
        rapl.step_clock(30.0)
        rapl.pass_time(10.0)
        found = rapl.joules("package:0")
        assert found.energy_j == pytest.approx(20.0 * PACKAGE_W, rel=1e-3)
        assert found.u_random_j is not None
        assert found.u_random_j > 10.0 * plain_u_j(20.0 * PACKAGE_W)

    @pytest.mark.fault("the system's clock is set (NTP, summer time)", "no effect: the recorder's clock is monotonic")
    def test_the_wall_clock_is_set_back(self, tree: FakePowercap, monkeypatch: pytest.MonkeyPatch) -> None:
        def settled() -> tuple[float, float]:
            """Time of a reading by the recorder, and the true time until which joules were counted."""
            tree.sync(true_s := time.perf_counter(), POWERS)
            return recorder.settle(), true_s

        with Recorder(RaplMeter(sysfs_root=str(tree.root))) as recorder:
            for _ in range(2):  # of a counter that has not moved yet nothing is known
                start_s, true_start_s = settled()
            monkeypatch.setattr(time, "time", lambda: -1e6)
            time.sleep(0.3)
            end_s, true_end_s = settled()
            found = recorder.energy(start_s, end_s)["package:0"]
        assert end_s > start_s
        assert found.energy_j == pytest.approx((true_end_s - true_start_s) * PACKAGE_W, rel=1e-3)


class TestNvml:
    @pytest.mark.fault("a GPU's driver answers with errors while a network trains", "bridged; the training is unbroken")
    @pytest.mark.parametrize("code", [pynvml.NVML_ERROR_UNKNOWN, pynvml.NVML_ERROR_TIMEOUT, pynvml.NVML_ERROR_NO_DATA])
    def test_errors_for_a_while(self, clock: FakeTime, code: int) -> None:
        gpu = FakeGpu(power=constant(GPU_W))
        gpu.fail(code, at_s=1001.0, until_s=1003.0)
        with fake_nvml([gpu], clock), on_stand(NvmlMeter(clock), clock) as stand:
            weights = train(lambda: stand.pass_time(EVERY_S))
            found, within = stand.joules("gpu:0"), stand.recorder.energy(1001.5, 1002.5)["gpu:0"]
        assert weights == UNMEASURED
        assert_right(found, 4.0 * GPU_W)
        assert found.gap_s == pytest.approx(2.1, abs=0.11)
        assert_right(within, GPU_W)
        assert within.u_random_j is not None
        assert within.u_random_j > 0.3 * GPU_W
        assert len(stand.warnings) == 1

    @pytest.mark.fault("8 GPUs", "each has its own joules")
    def test_eight_gpus(self, clock: FakeTime) -> None:
        gpus = [FakeGpu(power=constant(100.0 + 50.0 * n), uuid=f"GPU-{n:08d}-0-0-0-0") for n in range(8)]
        with fake_nvml(gpus, clock), on_stand(NvmlMeter(clock), clock) as stand:
            stand.pass_time(20.0)
            for number in range(8):
                assert_right(stand.joules(f"gpu:{number}"), 20.0 * (100.0 + 50.0 * number))

    @pytest.mark.fault("one of 8 GPUs hot-removed within a trial", "unknown, never 0; the others are right")
    def test_one_of_eight_is_removed(self, clock: FakeTime) -> None:
        gpus = [FakeGpu(power=constant(GPU_W), uuid=f"GPU-{n:08d}-0-0-0-0") for n in range(8)]
        gpus[3].remove(at_s=1010.0)
        with fake_nvml(gpus, clock), on_stand(meter := NvmlMeter(clock), clock) as stand:
            stand.pass_time(12.0)
            until(lambda: meter.read()["gpu:0"] is not None)
            stand.pass_time(1.0)
            for number in set(range(8)) - {3}:
                assert_right(stand.joules(f"gpu:{number}"), 13.0 * GPU_W)
            assert stand.joules("gpu:3").energy_j is None
            assert stand.recorder.energy(1000.0, 1009.0)["gpu:3"].energy_j == pytest.approx(9.0 * GPU_W, rel=0.02)

    @pytest.mark.fault("GPU driver reloaded within a trial", "initialised anew, bridged, uncertainty raised")
    def test_a_reloaded_driver(self, clock: FakeTime) -> None:
        with (
            fake_nvml([FakeGpu(power=constant(GPU_W))], clock) as driver,
            on_stand(meter := NvmlMeter(clock), clock) as stand,
        ):
            driver.reload(at_s=1010.0, until_s=1012.0)
            stand.pass_time(20.0)
            until(lambda: meter.read()["gpu:0"] is not None)
            stand.pass_time(20.0)
            found = stand.joules("gpu:0")
        assert_right(found, 40.0 * GPU_W)
        assert found.gap_s >= 2.0
        assert found.u_random_j is not None
        assert found.u_random_j > 3.0 * 0.01 * 40.0 * GPU_W

    @pytest.mark.fault("GPU counter late, and every third tick dropped", "right to the ticks that are missing")
    def test_lag_and_dropped_ticks(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(GPU_W), sensor=HOPPER, lag_s=0.2, dropped=lambda tick: tick % 3 == 0)
        with fake_nvml([gpu], clock), on_stand(NvmlMeter(clock), clock) as stand:
            stand.pass_time(60.0)
            assert_right(stand.joules("gpu:0"), 60.0 * GPU_W)

    @pytest.mark.fault("GPU counter stands still for 20 s", "right again when it moves on")
    def test_a_stuck_gpu_counter(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(GPU_W))
        gpu.stick(1010.0, 1030.0)
        with fake_nvml([gpu], clock), on_stand(NvmlMeter(clock), clock) as stand:
            stand.pass_time(40.0)
            assert_right(stand.joules("gpu:0"), 40.0 * GPU_W)

    @pytest.mark.fault("GPU counter jumps by 1 MJ, or back to almost nothing", "the jump is not counted; bridged")
    @pytest.mark.parametrize("by_j", [1e6, -150_000.0])
    def test_a_gpu_counter_that_jumps(self, clock: FakeTime, by_j: float) -> None:
        gpu = FakeGpu(power=constant(GPU_W))
        gpu.jump(by_j, at_s=1010.0)
        with fake_nvml([gpu], clock), on_stand(NvmlMeter(clock), clock) as stand:
            stand.pass_time(20.0)
            found = stand.joules("gpu:0")
        assert_right(found, 20.0 * GPU_W)
        assert found.gap_s > 0.0

    @pytest.mark.fault("GPU without an energy counter", "integrated power, with a larger uncertainty; never 0 kWh")
    def test_a_board_without_counter(self, clock: FakeTime) -> None:
        with fake_nvml([FakeGpu(power=constant(GPU_W), sensor=PASCAL)], clock):
            with on_stand(meter := NvmlMeter(clock), clock) as stand:
                stand.pass_time(20.0)
                found = stand.joules("gpu:0")
            assert "integrated" in meter.domains[0].source
        assert_right(found, 20.0 * GPU_W)
        assert found.u_random_j is not None
        assert found.u_random_j >= 0.03 * 20.0 * GPU_W


class TestNothingThere:
    @pytest.mark.fault(
        "neither RAPL nor an NVIDIA driver", "a model, said to be one; asked for a sensor, a clear error; never 0 J"
    )
    def test_zero_sensors(self, tmp_path: Path) -> None:
        empty = FakePowercap(tmp_path).root
        with no_nvml(), AutoMeter(sysfs_root=str(empty)) as meter:
            assert {domain.provenance for domain in meter.domains} == {Provenance.MODELLED}
            assert {absence.what for absence in meter.absences} == {"cpu", "gpu"}
            sum(k * k for k in range(100_000))
            assert all(energy_j is None or energy_j >= 0.0 for energy_j in meter.read().values())
            assert (meter.read()["cpu:process"] or 0.0) > 0.0
        with no_nvml(), pytest.raises(MeterError, match="NVIDIA driver"):
            NvmlMeter().open()
        with pytest.raises(MeterError, match="no RAPL zone"):
            RaplMeter(sysfs_root=str(empty)).open()

    @pytest.mark.fault("a sensor that refuses (MIG) beside another library that reads it", "not read by that either")
    def test_what_one_meter_refused_no_other_reads(self, tmp_path: Path) -> None:
        with fake_nvml([FakeGpu(mig=True)]), AutoMeter(sysfs_root=str(FakePowercap(tmp_path).root)) as meter:
            assert not any(domain.name.startswith("gpu") for domain in meter.domains)
            assert "MIG" in meter.problems[0].why
