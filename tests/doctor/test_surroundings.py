"""Where a process runs, from made-up files."""

import os
from pathlib import Path

import pytest

from sweep.doctor.surroundings import Times, busiest, container, program_times


def test_programs_are_told_by_their_cpu_time(tmp_path: Path) -> None:
    tick_s = 1.0 / os.sysconf("SC_CLK_TCK")
    for pid, name, user in ((7, "a) tricky (name", 300), (9, "idle", 0)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) S 1 7 7 0 -1 4 0 0 0 0 {user} 50 0 0 20 0 1\n")
    (tmp_path / "12").mkdir()  # it ended meanwhile
    found = program_times(tmp_path)
    assert found[7] == Times("a) tricky (name", pytest.approx(350 * tick_s))
    assert set(found) == {7, 9}


def test_without_procfs_no_program_is_known(tmp_path: Path) -> None:
    assert program_times(tmp_path / "none") == {}


def test_the_busiest_others_first_and_never_this_process() -> None:
    before = {1: Times("one", 5.0), 2: Times("two", 1.0), 3: Times("three", 1.0), os.getpid(): Times("self", 0.0)}
    after = {1: Times("one", 6.0), 2: Times("two", 5.0), 3: Times("three", 1.01), 4: Times("new", 2.0)}
    found = busiest(before, after | {os.getpid(): Times("self", 9.0)}, 4.0)
    assert [(item.name, item.cores) for item in found] == [("two", 1.0), ("new", 0.5), ("one", 0.25)]


@pytest.mark.parametrize(
    ("file", "environ", "kind"),
    [
        (None, {}, ""),
        (".dockerenv", {}, "docker"),
        ("run/.containerenv", {"container": "oci"}, "podman"),
        (".dockerenv", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        (None, {"container": "systemd-nspawn"}, "systemd-nspawn"),
    ],
)
def test_containers_are_recognised(tmp_path: Path, file: str | None, environ: dict[str, str], kind: str) -> None:
    if file is not None:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert container(tmp_path, environ) == kind
