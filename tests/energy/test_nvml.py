"""The NVML meter: joules, power and state of boards whose true power is known."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest
from clocks import FakeTime
from counting import counted
from fakes.nvml import A100, AMPERE, HOPPER, PASCAL, VOLTA, FakeGpu, Sensor, boards, fake_nvml
from fakes.power import Power, constant, ramp, square
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.nvml.sensor import sensor_of
from sweep.records import Provenance, Scope


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(100.0)


class TestJoules:
    @pytest.mark.parametrize("sensor", [VOLTA, AMPERE, A100, HOPPER])
    def test_the_counter_is_right_to_a_tick(self, clock: FakeTime, sensor: Sensor) -> None:
        power = square(80.0, 420.0, 0.37)
        with fake_nvml([FakeGpu(power=power, sensor=sensor, phase_s=0.013)], clock), NvmlMeter(clock) as meter:
            told_j = counted(meter, clock, 10.0)[0]["gpu:0"]
        assert told_j == pytest.approx(power.energy_j(100.0, 110.0), abs=420.0 * sensor.tick_s)

    @pytest.mark.parametrize(
        ("architecture", "model", "expected"),
        [
            (pynvml.NVML_DEVICE_ARCH_VOLTA, "Tesla V100-SXM2-16GB", (0.02, 0.01, 0.01)),
            (pynvml.NVML_DEVICE_ARCH_AMPERE, "NVIDIA A40", (0.1, 0.1, 1.0)),
            (pynvml.NVML_DEVICE_ARCH_AMPERE, "NVIDIA A100-SXM4-80GB", (0.1, 0.025, 0.025)),
            (pynvml.NVML_DEVICE_ARCH_HOPPER, "NVIDIA H100 80GB HBM3", (0.1, 0.025, 1.0)),
            (None, "a board of next year", (0.1, 0.1, 1.0)),
        ],
    )
    def test_ticks_and_windows_are_those_that_were_measured(
        self, architecture: int | None, model: str, expected: tuple[float, float, float]
    ) -> None:
        assert sensor_of(architecture, model) == expected

    def test_the_domain_tells_the_tick_of_the_board(self) -> None:
        volta = FakeGpu(sensor=VOLTA, architecture=pynvml.NVML_DEVICE_ARCH_VOLTA)
        with fake_nvml([volta]), NvmlMeter() as meter:
            assert meter.domains[0].tick_s == 0.02

    def test_integrated_mean_power_is_as_vague_in_time_as_its_window(self) -> None:
        gpu = FakeGpu(sensor=HOPPER._replace(counter=False, instant=False))
        with fake_nvml([gpu]), NvmlMeter() as meter:
            assert meter.domains[0].tick_s == 1.0

    def test_the_domain_says_what_it_is(self) -> None:
        with fake_nvml([FakeGpu(power_limit_w=700.0)]), NvmlMeter() as meter:
            domain = meter.domains[0]
        assert domain.provenance is Provenance.MEASURED
        assert domain.scope is Scope.DEVICE
        assert domain.max_power_w == 1400.0
        assert domain.range_j is None
        assert "energy counter" in domain.source
        assert "H100" in domain.source

    @pytest.mark.parametrize("power", [constant(90.0), square(40.0, 240.0, 3.0), ramp(50.0, 250.0, 120.0)])
    def test_a_board_without_counter_integrates_power(self, clock: FakeTime, power: Power) -> None:
        gpu = FakeGpu(power=power, sensor=PASCAL, architecture=pynvml.NVML_DEVICE_ARCH_PASCAL)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            told_j = counted(meter, clock, 30.0, 0.02)[0]["gpu:0"]
            domain = meter.domains[0]
        assert told_j == pytest.approx(gpu.power.energy_j(100.0, 130.0), rel=0.01)
        assert "integrated" in domain.source
        assert domain.random_u_rel > 0.01
        assert domain.provenance is Provenance.MEASURED

    def test_a_stretch_without_readings_is_not_interpolated_as_if_it_were_measured(self, clock: FakeTime) -> None:
        gpu = FakeGpu(sensor=PASCAL, power=constant(100.0))
        with fake_nvml([gpu], clock), NvmlMeter(clock, poll_interval_s=0.1) as meter:
            counted(meter, clock, 1.0)[0]
            clock.now_s += 60.0  # suspended
            assert meter.read() == {"gpu:0": 0.0}

    @settings(max_examples=30, deadline=None)
    @given(
        st.floats(20.0, 400.0), st.floats(20.0, 400.0), st.floats(0.05, 5.0), st.floats(0.0, 0.1), st.floats(1.0, 20.0)
    )
    def test_no_power_makes_the_counter_wrong_by_more_than_a_tick(
        self, low_w: float, high_w: float, period_s: float, phase_s: float, duration_s: float
    ) -> None:
        clock, power = FakeTime(5.0), square(min(low_w, high_w), max(low_w, high_w), period_s)
        with fake_nvml([FakeGpu(power=power, phase_s=phase_s)], clock), NvmlMeter(clock) as meter:
            before_j = meter.read()["gpu:0"]
            clock.now_s += duration_s
            after_j = meter.read()["gpu:0"]
        assert before_j is not None
        assert after_j is not None
        error_j = after_j - before_j - power.energy_j(5.0, 5.0 + duration_s)
        assert abs(error_j) <= 400.0 * HOPPER.tick_s + 2e-3


class TestPower:
    def test_the_instant_power_is_told_where_the_board_has_it(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=square(100.0, 500.0, 2.0), sensor=HOPPER)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            clock.now_s = 100.5
            assert meter.power_w() == {"gpu:0": 500.0}
            clock.now_s = 101.2
            assert meter.power_w() == {"gpu:0": 100.0}

    def test_an_older_driver_tells_the_mean_over_a_second(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=square(100.0, 500.0, 2.0), sensor=HOPPER._replace(instant=False))
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            clock.now_s = 101.5
            assert meter.power_w()["gpu:0"] == pytest.approx(300.0)

    @pytest.mark.fault("driver without the instant power field", "mean power is told in its place")
    def test_a_driver_without_field_values_is_no_error(self, clock: FakeTime) -> None:
        with fake_nvml(boards(1), clock, missing=["nvmlDeviceGetFieldValues"]), NvmlMeter(clock) as meter:
            assert meter.power_w() == {"gpu:0": pytest.approx(100.0)}

    def test_a_binding_without_a_function_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("nvmlDeviceGetFieldValues", "nvmlDeviceGetVirtualizationMode", "nvmlDeviceGetMigMode"):
            monkeypatch.delattr(pynvml, name)
        monkeypatch.delattr(pynvml, "NVML_GPU_VIRTUALIZATION_MODE_VGPU")
        with fake_nvml(boards(1)), NvmlMeter() as meter:
            assert meter.read()["gpu:0"] is not None


class TestConditions:
    def test_state_of_the_board(self, clock: FakeTime) -> None:
        gpu = FakeGpu(temperature_c=63, sm_clock_mhz=1755, utilisation=0.87, memory_used_bytes=5 << 30)
        with fake_nvml([gpu], clock), NvmlMeter(clock) as meter:
            state = meter.conditions()["gpu:0"]
        assert (state.temperature_c, state.clock_mhz, state.utilisation) == (63.0, 1755.0, 0.87)
        assert (state.memory_bytes, state.others) == (5 << 30, 0)

    def test_what_a_board_does_not_tell_is_not_known(self) -> None:
        gpu = boards(1)[0]
        gpu.fail(pynvml.NVML_ERROR_NOT_SUPPORTED, calls=("nvmlDeviceGetTemperature", "nvmlDeviceGetUtilizationRates"))
        gpu.fail(pynvml.NVML_ERROR_NO_PERMISSION, calls=("nvmlDeviceGetComputeRunningProcesses_v3",))
        with fake_nvml([gpu]), NvmlMeter() as meter:
            state = meter.conditions()["gpu:0"]
        assert (state.temperature_c, state.utilisation, state.others) == (None, None, None)
        assert state.clock_mhz is not None

    def test_this_process_is_not_another(self) -> None:
        with fake_nvml([FakeGpu(processes=[(os.getpid(), 1 << 30)])]), NvmlMeter() as meter:
            assert meter.conditions()["gpu:0"].others == 0

    def test_a_child_is_not_another_and_a_stranger_is(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            processes = [(os.getpid(), 1 << 30), (child.pid, 1 << 20), (1, 1 << 30), (os.getppid(), 1 << 30)]
            with fake_nvml([FakeGpu(processes=processes)]), NvmlMeter() as meter:
                assert meter.conditions()["gpu:0"].others == 2
        finally:
            child.communicate(b"\n")

    @pytest.mark.fault("container: the driver tells the host's process ids", "one of them is taken for us")
    @pytest.mark.parametrize(("reserved_bytes", "others"), [(1 << 30, 1), (0, 2)])
    def test_in_a_container_one_entry_is_us_if_torch_computes_there(
        self, monkeypatch: pytest.MonkeyPatch, reserved_bytes: int, others: int
    ) -> None:
        cuda = SimpleNamespace(is_initialized=lambda: True, memory_reserved=lambda ordinal: reserved_bytes)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
        no_pid = 2**22 + 1  # above what Linux gives
        with fake_nvml([FakeGpu(processes=[(no_pid, 1), (no_pid + 1, 1)])]), NvmlMeter() as meter:
            assert meter.conditions()["gpu:0"].others == others


@pytest.mark.parametrize("count", [1, 2])
def test_a_process_of_its_own_sees_the_fake_driver(count: int) -> None:
    tests = Path(__file__).parents[1]
    code = "from sweep.energy.meters.nvml import NvmlMeter\nwith NvmlMeter() as m: print(len(m.domains), m.read())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SWEEP_FAKE_NVML": str(count), "PYTHONPATH": f"{tests / 'fakes' / 'site'}:{tests.parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith(f"{count} {{'gpu:0': ")
