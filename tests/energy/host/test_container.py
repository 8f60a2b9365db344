"""Limits of containers, from fake trees of both versions of cgroups."""

import os
from pathlib import Path

import pytest
from fakes.host import GIB, Host

from sweep.energy.host.container import Limits, held_bytes, read_limits


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """64 cores that the process may run on, no container."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    return Host(tmp_path)


def limits(host: Host) -> Limits:
    return read_limits(host.proc, host.sysfs)


def test_without_a_container_the_cores_are_those_of_the_affinity(host: Host) -> None:
    assert limits(host) == Limits(64, None)


def test_without_procfs_and_sysfs_nothing_is_limited(host: Host, tmp_path: Path) -> None:
    assert read_limits(tmp_path / "none", tmp_path / "none") == Limits(64, None)


@pytest.mark.parametrize(
    ("text", "cores"), [("150000 100000", 1.5), ("max 100000", 64), ("50000 100000", 0.5), ("garbage", 64), ("", 64)]
)
def test_version_2_gives_fractions_of_cores(host: Host, text: str, cores: float) -> None:
    host.group("0::/")
    host.limit("cpu.max", text)
    assert limits(host).cores == cores


def test_version_2_the_least_limit_on_the_way_up_counts(host: Host) -> None:
    host.group("0::/pod/box")
    host.limit("pod/cpu.max", "200000 100000")
    host.limit("pod/box/cpu.max", "max 100000")
    host.limit("pod/memory.max", "max")
    host.limit("pod/box/memory.max", str(4 * GIB))
    assert limits(host) == Limits(2, 4 * GIB)


def test_a_path_of_the_host_ends_at_the_containers_root(host: Host) -> None:
    host.group("0::/kubepods/pod1/0123abcd")
    host.limit("cpu.max", "200000 100000")
    host.limit("memory.max", str(GIB))
    assert limits(host) == Limits(2, GIB)


def test_a_group_outside_the_root_is_not_followed_out_of_the_tree(host: Host) -> None:
    host.group("0::/../../secret")
    host.limit("cpu.max", "300000 100000")
    (host.sysfs / "secret").mkdir()
    (host.sysfs / "secret" / "cpu.max").write_text("100000 100000")
    assert limits(host).cores == 3


def test_version_1(host: Host) -> None:
    host.group("4:memory:/docker/abc", "3:cpu,cpuacct:/docker/abc", "1:name=systemd:/", "0::/")
    host.limit("cpu/docker/abc/cpu.cfs_quota_us", "150000")
    host.limit("cpu/docker/abc/cpu.cfs_period_us", "100000")
    host.limit("memory/docker/abc/memory.limit_in_bytes", str(2 * GIB))
    host.limit("memory/memory.limit_in_bytes", "9223372036854771712")
    assert limits(host) == Limits(1.5, 2 * GIB)


def test_version_1_says_no_limit_in_its_own_way(host: Host) -> None:
    host.group("4:memory:/", "1:cpu:/")
    host.limit("cpu/cpu.cfs_quota_us", "-1")
    host.limit("cpu/cpu.cfs_period_us", "100000")
    host.limit("memory/memory.limit_in_bytes", "9223372036854771712")
    assert limits(host) == Limits(64, None)


def test_half_a_pair_is_no_limit(host: Host) -> None:
    host.limit("cpu/cpu.cfs_period_us", "100000")
    assert limits(host).cores == 64


def test_a_quota_above_the_affinity_gives_no_more_cores(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    host.limit("cpu.max", "800000 100000")
    assert limits(host).cores == 2


def test_memory_held(host: Host) -> None:
    assert held_bytes(host.proc) is None
    host.hold(3 * GIB)
    assert held_bytes(host.proc) == 3 * GIB
    (host.proc / "self" / "statm").write_text("garbage")
    assert held_bytes(host.proc) is None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no procfs")
def test_memory_held_by_this_process_grows_with_what_it_takes() -> None:
    before = held_bytes()
    taken = bytearray(os.urandom(1)) * (64 << 20)
    after = held_bytes()
    assert before is not None
    assert after is not None
    assert 50 << 20 < after - before < 100 << 20
    assert len(taken) == 64 << 20
