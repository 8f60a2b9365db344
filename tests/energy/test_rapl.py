"""RAPL counters through fake sysfs trees: which are found, how they are named, and what is made of broken ones."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from clocks import FakeTime
from fakes.power import square
from fakes.powercap import AMD_RANGE_J, INTEL_RANGE_J, FakePowercap, dies, epyc, intel, laptop

from sweep.energy.meters.rapl import RaplMeter
from sweep.energy.powercap.zones import domain_name
from sweep.energy.recorder import Recorder
from sweep.errors import ConfigError, MeterError
from sweep.records import Provenance, Scope

UNIT_J = 61.035e-6


def _meter(tree: FakePowercap, **options: object) -> RaplMeter:
    return RaplMeter(sysfs_root=str(tree.root), **options)  # type: ignore[arg-type]


def _additive(meter: RaplMeter) -> dict[str, bool]:
    return {domain.name: domain.additive for domain in meter.domains}


def test_reads_every_domain_of_two_sockets_in_joules(tmp_path: Path) -> None:
    tree = intel(tmp_path, sockets=2)
    tree.set_counter("0", 1234.5)
    tree.set_counter("1:1", 77.25)
    with _meter(tree) as meter:
        shown = meter.read()
    assert list(shown) == ["package:0", "core:0", "dram:0", "package:1", "core:1", "dram:1"]
    assert shown["package:0"] == pytest.approx(1234.5, abs=UNIT_J)
    assert shown["dram:1"] == pytest.approx(77.25, abs=UNIT_J)
    assert shown["package:1"] == 0.0


def test_only_packages_and_memory_add_up(tmp_path: Path) -> None:
    with _meter(laptop(tmp_path)) as meter:
        assert _additive(meter) == {"package:0": True, "core:0": False, "uncore:0": False, "psys:0": False}


def test_domains_say_what_they_are(tmp_path: Path) -> None:
    with _meter(intel(tmp_path)) as meter:
        package, _, dram = meter.domains
    assert package.provenance is Provenance.MEASURED
    assert package.scope is Scope.DEVICE
    assert "every process" in package.note
    assert package.range_j == pytest.approx(INTEL_RANGE_J, abs=1e-5)
    assert package.resolution_j == pytest.approx(UNIT_J, rel=1e-6)
    assert dram.range_j == pytest.approx(AMD_RANGE_J, abs=1e-5)
    assert package.max_power_w == 4 * 150.0
    assert dram.scale_u_rel > package.scale_u_rel


def test_a_small_chip_may_still_draw_much_for_a_moment(tmp_path: Path) -> None:
    with _meter(laptop(tmp_path)) as meter:
        powers = {domain.name: domain.max_power_w for domain in meter.domains}
    assert powers["package:0"] == 250.0
    assert powers["core:0"] == 2000.0


def test_without_a_range_the_counter_is_taken_to_have_none(tmp_path: Path) -> None:
    tree = epyc(tmp_path)
    (tree.zones["0"].folder / "max_energy_range_uj").unlink()
    with _meter(tree) as meter:
        assert meter.domains[0].range_j is None
        assert meter.domains[0].resolution_j is None


def test_polls_often_enough_to_see_every_wrap(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("0", "package-0", range_j=100.0)
    meter = _meter(tree)
    with meter:
        assert meter.poll_interval_s == pytest.approx(100.0 / 2000.0 / 2)
    (tmp_path / "other").mkdir()
    with _meter(intel(tmp_path / "other"), poll_interval_s=600.0) as meter:
        assert 60.0 < meter.poll_interval_s < INTEL_RANGE_J / 600.0


@pytest.mark.parametrize(
    ("label", "parent", "name"),
    [
        ("package-0", None, "package:0"),
        ("package-11", None, "package:11"),
        ("package-1-die-3", None, "package:1-die:3"),
        ("dram", "package-1", "dram:1"),
        ("dram", "package-0-die-1", "dram:0-die:1"),
        ("uncore", "package-0", "uncore:0"),
        ("psys", None, "psys:0"),
        ("psys-1", None, "psys:1"),
        ("dram", None, None),
        ("package-x", None, None),
        ("gt", "package-0", None),
        (None, "package-0", None),
    ],
)
def test_names(label: str | None, parent: str | None, name: str | None) -> None:
    assert domain_name(label, parent) == name


@pytest.mark.parametrize("start_j", [(1000.0, 2000.0), (2000.0, 1000.0)])
def test_each_die_that_counts_for_itself_counts(tmp_path: Path, start_j: tuple[float, ...]) -> None:
    with _meter(dies(tmp_path, start_j)) as meter:
        assert _additive(meter) == {"package:0-die:0": True, "package:0-die:1": True}
        assert meter.problems == ()


def test_one_package_name_twice_counts_once(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("0", "package-0", start_j=1.0)
    tree.add("1", "package-0", start_j=2.0)
    with _meter(tree) as meter:
        assert meter.read() == {"package:0": pytest.approx(1.0, abs=UNIT_J)}
        assert [problem.what for problem in meter.problems] == ["intel-rapl:1"]


def test_sockets_come_in_the_kernels_order(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    for socket in range(12):
        tree.add(f"{socket}", f"package-{socket}", start_j=float(socket))
    with _meter(tree) as meter:
        assert [round(joules or 0.0, 3) for joules in meter.read().values()] == [float(n) for n in range(12)]


def test_dies_of_different_sockets_are_no_mirrors(tmp_path: Path) -> None:
    tree = dies(tmp_path, (5000.0,))
    tree.add("1", "package-1-die-0", start_j=5000.0)
    with _meter(tree) as meter:
        assert len(meter.domains) == 2


def test_counters_that_never_counted_are_no_mirrors(tmp_path: Path) -> None:
    with _meter(dies(tmp_path, (0.0, 0.0))) as meter:
        assert len(meter.domains) == 2


def test_mmio_alone_is_read(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl-mmio:0", "package-0", start_j=7.0)
    with _meter(tree) as meter:
        assert meter.read() == {"package:0": pytest.approx(7.0, abs=UNIT_J)}


def _flat(tree: FakePowercap) -> None:
    """As a container's mount of plain copies: no links, every zone in the class folder only."""
    classes = tree.root / "class" / "powercap"
    for link in list(classes.iterdir()):
        source = link.resolve()
        link.unlink()
        if ":" in link.name:
            link.mkdir()
            for name in ("name", "energy_uj", "max_energy_range_uj"):
                shutil.copy(source / name, link / name)
    shutil.rmtree(tree.root / "devices")


def _devices_only(tree: FakePowercap) -> None:
    shutil.rmtree(tree.root / "class")


def _links_and_devices_apart(tree: FakePowercap) -> None:
    """As a container's two mounts: the links of the class lead nowhere, the devices are there."""
    classes = tree.root / "class" / "powercap"
    for link in list(classes.iterdir()):
        link.unlink()
        link.symlink_to(f"../../gone/{link.name}")


@pytest.mark.parametrize("change", [_flat, _devices_only, _links_and_devices_apart])
def test_finds_zones_in_flat_and_in_partial_trees(tmp_path: Path, change: Callable[[FakePowercap], None]) -> None:
    tree = intel(tmp_path, start_j=3.0)
    change(tree)
    with _meter(tree) as meter:
        assert {name: round(joules or 0.0, 3) for name, joules in meter.read().items()} == {
            "package:0": 3.0,
            "core:0": 3.0,
            "dram:0": 3.0,
        }


def test_the_tree_is_linked_as_the_kernel_does(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    classes = tree.root / "class" / "powercap"
    assert (classes / "intel-rapl:0:1").resolve() == tree.zones["0:1"].folder.resolve()
    assert (classes / "intel-rapl" / "intel-rapl:0" / "intel-rapl:0:1" / "name").read_text() == "dram\n"
    for zone in tree.zones.values():
        assert (zone.folder / "subsystem").resolve() == classes.resolve()
        assert (zone.folder / "device").resolve() == zone.folder.parent.resolve()


def test_excludes_by_name_and_by_kind(tmp_path: Path) -> None:
    tree = intel(tmp_path, sockets=2)
    with _meter(tree, exclude=("dram:1", "core", "gpu:0")) as meter:
        assert set(meter.read()) == {"package:0", "dram:0", "package:1"}
    for wrong in ("dram:2", "drma"):
        with pytest.raises(ConfigError, match=wrong):
            _meter(tree, exclude=(wrong,)).open()
    with pytest.raises(MeterError, match="leaves no whole package"):
        _meter(tree, exclude=("package", "dram")).open()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_gives_its_files_back(tmp_path: Path) -> None:
    meter = _meter(intel(tmp_path, sockets=2))
    before = _open_files()
    meter.open()
    assert _open_files() == before + 6
    meter.open()
    meter.close()
    assert _open_files() == before


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_keeps_no_file_of_a_counter_that_is_left_out(tmp_path: Path) -> None:
    tree = dies(tmp_path, (50.0, 50.0, 70.0))
    tree.zones["2"].write("garbage")
    before = _open_files()
    with tree.running({"0": 90.0, "1": 90.0}), _meter(tree):
        assert _open_files() == before + 1


def test_tells_the_temperature_of_packages(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    zone = tmp_path / "class" / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "type").write_text("x86_pkg_temp\n")
    (zone / "temp").write_text("61000\n")
    with _meter(tree) as meter:
        assert {name: state.temperature_c for name, state in meter.conditions().items()} == {"package:0": 61.0}


def test_a_recorder_finds_the_joules_of_a_profile_across_wraps(tmp_path: Path) -> None:
    clock = FakeTime()
    tree = FakePowercap(tmp_path)
    tree.add("0", "package-0", range_j=500.0, start_j=490.0)
    power = square(50.0, 150.0, period_s=0.5)

    def now_s() -> float:
        tree.sync(clock.now_s, {"0": power})
        return clock.now_s

    with Recorder(_meter(tree, poll_interval_s=60.0), clock=now_s) as recorder:
        for _ in range(400):
            clock.now_s += 0.05
            recorder.settle()
        found_j = recorder.timeline.joules(0.0, 20.0)["package:0"]
    assert found_j == pytest.approx(power.energy_j(0.0, 20.0), abs=1e-3)


def test_a_tree_that_runs_in_real_time_counts_its_power(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        outer_s = time.monotonic()
        with tree.running({"0": 200.0, "0:1": 20.0}):
            inner_s = time.monotonic()
            time.sleep(0.05)
            inner_s = time.monotonic() - inner_s
        outer_s = time.monotonic() - outer_s
        spent = meter.read()
    tick_j = 200.0 * 1e-3
    assert 200.0 * inner_s - tick_j - UNIT_J <= (spent["package:0"] or 0.0) <= 200.0 * outer_s
    assert spent["dram:0"] == pytest.approx((spent["package:0"] or 0.0) / 10, abs=2 * UNIT_J)
    assert spent["core:0"] == 0.0


def test_an_interval_must_be_positive() -> None:
    with pytest.raises(MeterError, match="not positive"):
        RaplMeter(poll_interval_s=0.0)
