"""What may befall a GPU, its counter or the driver while the NVML meter reads them."""

import threading
import time
from collections.abc import Iterator

import pynvml
import pytest
from clocks import FakeTime
from counting import counted, until
from fakes.nvml import PASCAL, FakeGpu, FakeNvml, boards, fake_nvml
from fakes.power import constant

from sweep.energy.counter import Counter
from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.nvml.recovery import FIRST_S, Recovery
from sweep.energy.recorder import Recorder

ENERGY = "nvmlDeviceGetTotalEnergyConsumption"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(100.0)


class TestFaultsWhileReading:
    @pytest.mark.fault("driver error codes (UNKNOWN, TIMEOUT, NO_PERMISSION) for a while", "bridged; joules right")
    @pytest.mark.parametrize(
        "code", [pynvml.NVML_ERROR_UNKNOWN, pynvml.NVML_ERROR_TIMEOUT, pynvml.NVML_ERROR_NO_PERMISSION]
    )
    def test_an_error_is_a_hole_and_the_counter_goes_on(self, clock: FakeTime, code: int) -> None:
        gpu = boards(1)[0]
        gpu.fail(code, at_s=102.0, until_s=105.0)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            clock.now_s = 103.0
            assert meter.read() == {"gpu:0": None}
            assert meter.power_w() == {"gpu:0": None}
            assert meter.problems[0].what == "gpu:0"
            clock.now_s = 100.0
            assert counted(meter, clock, 10.0)[0]["gpu:0"] == pytest.approx(1000.0, rel=0.02)
            assert meter.problems == ()

    @pytest.mark.fault("power of a board without counter unreadable for a while", "the sum starts over: a marked gap")
    def test_a_hole_in_integrated_power_shows_as_a_restart(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(100.0), sensor=PASCAL)
        gpu.fail(pynvml.NVML_ERROR_TIMEOUT, at_s=105.0, until_s=106.0, calls=("nvmlDeviceGetPowerUsage",))
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            total_j, gaps = counted(meter, clock, 15.0)
        assert total_j["gpu:0"] == pytest.approx(1500.0, rel=0.02)
        assert len(gaps) == 1
        assert gaps[0].u_j > 0.0

    @pytest.mark.fault("GPU hot-removed", "unknown from then on, one warning; the others count on")
    def test_a_removed_gpu_is_unknown_and_the_others_count_on(self, clock: FakeTime) -> None:
        gpus = boards(3)
        gpus[1].remove(at_s=103.0)
        with fake_nvml(gpus, clock), NvmlMeter(clock) as meter:
            before_j = meter.read()
            assert all(before_j.values())
            clock.now_s = 110.0
            assert meter.read()["gpu:1"] is None
            until(lambda: meter.read()["gpu:2"] is not None)  # the library looks for its GPUs anew meanwhile
            after_j = meter.read()
            assert after_j["gpu:1"] is None
            spent = [(after_j[name] or 0.0) - (before_j[name] or 0.0) for name in ("gpu:0", "gpu:2")]
            assert spent == pytest.approx([1000.0, 3000.0], rel=0.02)
            assert [problem.what for problem in meter.problems] == ["gpu:1"]

    @pytest.mark.fault("GPU hot-removed, and back", "counts again; the stretch between is a gap")
    def test_a_gpu_that_comes_back_is_found_by_its_uuid(self, clock: FakeTime) -> None:
        gpus = boards(2)
        gpus[0].remove(at_s=103.0, until_s=120.0)
        with fake_nvml(gpus, clock), NvmlMeter(clock) as meter:
            clock.now_s = 104.0
            assert meter.read()["gpu:0"] is None
            until(lambda: meter.read()["gpu:1"] is not None)
            clock.now_s = 160.0
            until(lambda: meter.read()["gpu:0"] is not None)
            assert meter.power_w() == {"gpu:0": pytest.approx(100.0), "gpu:1": pytest.approx(200.0)}

    @pytest.mark.fault("driver reloaded during a run", "initialised anew; the counter's restart is bridged and marked")
    def test_a_reloaded_driver_is_initialised_anew(self, clock: FakeTime) -> None:
        with fake_nvml(boards(1), clock) as driver, NvmlMeter(clock) as meter:
            driver.reload(at_s=110.0, until_s=112.0)
            counter, gaps = Counter(meter.domains[0]), []
            for step in range(401):
                clock.now_s = 100.0 + step / 10
                told = counter.update(clock.now_s, meter.read()["gpu:0"])
                gaps += filter(None, [told.gap])
                if clock.now_s == 118.0:
                    until(lambda: meter.read()["gpu:0"] is not None)
        assert told.energy_j == pytest.approx(4000.0, rel=0.05)
        assert [gap.reason for gap in gaps] == ["its counter started anew"]

    @pytest.mark.fault("NVML counter reset", "bridged with the power before; the gap is marked")
    def test_a_reset_counter_is_bridged(self, clock: FakeTime) -> None:
        gpu = boards(1)[0]
        gpu.restart_counter(105.0)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            total_j, gaps = counted(meter, clock, 10.0)
        assert total_j["gpu:0"] == pytest.approx(1000.0, rel=0.03)
        assert [gap.reason for gap in gaps] == ["its counter started anew"]

    @pytest.mark.fault("NVML counter stands still for a while", "unknown meanwhile; right when it moves again")
    def test_a_counter_that_stood_still_is_unknown_meanwhile(self, clock: FakeTime) -> None:
        gpu = boards(1)[0]
        gpu.stick(105.0, until_s=125.0)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            assert counted(meter, clock, 20.0)[0]["gpu:0"] is None
            clock.now_s = 100.0
            assert counted(meter, clock, 40.0)[0]["gpu:0"] == pytest.approx(4000.0, rel=0.01)

    @pytest.mark.fault("NVML counter jumps up or down for one reading", "left out; joules right")
    @pytest.mark.parametrize("by_j", [1e9, -5e3])
    def test_a_glitch_is_left_out(self, clock: FakeTime, by_j: float) -> None:
        gpu = boards(1)[0]
        gpu.jump(by_j, at_s=105.0, until_s=105.15)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            assert counted(meter, clock, 10.0)[0]["gpu:0"] == pytest.approx(1000.0, rel=0.02)

    @pytest.mark.fault("GPU requires a reset (RESET_REQUIRED)", "unknown; tried anew in the background, never 0 J")
    def test_a_gpu_that_needs_a_reset_is_unknown(self, clock: FakeTime) -> None:
        gpu = boards(1)[0]
        gpu.fail(pynvml.NVML_ERROR_RESET_REQUIRED, at_s=101.0)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            assert counted(meter, clock, 30.0)[0]["gpu:0"] is None

    def test_a_lost_driver_is_asked_again_only_now_and_then(self, clock: FakeTime) -> None:
        with fake_nvml(boards(1), clock) as driver, NvmlMeter(clock) as meter:
            driver.reload(at_s=100.5, until_s=1e9)
            for _ in range(100):
                clock.now_s += 0.1
                meter.read()
                time.sleep(0.001)
            until(lambda: driver.calls["nvmlInitWithFlags"] >= 2)  # the first, and those of another thread
            assert driver.calls["nvmlInitWithFlags"] <= 4  # at most every 5 s

    def test_an_initialisation_that_hangs_holds_up_no_reading(self, clock: FakeTime) -> None:
        hang, ended = threading.Event(), threading.Event()

        def restart() -> bool:
            hang.wait(60.0)
            ended.set()
            return True

        recovery = Recovery(restart, clock)
        for _ in range(50):
            recovery.ask()
            clock.now_s += FIRST_S
        assert not ended.is_set()
        hang.set()
        recovery.close()
        assert ended.is_set()

    def test_another_holder_of_the_library_keeps_it(self) -> None:
        with fake_nvml(boards(1)) as driver:
            pynvml.nvmlInit()
            meter = NvmlMeter()
            meter.open()
            meter.close()
            meter.close()
            assert driver.is_initialised
            pynvml.nvmlShutdown()

    @pytest.mark.fault("dropped ticks and a late sensor", "right to the ticks that are missing")
    def test_dropped_ticks_only_delay(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(200.0), dropped=lambda tick: tick % 3 == 0, lag_s=0.05)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            told_j = counted(meter, clock, 10.0)[0]["gpu:0"]
        assert told_j == pytest.approx(2000.0, abs=200.0 * 0.35)

    @pytest.mark.fault("counter that sums what a part-time sensor saw", "joules of bursts are off; stated in the docs")
    def test_whatever_the_counter_sums_steady_power_is_right(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(200.0), counter_sums_samples=True)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            assert counted(meter, clock, 10.0)[0]["gpu:0"] == pytest.approx(2000.0, abs=0.01)


@pytest.fixture
def recorded(clock: FakeTime) -> Iterator[tuple[Recorder, FakeNvml, list[str]]]:
    """A recorder over two boards in real time, with the warnings that it gives."""
    warnings: list[str] = []
    with fake_nvml(boards(2)) as driver, Recorder(NvmlMeter(poll_interval_s=0.005), warn=warnings.append) as recorder:
        yield recorder, driver, warnings


def test_a_failing_gpu_warns_once_and_raises_nothing(recorded: tuple[Recorder, FakeNvml, list[str]]) -> None:
    recorder, driver, warnings = recorded
    driver.gpus[1].fail(pynvml.NVML_ERROR_UNKNOWN, calls=(ENERGY,))
    start_s = recorder.mark()
    time.sleep(0.25)
    recorder.settle()
    energy = recorder.energy(start_s, recorder.mark())
    assert energy["gpu:1"].energy_j is None
    assert len([text for text in warnings if "gpu:1" in text]) == 1
    assert not [text for text in warnings if "gpu:0" in text]
