"""Faults of RAPL counters: missing rights, vanishing zones, counters shown twice, files that hold no number."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from fakes.powercap import FakePowercap, dies, epyc, intel, laptop

from sweep.energy.meters.rapl import EMPTY_S, RaplMeter
from sweep.errors import MeterError, SensorAbsentError

UNIT_J = 61.035e-6


def _meter(tree: FakePowercap, **options: object) -> RaplMeter:
    return RaplMeter(sysfs_root=str(tree.root), **options)  # type: ignore[arg-type]


def _additive(meter: RaplMeter) -> dict[str, bool]:
    return {domain.name: domain.additive for domain in meter.domains}


@pytest.mark.fault("dies of a socket mirror one counter", "one of them counts, so the joules are right; said in doctor")
def test_mirrored_dies_count_once(tmp_path: Path) -> None:
    tree = dies(tmp_path, (5000.0,) * 4)
    with tree.running(dict.fromkeys(tree.zones, 90.0)), _meter(tree) as meter:
        assert [domain.name for domain in meter.domains] == ["package:0-die:0"]
        assert [problem.what for problem in meter.problems] == [f"package:0-die:{die}" for die in (1, 2, 3)]
        assert "mirrors package:0-die:0" in meter.problems[0].why


def test_dies_that_stand_still_alike_are_no_mirrors(tmp_path: Path) -> None:
    tree = dies(tmp_path, (5000.0, 5000.0))
    with _meter(tree) as meter:
        assert [domain.name for domain in meter.domains] == ["package:0-die:0", "package:0-die:1"]


@pytest.mark.fault(
    "a copy of a counter's file is empty while it is written anew", "read again at once; joules are right"
)
def test_a_file_that_is_empty_for_a_moment_is_read_again(tmp_path: Path) -> None:
    tree = epyc(tmp_path)
    counter = tree.zones["0"].counter
    counter.write_text("")
    writer = threading.Timer(EMPTY_S / 2, counter.write_text, ("7000000\n",))
    writer.start()
    with _meter(tree) as meter:
        assert meter.read()["package:0"] == 7.0
    writer.join()


@pytest.mark.fault("a package is shown by MSR and by MMIO", "counted once, by MSR")
def test_the_same_package_by_mmio_counts_once(tmp_path: Path) -> None:
    tree = laptop(tmp_path)
    tree.set_counter("0", 10.0)
    tree.set_counter("intel-rapl-mmio:0", 99.0)
    with _meter(tree) as meter:
        assert meter.read()["package:0"] == pytest.approx(10.0, abs=UNIT_J)
        assert [problem.what for problem in meter.problems] == ["intel-rapl-mmio:0"]


@pytest.mark.fault("nothing but the platform counter (psys)", "it is the total")
def test_the_platform_alone_adds_up(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("0", "psys")
    with _meter(tree) as meter:
        assert _additive(meter) == {"psys:0": True}
        assert meter.domains[0].max_power_w == 20e3  # accelerators may be in it
        assert "platform" in meter.domains[0].note


@pytest.mark.fault("a RAPL zone of an unknown name", "left out of all sums; said in doctor")
def test_an_unknown_zone_is_said_and_harms_nothing(tmp_path: Path) -> None:
    tree = epyc(tmp_path)
    tree.add("0:1", "gt")
    with _meter(tree) as meter:
        assert "gt" not in str(meter.read())
        assert meter.problems[0].what == "intel-rapl:0:1"
        assert "'gt'" in meter.problems[0].why


def _broken_links(tree: FakePowercap) -> None:
    """Docker's own /sys lists the zones and hides where they lead."""
    shutil.rmtree(tree.root / "devices" / "virtual" / "powercap")


@pytest.mark.fault("no RAPL at all (virtual machine, ARM, macOS)", "a clear error; meter=auto takes the model")
def test_no_powercap(tmp_path: Path) -> None:
    with pytest.raises(SensorAbsentError, match="virtual machine"):
        RaplMeter(sysfs_root=str(tmp_path)).open()


@pytest.mark.fault("a container hides the RAPL folder", "a clear error that names the mount")
def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    _broken_links(tree)
    with pytest.raises(MeterError, match=r"leads nowhere.*meter\.sysfs_root=/host/sys") as caught:
        _meter(tree).open()
    assert not isinstance(caught.value, SensorAbsentError)


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="is not a folder") as caught:
        RaplMeter(sysfs_root=str(tmp_path / "syss")).open()
    assert not isinstance(caught.value, SensorAbsentError)


@pytest.mark.fault("RAPL counters closed to this user", "a clear error with the least that must be granted")
def test_no_permission(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with tree.denied(), pytest.raises(MeterError) as caught:
        _meter(tree).open()
    assert not isinstance(caught.value, SensorAbsentError)
    assert "energy_uj cannot be read (mode 0400, owner " in caught.value.problem
    assert "CVE-2020-8694" in caught.value.problem
    assert "chgrp GROUP" in caught.value.mend
    assert "udev" in caught.value.mend


@pytest.mark.fault("one RAPL counter closed to this user", "the others count; said in doctor")
def test_no_permission_for_one(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with tree.denied("0:1"), _meter(tree) as meter:
        assert set(meter.read()) == {"package:0", "core:0"}
        assert meter.problems[0].what == "dram:0"
        assert "chgrp" in meter.problems[0].mend


def test_a_missing_right_is_the_first_reason_named(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    tree.zones["0"].write("garbage")
    with tree.denied("0:1"), pytest.raises(MeterError, match=r"^dram:0: .*CVE-2020-8694"):
        _meter(tree).open()


def test_parts_alone_are_not_enough(tmp_path: Path) -> None:
    tree = epyc(tmp_path)
    with tree.denied("0"), pytest.raises(MeterError, match="CVE-2020-8694"):
        _meter(tree).open()


@pytest.mark.fault("permission lost while running", "the open counter goes on; the joules are right")
def test_permission_lost_while_running(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter, tree.denied():
        tree.advance(5.0)
        assert meter.read()["package:0"] == pytest.approx(5.0, abs=UNIT_J)


@pytest.mark.fault("a RAPL zone vanishes while running", "that domain has a gap; the others count")
def test_a_zone_vanishes_and_comes_back(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        tree.remove("0:1")
        gone = meter.read()
        assert gone["dram:0"] is None
        assert gone["package:0"] == 0.0
        tree.add("0:1", "dram", start_j=42.0)
        assert meter.read()["dram:0"] == pytest.approx(42.0, abs=UNIT_J)


@pytest.mark.fault("the RAPL driver is unloaded while running", "failed readings: a gap and one warning")
def test_all_zones_vanish(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        tree.remove("0")
        with pytest.raises(MeterError, match="none of package:0"):
            meter.read()


def test_a_counter_that_says_enodev_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = epyc(tmp_path)
    answers = iter([OSError(19, "No such device")])
    pread = os.pread

    def once(descriptor: int, length: int, offset: int) -> bytes:
        for error in answers:
            raise error
        return pread(descriptor, length, offset)

    with _meter(tree) as meter:
        tree.advance(8.0)
        monkeypatch.setattr(os, "pread", once)
        assert meter.read()["package:0"] == pytest.approx(8.0, abs=UNIT_J)


@pytest.mark.fault("a RAPL counter shows no number", "a failed reading of that domain; the others count")
@pytest.mark.parametrize("content", ["", "-5", "garbage", "12.5", "0x10"])
def test_content_that_is_no_number_is_a_failed_reading(tmp_path: Path, content: str) -> None:
    tree = intel(tmp_path)
    with _meter(tree) as meter:
        tree.zones["0"].write(content)
        shown = meter.read()
        assert shown["package:0"] is None
        assert shown["dram:0"] == 0.0
        tree.advance(1.0)
        assert meter.read()["package:0"] == pytest.approx(1.0, abs=UNIT_J)


def test_a_counter_that_shows_no_number_from_the_start_is_left_out(tmp_path: Path) -> None:
    tree = intel(tmp_path)
    tree.zones["0:1"].write("garbage")
    with _meter(tree) as meter:
        assert "dram:0" not in meter.read()
        assert [problem.what for problem in meter.problems] == ["dram:0"]
