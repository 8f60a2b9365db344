"""Which GPUs the NVML meter reads, and which it refuses."""

import sys
from types import SimpleNamespace

import pynvml
import pytest
from clocks import FakeTime
from counting import counted
from fakes.nvml import PASCAL, UUIDS, FakeGpu, boards, fake_nvml, no_nvml

from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.nvml.visible import Board, visible
from sweep.errors import MeterError, SensorAbsentError


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(100.0)


def names(meter: NvmlMeter) -> list[str]:
    with meter:
        return [domain.name for domain in meter.domains]


class TestWhichGpus:
    def test_all_of_eight(self, clock: FakeTime) -> None:
        with fake_nvml(boards(8), clock), NvmlMeter(clock) as meter:
            told_j = counted(meter, clock, 10.0)[0]
        assert told_j == {f"gpu:{index}": pytest.approx(1000.0 * (index + 1), rel=0.02) for index in range(8)}

    @pytest.mark.parametrize(
        ("variable", "watts"),
        [
            ("2,0", [300.0, 100.0]),
            ("1", [200.0]),
            ("1,9,0", [200.0]),
            ("0,-1,2", [100.0]),
            (f"{UUIDS[2]},GPU-aaaa", [300.0, 100.0]),
            (" 1 , 0", [200.0, 100.0]),
        ],
    )
    def test_cuda_visible_devices_is_respected(
        self, clock: FakeTime, monkeypatch: pytest.MonkeyPatch, variable: str, watts: list[float]
    ) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
        with fake_nvml(boards(3), clock), NvmlMeter(clock) as meter:
            assert meter.power_w() == {
                f"gpu:{ordinal}": pytest.approx(power_w) for ordinal, power_w in enumerate(watts)
            }

    @pytest.mark.parametrize("variable", ["", "-1", "7", "0,0", "none", "GPU-zzzz", "GPU-"])
    def test_no_visible_gpu_is_no_sensor(self, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
        with fake_nvml(boards(3)), pytest.raises(SensorAbsentError, match="shows none of 3 GPUs"):
            NvmlMeter().open()

    @pytest.mark.parametrize(
        "variable", [None, "", "0", "1,0", "2,2", "1x,0", "+1", "0,5,1", "GPU-a", "GPU-b,GPU-a", "GPU-"]
    )
    def test_the_rules_are_those_of_torch(self, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
        torch_cuda = pytest.importorskip("torch.cuda")
        if variable is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
        seen = torch_cuda._parse_visible_devices()
        if seen and isinstance(seen[0], str):
            seen = torch_cuda._transform_uuid_to_ordinals(seen, UUIDS[:3])
        expected = [index for index in seen if index < 3][: next((n for n, i in enumerate(seen) if i >= 3), len(seen))]
        assert visible(variable, None, [Board(uuid, "H100") for uuid in UUIDS[:3]]) == expected

    def test_numbers_of_different_models_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gpus = [FakeGpu(uuid=UUIDS[0], name="GT 1030"), FakeGpu(uuid=UUIDS[1], name="RTX 4090")]
        with fake_nvml(gpus):
            with pytest.raises(MeterError, match="CUDA_DEVICE_ORDER=PCI_BUS_ID"):
                NvmlMeter().open()
            monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
            assert names(NvmlMeter()) == ["gpu:0", "gpu:1"]
            monkeypatch.delenv("CUDA_DEVICE_ORDER")
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS[1])
            assert names(NvmlMeter()) == ["gpu:0"]

    @pytest.mark.parametrize(
        ("device", "expected"),
        [
            ("cuda:1", ["gpu:1"]),
            ("cuda", ["gpu:0"]),
            ("cpu", ["gpu:0", "gpu:1", "gpu:2"]),
            ("mps", ["gpu:0", "gpu:1", "gpu:2"]),
        ],
    )
    def test_only_the_gpu_that_works_is_read(self, device: str, expected: list[str]) -> None:
        with fake_nvml(boards(3)):
            meter = NvmlMeter()
            meter.attend(device)
            assert names(meter) == expected

    def test_cuda_without_a_number_is_the_current_device(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cuda = SimpleNamespace(is_initialized=lambda: True, current_device=lambda: 2)
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
        with fake_nvml(boards(3)):
            meter = NvmlMeter()
            meter.attend("cuda")
            assert names(meter) == ["gpu:2"]

    def test_given_devices_come_before_the_one_that_works(self) -> None:
        with fake_nvml(boards(3)):
            meter = NvmlMeter(devices=[2, 0])
            meter.attend("cuda:1")
            assert names(meter) == ["gpu:2", "gpu:0"]

    def test_excluded_domains_are_left_out(self) -> None:
        with fake_nvml(boards(3)):
            assert names(NvmlMeter(exclude=("gpu:1", "psys:0"))) == ["gpu:0", "gpu:2"]
            with pytest.raises(MeterError, match="leaves no GPU"):
                NvmlMeter(devices=[0], exclude=("gpu:0",)).open()

    def test_a_gpu_that_is_not_there_is_refused(self) -> None:
        with fake_nvml(boards(2)) as driver:
            with pytest.raises(
                MeterError, match=r"meter.devices \[5\] is not among the GPUs that torch sees \(0 to 1\)"
            ):
                NvmlMeter(devices=[0, 5]).open()
            meter = NvmlMeter()
            meter.attend("cuda:3")
            with pytest.raises(MeterError, match="cuda:3"):
                meter.open()
            assert not driver.is_initialised


class TestRefusals:
    @pytest.mark.fault("no NVIDIA library", "error that says so; another meter is tried")
    def test_no_library(self) -> None:
        with no_nvml(), pytest.raises(SensorAbsentError, match="no NVIDIA driver"):
            NvmlMeter().open()

    @pytest.mark.fault("NVIDIA driver not loaded", "error that says so; another meter is tried")
    def test_no_driver(self) -> None:
        with (
            fake_nvml([], init_error=pynvml.NVML_ERROR_DRIVER_NOT_LOADED),
            pytest.raises(SensorAbsentError, match="Driver Not Loaded"),
        ):
            NvmlMeter().open()

    @pytest.mark.fault("driver without a GPU", "error that says so; another meter is tried")
    def test_no_gpu(self) -> None:
        with fake_nvml([]) as driver, pytest.raises(SensorAbsentError, match="no GPU"):
            NvmlMeter().open()
        assert not driver.is_initialised

    @pytest.mark.parametrize(
        ("code", "mend"),
        [
            (pynvml.NVML_ERROR_NO_PERMISSION, "/dev/nvidia"),
            (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "reboot"),
            (pynvml.NVML_ERROR_UNKNOWN, "nvidia-smi"),
        ],
    )
    @pytest.mark.fault("driver refuses to start (permission, version)", "error with the mend")
    def test_a_driver_that_refuses(self, code: int, mend: str) -> None:
        with fake_nvml(boards(1), init_error=code), pytest.raises(MeterError, match=mend) as raised:
            NvmlMeter().open()
        assert not isinstance(raised.value, SensorAbsentError)

    @pytest.mark.fault("MIG slice in CUDA_VISIBLE_DEVICES", "error: a slice has no counter")
    def test_a_mig_slice_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-41b3359c-e721-56e5-8009-12e5797ed514")
        with fake_nvml(boards(1)), pytest.raises(MeterError, match="no energy counter of its own"):
            NvmlMeter().open()

    @pytest.mark.fault("GPU in MIG mode", "error, or left out with a note beside others")
    def test_a_gpu_in_mig_mode_is_refused_and_left_out_beside_others(self) -> None:
        with fake_nvml([FakeGpu(mig=True)]), pytest.raises(MeterError, match="MIG mode"):
            NvmlMeter().open()
        with fake_nvml([FakeGpu(mig=True), boards(2)[1]]), NvmlMeter() as meter:
            assert [domain.name for domain in meter.domains] == ["gpu:1"]
            assert [problem.what for problem in meter.problems] == ["gpu:0"]
            assert list(meter.read()) == ["gpu:1"]

    @pytest.mark.fault("virtual GPU", "error: the guest is not told the board's power")
    def test_a_virtual_gpu_is_refused(self) -> None:
        guest = FakeGpu(virtualization=pynvml.NVML_GPU_VIRTUALIZATION_MODE_VGPU)
        with fake_nvml([guest]), pytest.raises(MeterError, match="virtual GPU"):
            NvmlMeter().open()
        whole = FakeGpu(virtualization=pynvml.NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH)
        with fake_nvml([whole]):
            assert names(NvmlMeter()) == ["gpu:0"]

    @pytest.mark.fault("GPU without energy counter and without power", "error; never 0 J")
    def test_a_board_that_tells_nothing_is_refused(self) -> None:
        gpu = FakeGpu(sensor=PASCAL)
        gpu.fail(pynvml.NVML_ERROR_NOT_SUPPORTED, calls=("nvmlDeviceGetPowerUsage",))
        with fake_nvml([gpu]), pytest.raises(MeterError, match="neither energy nor power"):
            NvmlMeter().open()

    @pytest.mark.fault("GPU lost before the start", "left out with a note; the others count")
    def test_a_gpu_that_does_not_answer_at_the_start_is_left_out(self) -> None:
        gpus = boards(2)
        gpus[0].fail(pynvml.NVML_ERROR_GPU_IS_LOST)
        with fake_nvml(gpus), NvmlMeter() as meter:
            assert list(meter.read()) == ["gpu:1"]
            assert "GPU is lost" in meter.problems[0].why

    def test_reading_a_closed_meter_is_an_error(self) -> None:
        with fake_nvml(boards(1)) as driver:
            meter = NvmlMeter()
            meter.close()
            with meter:
                pass
            meter.close()
            with pytest.raises(MeterError, match="closed"):
                meter.read()
            assert not driver.is_initialised

    def test_an_interval_must_be_positive(self) -> None:
        with pytest.raises(MeterError, match="not positive"):
            NvmlMeter(poll_interval_s=0.0)


class _SparseError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"code {value}")
        self.value = value


def _sparse_binding(clock: FakeTime) -> SimpleNamespace:
    """An old binding: few functions, no names of errors, texts as bytes."""
    return SimpleNamespace(
        NVMLError=_SparseError,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: b"Tesla V100",
        nvmlDeviceGetUUID=lambda handle: UUIDS[handle].encode(),
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: int(250e3 * clock()),
    )


def test_an_old_binding_is_enough(clock: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", _sparse_binding(clock))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS[0])
    with NvmlMeter(clock) as meter:
        assert meter.domains[0].source == "NVML energy counter of Tesla V100"
        assert counted(meter, clock, 4.0)[0] == {"gpu:0": pytest.approx(1000.0)}


def test_an_old_binding_tells_that_there_is_no_driver(clock: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise _SparseError(9)

    binding = _sparse_binding(clock)
    binding.nvmlInit = refuse
    monkeypatch.setitem(sys.modules, "pynvml", binding)
    with pytest.raises(SensorAbsentError, match="no NVIDIA driver"):
        NvmlMeter(clock).open()
