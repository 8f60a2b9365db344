"""The zeus meter: NVIDIA through a fake driver, AMD through a fake amdsmi, chips through zeus's own classes."""

import gc
import logging
import multiprocessing
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest
from clocks import FakeTime
from fakes.nvml import PASCAL, FakeGpu, fake_nvml, no_nvml
from fakes.power import Power, constant, square

from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.meters.zeus import ZeusMeter
from sweep.errors import MeterError, SensorAbsentError
from sweep.records import Provenance

UUIDS = ["GPU-aaaaaaaa-1111-2222-3333-444444444444", "GPU-bbbbbbbb-1111-2222-3333-444444444444"]


@pytest.fixture(autouse=True)
def zeus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Zeus as freshly imported, on a machine with nothing."""
    device = pytest.importorskip("zeus.device", reason="needs the extra zeus")
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZEUSD_SOCK_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("zeus.device.soc._soc", None)
    with no_nvml():
        yield device


@pytest.fixture
def clock() -> FakeTime:
    return FakeTime(100.0)


class TestNvidia:
    def test_it_tells_what_the_nvml_meter_tells(self, clock: FakeTime) -> None:
        gpus = [FakeGpu(power=square(100.0, 400.0, 0.7), uuid=UUIDS[0]), FakeGpu(uuid=UUIDS[1])]
        with fake_nvml(gpus, clock), ZeusMeter(clock) as zeus_meter, NvmlMeter(clock) as nvml_meter:
            for _ in range(20):
                clock.now_s += 0.33
                assert zeus_meter.read() == nvml_meter.read()
                assert zeus_meter.power_w() == nvml_meter.power_w()
            assert zeus_meter.conditions()["gpu:0"].temperature_c == 41.0

    def test_the_gpu_that_works(self) -> None:
        with fake_nvml([FakeGpu(uuid=uuid) for uuid in UUIDS]):
            meter = ZeusMeter()
            meter.attend("cuda:1")
            with meter:
                assert list(meter.read()) == ["gpu:1"]

    def test_a_board_without_counter_integrates_power(self, clock: FakeTime) -> None:
        gpu = FakeGpu(power=constant(90.0), sensor=PASCAL._replace(instant=True), architecture=4)
        with fake_nvml([gpu], clock), ZeusMeter(clock) as meter:
            meter.read()
            for _ in range(100):
                clock.now_s += 0.1
                shown_j = meter.read()
            assert shown_j["gpu:0"] == pytest.approx(900.0)
            assert "integrated power" in meter.domains[0].source

    def test_a_failing_reading_is_none_for_that_gpu(self, clock: FakeTime) -> None:
        gpus = [FakeGpu(uuid=uuid) for uuid in UUIDS]
        gpus[1].fail(pynvml.NVML_ERROR_GPU_IS_LOST, at_s=105.0)
        with fake_nvml(gpus, clock), ZeusMeter(clock) as meter:
            clock.now_s = 110.0
            shown_j = meter.read()
            assert shown_j["gpu:0"] is not None
            assert shown_j["gpu:1"] is None
            assert list(meter.power_w()) == ["gpu:0"]

    def test_a_gpu_that_tells_nothing_is_refused(self) -> None:
        with fake_nvml([FakeGpu(sensor=PASCAL)]), pytest.raises(MeterError, match="neither energy nor power"):
            ZeusMeter().open()

    def test_uuids_are_an_error_that_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", UUIDS[0])
        with fake_nvml([FakeGpu(uuid=UUIDS[0])]), pytest.raises(MeterError, match="as numbers"):
            ZeusMeter().open()


class FakeAmdSmi(SimpleNamespace):
    """AMD's library as zeus calls it: counts of 15.3 uJ, power in whole watts."""

    class AmdSmiLibraryException(Exception):  # noqa: N818 - the library's name
        def get_error_code(self) -> int:
            return 2

        def get_error_info(self) -> str:
            return "AMDSMI_STATUS_NOT_SUPPORTED"

    class AmdSmiException(Exception):  # noqa: N818 - the library's name
        pass

    AmdSmiInitFlags = SimpleNamespace(INIT_AMD_GPUS=2)
    AmdSmiTemperatureType = SimpleNamespace(HOTSPOT=1)
    AmdSmiTemperatureMetric = SimpleNamespace(CURRENT=0)
    resolution_uj = 15.3

    def __init__(self, powers: list[Power], clock: FakeTime, *, counts: bool = True) -> None:
        super().__init__()
        self.powers, self.clock, self.counts = powers, clock, counts

    def amdsmi_init(self, flags: int) -> None:
        pass

    def amdsmi_shut_down(self) -> None:
        pass

    def amdsmi_get_processor_handles(self) -> list[int]:
        return list(range(len(self.powers)))

    def amdsmi_get_gpu_enumeration_info(self, handle: int) -> dict[str, int]:
        return {"hip_id": len(self.powers) - 1 - handle}  # HIP's order is not the bus's

    def amdsmi_get_gpu_asic_info(self, handle: int) -> dict[str, str]:
        return {"market_name": "AMD Instinct MI300X"}

    def amdsmi_get_power_info(self, handle: int) -> dict[str, Any]:
        now_s = self.clock.now_s
        power_w = round(self.powers[handle].mean_w(now_s - 0.01, now_s))
        return {"current_socket_power": power_w, "average_socket_power": "N/A"}

    def amdsmi_get_energy_count(self, handle: int) -> dict[str, float]:
        energy_j = self.powers[handle].energy_j(0.0, self.clock.now_s) if self.counts else 7.0
        return {
            "energy_accumulator": int(energy_j * 1e6 / self.resolution_uj),
            "counter_resolution": self.resolution_uj,
        }

    def amdsmi_get_power_cap_info(self, handle: int) -> dict[str, int]:
        return {"min_power_cap": 0, "max_power_cap": 750_000_000}

    def amdsmi_get_temp_metric(self, handle: int, sensor: int, metric: int) -> int:
        return 47000


@pytest.fixture
def amd(monkeypatch: pytest.MonkeyPatch, clock: FakeTime) -> Iterator[FakeAmdSmi]:
    """Two AMD GPUs of 300 and 500 W, by the order of the bus."""
    import zeus.device.gpu
    from zeus.device.gpu import amd as module

    fake = FakeAmdSmi([constant(300.0), constant(500.0)], clock)
    monkeypatch.setitem(sys.modules, "amdsmi", fake)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "amdsmi", fake)
    monkeypatch.setattr(module.time, "sleep", lambda s: setattr(clock, "now_s", clock.now_s + s))
    module.amdsmi_is_available.cache_clear()
    module._hip_to_amdsmi_handle.cache_clear()
    yield fake
    zeus.device.gpu._gpus = None
    gc.collect()  # what is collected shuts amdsmi down
    module.amdsmi_is_available.cache_clear()
    module._hip_to_amdsmi_handle.cache_clear()


class TestAmd:
    def test_joules_by_torchs_numbers(self, amd: FakeAmdSmi, clock: FakeTime) -> None:
        with ZeusMeter(clock) as meter:
            before_j = meter.read()
            clock.now_s += 10.0
            after_j = meter.read()
            assert meter.power_w() == {"gpu:0": 500.0, "gpu:1": 300.0}
            assert meter.domains[0].max_power_w == 1500.0
            assert meter.conditions()["gpu:1"].temperature_c == 47.0
        spent_j = {name: (after_j[name] or 0.0) - (before_j[name] or 0.0) for name in after_j}
        assert spent_j == pytest.approx({"gpu:0": 5000.0, "gpu:1": 3000.0}, abs=0.01)

    @pytest.mark.fault("AMD counter that does not count (amdsmi#38)", "power is integrated in its place")
    def test_a_counter_that_does_not_count_is_replaced_by_power(self, amd: FakeAmdSmi, clock: FakeTime) -> None:
        amd.counts = False
        with ZeusMeter(clock) as meter:
            meter.read()
            for _ in range(100):
                clock.now_s += 0.1
                shown_j = meter.read()
        assert shown_j == pytest.approx({"gpu:0": 5000.0, "gpu:1": 3000.0})


def chip(measured: Any, name: str) -> Any:
    """A chip that answers with one of zeus's own measurements."""
    told = {key for key, value in vars(measured).items() if value is not None}
    methods = {"get_total_energy_consumption": lambda self: measured, "get_available_metrics": lambda self: told}
    return type(name, (), methods)()


class TestChips:
    def test_apple_silicon(self, zeus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from zeus.device.soc.apple import AppleSiliconMeasurement

        measured = AppleSiliconMeasurement(
            cpu_total_mj=8000, performance_cores_mj=[3000, 3000], dram_mj=500, gpu_mj=2000, gpu_sram_mj=10, ane_mj=0
        )
        monkeypatch.setattr(zeus, "get_soc", lambda: chip(measured, "AppleSilicon"))
        with ZeusMeter() as meter:
            assert meter.read() == pytest.approx({"cpu:0": 8.0, "gpu:0": 2.01, "dram:0": 0.5, "ane:0": 0.0})
            assert all(domain.additive for domain in meter.domains)
            assert {domain.provenance for domain in meter.domains} == {Provenance.MEASURED}
            assert "AppleSilicon" in meter.domains[0].source

    def test_jetson(self, zeus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from zeus.device.soc.jetson import JetsonMeasurement

        measured = JetsonMeasurement(cpu_energy_mj=1500.0, gpu_energy_mj=None, total_energy_mj=9000.0)
        monkeypatch.setattr(zeus, "get_soc", lambda: chip(measured, "Jetson"))
        with ZeusMeter() as meter:
            assert meter.read() == pytest.approx({"cpu:0": 1.5, "psys:0": 9.0})
            assert {domain.name: domain.additive for domain in meter.domains} == {"cpu:0": True, "psys:0": False}

    def test_the_whole_alone_is_added(self, zeus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from zeus.device.soc.jetson import JetsonMeasurement

        monkeypatch.setattr(zeus, "get_soc", lambda: chip(JetsonMeasurement(total_energy_mj=9000.0), "Jetson"))
        with ZeusMeter() as meter:
            assert [domain.additive for domain in meter.domains] == [True]

    def test_a_gpu_is_not_counted_twice(self, zeus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from zeus.device.soc.jetson import JetsonMeasurement

        measured = JetsonMeasurement(cpu_energy_mj=1500.0, gpu_energy_mj=700.0)
        monkeypatch.setattr(zeus, "get_soc", lambda: chip(measured, "Jetson"))
        with fake_nvml([FakeGpu()]), ZeusMeter() as meter:
            assert [domain.name for domain in meter.domains] == ["gpu:0", "cpu:0"]
            assert meter.domains[0].source.startswith("zeus: energy counter")


class TestAbsence:
    @pytest.mark.fault("zeus not installed", "error with the command; another meter is tried")
    def test_zeus_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "zeus"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "zeus", None)  # type: ignore[arg-type]
        with pytest.raises(SensorAbsentError, match=r'pip install "sweep-energy\[zeus\]"'):
            ZeusMeter().open()

    def test_a_machine_with_nothing(self) -> None:
        with pytest.raises(SensorAbsentError, match="zeus finds nothing"):
            ZeusMeter().open()

    def test_zeus_says_nothing_and_starts_nothing(
        self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        with fake_nvml([FakeGpu()]), ZeusMeter() as meter:
            time.sleep(0.01)
            meter.read()
            assert multiprocessing.active_children() == []
        with pytest.raises(SensorAbsentError):
            ZeusMeter().open()
        assert capfd.readouterr() == ("", "")
        assert not [record for record in caplog.records if record.name.startswith("zeus")]

    def test_reading_a_closed_meter_is_an_error(self) -> None:
        with pytest.raises(MeterError, match="closed"):
            ZeusMeter().read()
