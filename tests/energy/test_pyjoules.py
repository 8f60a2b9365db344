"""pyJoules' devices under our meter: held to the same joules as our own readers, on the same fakes."""

from collections.abc import Sequence
from pathlib import Path

import pynvml
import pytest
from clocks import FakeTime
from fakes.gpu import FakeGpu
from fakes.nvml import fake_nvml, no_nvml
from fakes.power import constant
from fakes.powercap import FakePowercap, dies, epyc, intel, laptop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyJoules.device import rapl_device

from sweep.energy.counter import Counter
from sweep.energy.meter import Meter
from sweep.energy.meters.nvml import NvmlMeter
from sweep.energy.meters.pyjoules import PyJoulesMeter
from sweep.energy.meters.rapl import RaplMeter
from sweep.errors import ConfigError, MeterError, SensorAbsentError

pytestmark = pytest.mark.usefixtures("_no_driver")


@pytest.fixture
def _no_driver() -> object:
    with no_nvml():
        yield


def _meter(tree: FakePowercap, **options: object) -> PyJoulesMeter:
    return PyJoulesMeter(sysfs_root=str(tree.root), **options)  # type: ignore[arg-type]


def _read_both(tree: FakePowercap) -> tuple[dict[str, float | None], dict[str, float | None]]:
    with _meter(tree) as theirs, RaplMeter(sysfs_root=str(tree.root)) as ours:
        return theirs.read(), ours.read()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sockets=st.integers(1, 3),
    starts_j=st.lists(st.floats(0.0, 262_000.0), min_size=9, max_size=9),
    steps_j=st.lists(st.floats(0.0, 50_000.0), min_size=1, max_size=12),
)
def test_reads_the_same_joules_as_our_own_reader(
    tmp_path_factory: pytest.TempPathFactory, sockets: int, starts_j: list[float], steps_j: Sequence[float]
) -> None:
    tree = intel(tmp_path_factory.mktemp("sys"), sockets)
    for zone, start_j in zip(tree.zones, starts_j, strict=False):
        tree.set_counter(zone, start_j)
    with _meter(tree) as theirs, RaplMeter(sysfs_root=str(tree.root)) as ours:
        described = [
            {domain.name: (domain.range_j, domain.max_power_w) for domain in m.domains} for m in (theirs, ours)
        ]
        assert described[0] == described[1]
        assert len(described[0]) == 3 * sockets
        for step_j in steps_j:
            assert theirs.read() == ours.read()
            tree.advance(step_j)
        assert theirs.read() == ours.read()


@pytest.mark.parametrize("make", [intel, laptop, epyc])
def test_domains_that_both_read_are_described_alike(tmp_path: Path, make: object) -> None:
    tree = make(tmp_path)  # type: ignore[operator]
    with _meter(tree) as theirs, RaplMeter(sysfs_root=str(tree.root)) as ours:
        known = {domain.name: domain for domain in ours.domains}
        for domain in theirs.domains:
            assert "pyJoules" in domain.source
            assert domain.additive == known[domain.name].additive
            assert domain.scale_u_rel == known[domain.name].scale_u_rel


@pytest.mark.fault("pyJoules' counter wraps (it corrects none)", "the joules are right: wraps are corrected by us")
def test_a_wrap_is_corrected_by_us(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("0", "package-0", range_j=1000.0, start_j=990.0)
    with _meter(tree) as meter:
        counter = Counter(meter.domains[0])
        shown, counted = [], []
        for second in range(4):
            shown.append(meter.read()["package:0"])
            counted.append(counter.update(float(second), shown[-1]).energy_j)
            tree.advance(20.0)
    assert shown == pytest.approx([990.0, 10.0, 30.0, 50.0], abs=1e-3)
    assert counted == pytest.approx([0.0, 20.0, 40.0, 60.0], abs=1e-3)


@pytest.mark.fault("pyJoules does not know multi-die packages", "a clear error that names meter=rapl")
def test_dies_are_not_recognised_and_said(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match=r"does not recognise package-0-die-0.*meter=rapl"):
        _meter(dies(tmp_path, (10.0, 20.0))).open()


def test_a_package_behind_the_platform_is_said_to_be_missing(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    for zone, (address, name) in enumerate([("0", "package-0"), ("1", "psys"), ("2", "package-1")]):
        tree.add(address, name, start_j=float(zone + 1))
    tree.add("2:0", "dram", start_j=9.0)
    with _meter(tree) as meter:
        assert {name: round(joules or 0.0, 3) for name, joules in meter.read().items()} == {
            "package:0": 1.0,
            "dram:1": 9.0,
        }
        assert [problem.what for problem in meter.problems] == ["psys:0", "package:1"]
        assert all("meter=rapl" in problem.mend for problem in meter.problems)


def test_tells_many_sockets_apart(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    for socket in range(12):
        tree.add(f"{socket}", f"package-{socket}", start_j=float(socket))
        if socket > 1:
            tree.add(f"{socket}:0", "dram", start_j=100.0 + socket)
    theirs, ours = _read_both(tree)
    assert theirs == ours


def test_its_root_is_put_back(tmp_path: Path) -> None:
    before = rapl_device.RAPL_API_DIR
    with _meter(intel(tmp_path)):
        assert before == rapl_device.RAPL_API_DIR


def test_its_files_are_closed(tmp_path: Path) -> None:
    with _meter(intel(tmp_path)) as meter:
        before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
        for _ in range(20):
            meter.read()  # an unclosed file is a ResourceWarning, which is an error here
        after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    assert after == before


@pytest.mark.fault("pyJoules finds no device (it raises a TypeError)", "a clear error; meter=auto takes the model")
def test_nothing_here(tmp_path: Path) -> None:
    with pytest.raises(SensorAbsentError, match="virtual machine"):
        PyJoulesMeter(sysfs_root=str(tmp_path)).open()


def test_no_permission(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with tree.denied(), pytest.raises(MeterError, match=r"CVE-2020-8694.*chgrp"):
        _meter(tree).open()


@pytest.mark.fault("permission lost while running, with pyJoules", "failed readings: a gap and one warning")
def test_permission_lost_while_running(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        with tree.denied("0"):
            shown = meter.read()
            assert shown["package:0"] is None
            assert shown["dram:0"] == 0.0
        with tree.denied(), pytest.raises(MeterError, match="none of package:0"):
            meter.read()
        assert meter.read()["package:0"] == 0.0


@pytest.mark.parametrize("content", ["", "-5", "garbage", "nan", "inf"])
def test_content_that_is_no_energy_is_a_failed_reading(tmp_path: Path, content: str) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        tree.zones["0:1"].write(content)
        assert meter.read() == {"package:0": 0.0, "core:0": 0.0, "dram:0": None}


def test_excludes_by_name_and_by_kind(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree, exclude=("core",)) as meter:
        assert set(meter.read()) == {"package:0", "dram:0"}
    with pytest.raises(ConfigError, match="drma"):
        _meter(tree, exclude=("drma",)).open()
    with pytest.raises(MeterError, match="exclude"):
        _meter(tree, exclude=("package", "dram")).open()


def test_gpus_have_millijoules_and_the_same_joules_as_ours(tmp_path: Path) -> None:
    clock = FakeTime()
    gpus = [FakeGpu(power=constant(200.0)), FakeGpu(power=constant(300.0))]
    with fake_nvml(gpus, clock=clock) as driver:
        meters: list[Meter] = [PyJoulesMeter(sysfs_root=str(tmp_path)), NvmlMeter(clock)]
        shown = []
        for meter in meters:
            with meter:
                start = meter.read()
                clock.now_s += 10.0
                end = meter.read()
            shown.append({name: (end[name] or 0.0) - (start[name] or 0.0) for name in end})
        assert not driver.is_initialised
    assert shown[0] == pytest.approx({"gpu:0": 2000.0, "gpu:1": 3000.0}, rel=0.02)
    assert shown[0] == pytest.approx(shown[1], rel=1e-6)


def test_only_gpus_that_torch_sees_under_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeTime()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    gpus = [FakeGpu(power=constant(200.0), uuid="GPU-a"), FakeGpu(power=constant(300.0), uuid="GPU-b")]
    with fake_nvml(gpus, clock=clock), PyJoulesMeter(sysfs_root=str(tmp_path)) as meter:
        start = meter.read()
        clock.now_s += 10.0
        assert meter.read() == {"gpu:0": pytest.approx((start["gpu:0"] or 0.0) + 3000.0, rel=0.02)}


def test_a_gpu_without_counter_is_said(tmp_path: Path) -> None:
    missing = {"nvmlDeviceGetTotalEnergyConsumption"}
    with fake_nvml([FakeGpu()], clock=FakeTime(), missing=missing), _meter(intel(tmp_path)) as meter:
        assert "gpu:0" not in meter.read()
        assert "has no energy counter" in meter.problems[0].why
        assert "meter=nvml" in meter.problems[0].mend


def test_a_gpu_that_cannot_be_told_leaves_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-7")
    with fake_nvml([FakeGpu()], clock=FakeTime()), _meter(intel(tmp_path)) as meter:
        assert set(meter.read()) == {"package:0", "core:0", "dram:0"}
        assert "MIG" in meter.problems[0].why
    with fake_nvml([], init_error=pynvml.NVML_ERROR_NO_PERMISSION), _meter(intel(tmp_path / "other")) as meter:
        assert "gpu" in [problem.what for problem in meter.problems]


def test_only_the_gpu_that_works(tmp_path: Path) -> None:
    with fake_nvml([FakeGpu(power=constant(200.0)), FakeGpu(power=constant(300.0))], clock=FakeTime()):
        meter = _meter(intel(tmp_path))
        meter.attend("cuda:1")
        with meter:
            assert set(meter.read()) == {"package:0", "core:0", "dram:0", "gpu:1"}


def test_an_interval_must_be_positive() -> None:
    with pytest.raises(MeterError, match="not positive"):
        PyJoulesMeter(poll_interval_s=-1.0)
